#include "crypto/primitives/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace wxpush::crypto {
namespace {

// Hands out the bytes of a script, and fails when it ends.
class ScriptedRandom final : public Random {
 public:
  explicit ScriptedRandom(std::vector<std::uint8_t> script) : script_(std::move(script)) {}
  void fill(std::span<std::uint8_t> out) override {
    if (script_.size() - used_ < out.size()) throw std::runtime_error("the script has ended");
    std::copy_n(script_.begin() + static_cast<std::ptrdiff_t>(used_), out.size(), out.begin());
    used_ += out.size();
  }

 private:
  std::vector<std::uint8_t> script_;
  std::size_t used_ = 0;
};

using Draw = std::array<std::uint8_t, 16>;
Draw draw() {
  SystemRandom random;
  Draw bytes{};
  random.fill(bytes);
  return bytes;
}

}  // namespace

TEST_CASE("random_text: each byte is a character of the alphabet, round and round") {
  ScriptedRandom random({0, 1, 9, 10, 249});
  CHECK(random_text(random, 5, "0123456789") == "01909");
}

TEST_CASE("random_text: bytes that would favour the start of the alphabet are drawn again") {
  ScriptedRandom random({250, 7, 255, 251, 8, 9});  // 250 and above: an incomplete round of ten
  CHECK(random_text(random, 3, "0123456789") == "789");
}

TEST_CASE("random_text: an alphabet of one, and one of all bytes") {
  ScriptedRandom random({0, 255, 3, 0, 128, 255});
  CHECK(random_text(random, 3, "x") == "xxx");
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  CHECK(random_text(random, 3, all) == std::string("\x00\x80\xff", 3));
}

TEST_CASE("random_text: longer than one draw, or empty") {
  ScriptedRandom random(std::vector<std::uint8_t>(100, 1));
  CHECK(random_text(random, 100, "ab") == std::string(100, 'b'));
  CHECK(random_text(random, 0, "ab").empty());
}

TEST_CASE("random_text: impossible alphabets and a failing generator are told") {
  ScriptedRandom empty({});
  CHECK_THROWS_AS(random_text(empty, 1, ""), std::invalid_argument);
  CHECK_THROWS_AS(random_text(empty, 1, std::string(257, 'x')), std::invalid_argument);
  CHECK_THROWS_AS(random_text(empty, 1, "ab"), std::runtime_error);
}

TEST_CASE("SystemRandom: small draws never repeat, over many refills of its pool") {
  std::set<Draw> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(draw());
  CHECK(seen.size() == 1000);
}

TEST_CASE("SystemRandom: fills all of it, whatever the size") {
  SystemRandom random;
  for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 1024U, 5000U}) {
    CAPTURE(size);
    std::vector<std::uint8_t> together(size, 0);
    for (int round = 0; round < 64; ++round) {  // a byte that stays 0 in 64 rounds was not filled
      std::vector<std::uint8_t> bytes(size, 0);
      random.fill(bytes);
      for (std::size_t i = 0; i < size; ++i) together[i] |= bytes[i];
    }
    CHECK(std::count(together.begin(), together.end(), 0) == 0);
  }
}

TEST_CASE("SystemRandom: threads draw different bytes") {
  std::array<Draw, 4> draws{};
  {
    std::vector<std::jthread> threads;
    threads.reserve(draws.size());
    for (Draw& mine : draws) {
      threads.emplace_back([&mine] { mine = draw(); });
    }
  }
  CHECK(std::set<Draw>(draws.begin(), draws.end()).size() == draws.size());
}

TEST_CASE("SystemRandom: a forked child does not repeat what its parent draws") {
  draw();  // so that the parent's pool is filled before the fork
  std::array<int, 2> pipe_ends{};
  REQUIRE(::pipe(pipe_ends.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const Draw mine = draw();
    const bool sent = ::write(pipe_ends[1], mine.data(), mine.size()) == std::ssize(mine);
    ::_exit(sent ? 0 : 1);
  }
  const Draw parents = draw();
  Draw childs{};
  REQUIRE(::read(pipe_ends[0], childs.data(), childs.size()) == std::ssize(childs));
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(childs != parents);
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

}  // namespace wxpush::crypto
