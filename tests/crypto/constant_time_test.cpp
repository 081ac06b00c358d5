#include "crypto/primitives/constant_time.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>

namespace wxpush::crypto {

TEST_CASE("constant_time_equal: the same bytes and nothing else, wherever they differ") {
  const std::string text("0123\0abc", 8);
  CHECK(constant_time_equal(text, std::string(text)));
  CHECK(constant_time_equal("", ""));
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string other = text;
    other[at] = static_cast<char>(other[at] ^ 1);
    CHECK_FALSE(constant_time_equal(text, other));
  }
  CHECK_FALSE(constant_time_equal(text, text.substr(0, 7)));
  CHECK_FALSE(constant_time_equal(text.substr(0, 7), text));
  CHECK_FALSE(constant_time_equal(text, ""));
}

TEST_CASE("cleanse: memory becomes zeros") {
  std::array<char, 40> memory{};
  memory.fill('s');
  cleanse(memory.data(), 39);
  CHECK(std::all_of(memory.begin(), memory.end() - 1, [](char c) { return c == 0; }));
  CHECK(memory.back() == 's');
  cleanse(nullptr, 0);
}

TEST_CASE("cleanse: a string is emptied, and what lay behind its end is overwritten too") {
  for (const std::size_t length :
       {std::size_t{10}, std::size_t{100}}) {  // inside the object, outside
    std::string text(length, 's');
    text.resize(3);
    const char* memory = text.data();
    cleanse(text);
    CHECK(text.empty());
    REQUIRE(text.data() == memory);
    REQUIRE(text.capacity() >= length);
    CHECK(std::all_of(memory, memory + length, [](char c) { return c == 0; }));
  }
}

}  // namespace wxpush::crypto
