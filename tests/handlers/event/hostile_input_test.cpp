// Input that has crashed or stalled JSON readers: all of it must come back as an answer.
#include "handlers/event/envelope.h"
#include "handlers/event/json.h"
#include "handlers/event/message.h"

#include <doctest/doctest.h>

#include <vector>

using namespace wxpush::event;

namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string result;
  result.reserve(text.size() * times);
  while (times-- > 0) result += text;
  return result;
}

std::string nested(std::size_t depth) {
  return repeat("[", depth) + repeat("]", depth);
}

}  // namespace

TEST_CASE("nesting is bounded: 64 levels pass, 65 do not") {
  CHECK(JsonDocument::parse(nested(64)));
  CHECK_FALSE(JsonDocument::parse(nested(65)));
  CHECK(JsonDocument::parse(repeat("{\"a\":", 63) + "{}" + repeat("}", 63)));
  CHECK_FALSE(JsonDocument::parse(repeat("{\"a\":", 64) + "{}" + repeat("}", 64)));
}

TEST_CASE("a hundred thousand brackets do not end the stack") {
  for (const auto* opening : {"[", "{\"a\":", "[{\"a\":"}) {
    const std::string text = repeat(opening, 200'000);
    CHECK_FALSE(JsonDocument::parse(text));
    CHECK_FALSE(read_envelope("{\"Encrypt\":" + text));
    CHECK(read_message("wx1", "{\"x\":" + text).kind == ContentKind::opaque);
    CHECK(mask_personal("{\"x\":" + text).starts_with("("));
  }
}

TEST_CASE("breadth is no nesting") {
  const auto document = JsonDocument::parse("[" + repeat("[],", 100'000) + "[]]");
  REQUIRE(document);
  CHECK(document->root().elements().size() == 100'001);
}

TEST_CASE("exponents and digits without end are text or are refused, never computed") {
  CHECK(JsonDocument::parse("1e-99999999999999999999"));
  CHECK(JsonDocument::parse("0." + repeat("0", 100'000) + "1"));
  CHECK(JsonDocument::parse("1." + repeat("1", 100'000) + "e-2147483647"));
  CHECK_FALSE(JsonDocument::parse("1e99999999999999999999"));
  CHECK_FALSE(JsonDocument::parse(repeat("9", 100'000)));
  const auto tiny = JsonDocument::parse("[1e-2147483648]");
  REQUIRE(tiny);
  CHECK(tiny->root().elements()[0].text() == "1e-2147483648");
  CHECK_FALSE(tiny->root().elements()[0].integer());
}

TEST_CASE("bytes that are no UTF-8 are refused") {
  for (const auto* bytes : {"\xFF", "\x80", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80",
                            "\xF5\x80\x80\x80", "\xF4\x90\x80\x80", "\xE4\xBD"}) {
    CAPTURE(bytes);
    CHECK_FALSE(JsonDocument::parse("\"" + std::string(bytes) + "\""));
    CHECK_FALSE(JsonDocument::parse("{\"" + std::string(bytes) + "\":1}"));
  }
}

TEST_CASE("a text that stops within a UTF-8 sequence is refused, and nothing beyond it is read") {
  // On the heap and of exactly this size, so that a sanitizer sees a read beyond the end.
  for (const auto* torn : {"\xE4", "\xE4\xBD", "\xF0\x9F", "\xF0\x9F\x98", "\xC3"}) {
    const std::string text = "{\"Event\":\"debug_demo\",\"x\":\"" + std::string(100, 'x') + torn;
    const std::vector<char> exact(text.begin(), text.end());
    CHECK_FALSE(JsonDocument::parse({exact.data(), exact.size()}));
  }
}

// Strings are scanned by 16 bytes, and at the ends of such blocks byte by byte.
TEST_CASE("a bare control character is refused, wherever it stands") {
  for (int control = 1; control < 0x20; ++control) {
    for (std::size_t before = 0; before < 40; ++before) {
      const std::string text = "{\"a\":\"" + std::string(before, 'x') + static_cast<char>(control) +
                               std::string(40, 'y') + "\"}";
      CHECK(!JsonDocument::parse(text));
    }
  }
}

TEST_CASE("half a surrogate pair is refused, on either side and in names") {
  CHECK_FALSE(JsonDocument::parse(R"("\uD800")"));
  CHECK_FALSE(JsonDocument::parse(R"("\uDC00")"));
  CHECK_FALSE(JsonDocument::parse(R"("\uDC00\uD800")"));
  CHECK_FALSE(JsonDocument::parse(R"({"\uDFFF":1})"));
  CHECK(JsonDocument::parse(R"("\uD7FF\uE000")"));
}

TEST_CASE("a text beyond 16 MiB is refused unread") {
  constexpr std::size_t bound = std::size_t{16} << 20;
  CHECK(JsonDocument::parse("\"" + repeat("a", bound - 2) + "\""));
  CHECK_FALSE(JsonDocument::parse("\"" + repeat("a", bound - 1) + "\""));
}

TEST_CASE("unclosed XML constructs by the thousand are refused in one pass") {
  for (const auto* opening : {"<a>", "<a ", "<!--", "<a b='", "<![CDATA[", "<?x ", "</a>", "<"}) {
    CAPTURE(opening);
    CHECK_FALSE(read_envelope("<xml>" + repeat(opening, 200'000)));
  }
  const auto many = read_envelope("<xml>" + repeat("<a>", 200'000) + "<Encrypt>x</Encrypt>");
  REQUIRE(many);
  CHECK(many->encrypt == "x");
}

TEST_CASE("every prefix of a good message is read without harm, and is opaque") {
  const std::string body =
      R"({"ToUserName":"gh_1","Event":"update_waybill_status","order_status":102,)"
      R"("agent":{"name":"\u4f60好","phone":"1"},"list":[1.5e3,null,true]})";
  REQUIRE(read_message("wx1", body).kind == ContentKind::json);
  for (std::size_t length = 0; length < body.size(); ++length) {
    CAPTURE(length);
    CHECK(read_message("wx1", std::string_view(body).substr(0, length)).kind ==
          ContentKind::opaque);
    CHECK_FALSE(JsonDocument::parse(std::string_view(body).substr(0, length)));
  }
}
