#include "config/secret.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <new>
#include <sstream>
#include <string_view>

using wxpush::config::Secret;

namespace {

std::string printed(const Secret& secret) {
  std::ostringstream out;
  out << secret;
  return out.str();
}

}  // namespace

TEST_CASE("a secret prints a placeholder, and an absent one nothing") {
  CHECK(printed(Secret("hunter2")) == "***");
  CHECK(printed(Secret()).empty());
  CHECK(Secret("hunter2").reveal() == "hunter2");
}

TEST_CASE("secrets are values: they copy, move and compare") {
  Secret first("a secret too long for the short-string buffer");
  Secret copy = first;
  CHECK(copy == first);
  Secret moved = std::move(copy);
  CHECK(moved == first);
  CHECK(copy.empty());  // NOLINT(bugprone-use-after-move): the promise tested here
  copy = Secret("other");
  CHECK_FALSE(copy == first);
  copy = first;
  CHECK(copy == first);
  first = std::move(copy);
  CHECK(copy.empty());  // NOLINT(bugprone-use-after-move): the promise tested here
  CHECK(first == moved);
}

TEST_CASE("a secret leaves no byte of a short value in the memory it lived in") {
  alignas(Secret) std::array<unsigned char, sizeof(Secret)> memory{};
  auto* secret = new (memory.data()) Secret("XXXXXXXXXXXX");
  SUBCASE("when destroyed") {
    CHECK(secret->reveal() == "XXXXXXXXXXXX");
  }
  SUBCASE("when moved from, and destroyed") {
    CHECK(Secret(std::move(*secret)).reveal() == "XXXXXXXXXXXX");
  }
  SUBCASE("when a shorter one replaced it") {
    *secret = Secret("YYYY");
  }
  secret->~Secret();
  // Three in a row: a single one may be part of an address.
  for (const std::string_view value : {"XXX", "YYY"}) {
    CHECK(std::search(memory.begin(), memory.end(), value.begin(), value.end()) == memory.end());
  }
}

TEST_CASE("wipe overwrites a string's memory beyond its end") {
  std::string text = "XXXXXXXXXXXX";
  text.resize(3);
  wxpush::config::wipe(text);
  CHECK(text.empty());
  CHECK(std::string_view(text.data(), 12).find('X') == std::string_view::npos);
}
