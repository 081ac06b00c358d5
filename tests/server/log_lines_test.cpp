#include "server/log_lines.h"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <string>
#include <system_error>
#include <thread>
#include <unistd.h>

using namespace wxpush;
using server::LogLines;

namespace {

struct Pipe {
  Pipe() { REQUIRE(pipe2(ends, O_CLOEXEC) == 0); }
  ~Pipe() {
    close(ends[0]);
    if (ends[1] >= 0) close(ends[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  std::string read_some() const {
    std::string text(65536, '\0');
    const auto size = ::read(ends[0], text.data(), text.size());
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }
  std::string read_to_the_end() const {
    std::string all;
    for (std::string text = read_some(); !text.empty(); text = read_some()) all += text;
    return all;
  }
  void close_writing_end() {
    close(ends[1]);
    ends[1] = -1;
  }

  int ends[2]{};
};

}  // namespace

TEST_CASE("lines come out whole, in order, and all of them at the end") {
  Pipe pipe;
  {
    LogLines lines(pipe.ends[1]);
    for (int i = 0; i < 100; ++i) lines.add(std::to_string(i), i % 7 == 0);
  }
  pipe.close_writing_end();
  std::string wanted;
  for (int i = 0; i < 100; ++i) wanted += std::to_string(i) + "\n";
  CHECK(pipe.read_to_the_end() == wanted);
}

TEST_CASE("a line that is not urgent comes out without another one") {
  const Pipe pipe;
  LogLines lines(pipe.ends[1]);
  lines.add("alone", false);
  CHECK(pipe.read_some() == "alone\n");
}

TEST_CASE("a reader that does not read holds nobody up; the oldest lines are dropped and counted") {
  constexpr int written = 40'000;
  Pipe pipe;
  std::string all;
  std::thread reader;
  {
    LogLines lines(pipe.ends[1]);
    for (int i = 0; i < written; ++i) lines.add(std::to_string(i) + std::string(100, ' '), false);
    lines.add("last", false);
    CHECK(lines.dropped() > 0);
    CHECK(lines.dropped() < written);
    reader = std::thread([&] { all = pipe.read_to_the_end(); });
  }
  pipe.close_writing_end();
  reader.join();
  CHECK(all.ends_with("\nlast\n"));
}

TEST_CASE("an urgent line is waited for by none, nor are those before it") {
  const Pipe pipe;
  LogLines lines(pipe.ends[1], std::chrono::hours(1));
  lines.add("first", false);
  lines.add("second", true);
  std::string text = pipe.read_some();
  if (text == "first\n") text += pipe.read_some();
  CHECK(text == "first\nsecond\n");
}

TEST_CASE("lines that cannot be written are counted") {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  std::uint64_t dropped = 0;
  {
    LogLines lines(full, std::chrono::hours(1));
    for (int i = 0; i < 100; ++i) lines.add(std::string(200, 'x'), false);
    lines.add("last", true);
    while (dropped < 101) dropped = lines.dropped();
  }
  CHECK(dropped == 101);
  close(full);
}

TEST_CASE("what has to be out is out, and told if it cannot be") {
  const Pipe pipe;
  LogLines lines(pipe.ends[1]);
  lines.write_now("now");
  CHECK(pipe.read_some() == "now\n");
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  LogLines nowhere(full);
  CHECK_THROWS_AS(nowhere.write_now("lost"), std::system_error);
  close(full);
}
