#include "handlers/event/json.h"

#include <doctest/doctest.h>

using namespace wxpush::event;
using namespace std::string_literals;

TEST_CASE("the writer writes compact JSON in the order of the calls") {
  JsonWriter writer;
  writer.begin_object();
  writer.key("text").string("a");
  writer.key("list").begin_array().integer(-1).number(1.5).boolean(true).null().end_array();
  writer.key("empty").begin_object().end_object();
  writer.key("raw").raw(R"({"x": 1})");
  writer.end_object();
  CHECK(writer.take() == R"({"text":"a","list":[-1,1.5,true,null],"empty":{},"raw":{"x": 1}})");
}

TEST_CASE("after take() the writer starts anew") {
  JsonWriter writer;
  writer.string("one");
  CHECK(writer.take() == "\"one\"");
  writer.begin_array().end_array();
  CHECK(writer.take() == "[]");
}

TEST_CASE("a writer may be moved while it writes") {
  JsonWriter writer;
  writer.begin_array().integer(1);
  JsonWriter moved = std::move(writer);
  moved.integer(INT64_MIN).end_array();
  CHECK(moved.take() == "[1,-9223372036854775808]");
}

TEST_CASE("text is escaped where JSON demands it") {
  JsonWriter writer;
  writer.begin_array().string("\"\\\n\x01/你😀").string("x\0y"s).string({}).end_array();
  CHECK(writer.take() == "[\"\\\"\\\\\\n\\u0001/你😀\",\"x\\u0000y\",\"\"]");
}

TEST_CASE("what is no UTF-8 becomes U+FFFD, in values and in names") {
  JsonWriter writer;
  writer.begin_object().key("k\xFF").string("a\x80你\xE4\xBD").end_object();
  const std::string json = writer.take();
  CHECK(json == "{\"k\xEF\xBF\xBD\":\"a\xEF\xBF\xBD你\xEF\xBF\xBD\xEF\xBF\xBD\"}");
  CHECK(JsonDocument::parse(json));
}

TEST_CASE("what was written is read back as it was") {
  const std::string all_ascii = [] {
    std::string text;
    for (int c = 0; c < 128; ++c) text += static_cast<char>(c);
    return text;
  }();
  JsonWriter writer;
  writer.begin_object().key(all_ascii).string(all_ascii).key("t").number(0.1).end_object();
  const auto document = JsonDocument::parse(writer.take());
  REQUIRE(document);
  CHECK(document->root()[all_ascii].string() == all_ascii);
  CHECK(document->root()["t"].number() == 0.1);
}

TEST_CASE("quoted text is what the writer writes") {
  for (const std::string text :
       {"", "plain", "\"", "\\", "a\nb", "\x7F", "\x1F", "商店", "\xFF", "/"}) {
    CAPTURE(text);
    JsonWriter writer;
    writer.string(text);
    std::string json = "before ";
    append_quoted(json, text);
    CHECK(json == "before " + writer.take());
  }
}
