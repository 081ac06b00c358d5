#include "handlers/event/json.h"

#include <doctest/doctest.h>

using namespace wxpush::event;
using namespace std::string_literals;

namespace {

// Whether the text is one JSON value that the reader admits.
bool admits(std::string_view text) {
  return JsonDocument::parse(text).has_value();
}

}  // namespace

TEST_CASE("members are found by name, values are read by type") {
  const auto document = JsonDocument::parse(
      R"({"text":"a","number":12,"yes":true,"no":false,"nothing":null,"list":[1],"object":{"x":1}})");
  REQUIRE(document);
  const JsonValue root = document->root();
  CHECK(root.is_object());
  CHECK(root["text"].string() == "a");
  CHECK(root["number"].integer() == 12);
  CHECK(root["number"].is_number());
  CHECK(root["yes"].boolean() == true);
  CHECK(root["no"].boolean() == false);
  CHECK(root["nothing"].is_null());
  CHECK(root["list"].is_array());
  CHECK(root["object"]["x"].integer() == 1);
}

TEST_CASE("a getter of another type, or of an absent value, answers nullopt") {
  const auto document = JsonDocument::parse(R"({"text":"a","number":12,"nothing":null})");
  REQUIRE(document);
  const JsonValue root = document->root();
  CHECK_FALSE(root["text"].integer());
  CHECK_FALSE(root["text"].number());
  CHECK_FALSE(root["text"].boolean());
  CHECK_FALSE(root["number"].string());
  CHECK_FALSE(root["nothing"].text());
  CHECK_FALSE(root["absent"].exists());
  CHECK_FALSE(root["absent"].is_null());
  CHECK_FALSE(root["absent"]["deeper"].text());
  CHECK_FALSE(root["text"]["deeper"].exists());
  CHECK_FALSE(root.text());
  CHECK(root["text"].members().empty());
  CHECK(root.elements().empty());
}

TEST_CASE("numbers are kept as they were written") {
  const auto document = JsonDocument::parse(
      "[0,-1,201,9223372036854775807,9223372036854775808,1.50,1e2,-0,12345678901234567890123]");
  REQUIRE(document);
  const auto values = document->root().elements();
  REQUIRE(values.size() == 9);
  CHECK(values[0].integer() == 0);
  CHECK(values[1].integer() == -1);
  CHECK(values[2].text() == "201");
  CHECK(values[3].integer() == INT64_MAX);
  CHECK_FALSE(values[4].integer());
  CHECK(values[4].text() == "9223372036854775808");
  CHECK(values[5].text() == "1.50");
  CHECK(values[5].number() == 1.5);
  CHECK_FALSE(values[5].integer());
  CHECK(values[6].number() == 100);
  CHECK(values[7].text() == "-0");
  CHECK(values[8].text() == "12345678901234567890123");
}

TEST_CASE("strings that hold a number are read as one, wholly or not at all") {
  const auto document =
      JsonDocument::parse(R"(["201","-5","1.5",""," 1","1 ","0x10","nan","inf"])");
  REQUIRE(document);
  const auto values = document->root().elements();
  REQUIRE(values.size() == 9);
  CHECK(values[0].integer() == 201);
  CHECK(values[1].integer() == -5);
  CHECK_FALSE(values[2].integer());
  CHECK(values[2].number() == 1.5);
  for (std::size_t i = 3; i < values.size(); ++i) {
    CAPTURE(i);
    CHECK_FALSE(values[i].integer());
    CHECK_FALSE(values[i].number());
  }
}

TEST_CASE("strings are unescaped, and may hold any byte that UTF-8 has") {
  const auto document =
      JsonDocument::parse(R"(["a\/b\u002b\n\"\\","\u4f60好\uD83D\uDE00","x\u0000y"])");
  REQUIRE(document);
  const auto values = document->root().elements();
  REQUIRE(values.size() == 3);
  CHECK(values[0].string() == "a/b+\n\"\\");
  CHECK(values[1].string() == "你好😀");
  CHECK(values[2].string() == "x\0y"s);
}

TEST_CASE("members come in order; of equal names the first one is found") {
  const auto document = JsonDocument::parse(R"({"b":{"x":[1,{"y":2}]},"a":1,"a":"two","":3})");
  REQUIRE(document);
  const auto members = document->root().members();
  REQUIRE(members.size() == 4);
  CHECK(members[0].first == "b");
  CHECK(members[1].first == "a");
  CHECK(members[2].second.string() == "two");
  CHECK(document->root()["a"].integer() == 1);
  CHECK(document->root()[""].integer() == 3);
}

TEST_CASE("elements of nested arrays are stepped over as a whole") {
  const auto document = JsonDocument::parse(R"([[1,[2,3]],{"k":[4]},[],5])");
  REQUIRE(document);
  const auto values = document->root().elements();
  REQUIRE(values.size() == 4);
  CHECK(values[0].elements().size() == 2);
  CHECK(values[0].elements()[1].elements()[1].integer() == 3);
  CHECK(values[1]["k"].elements().size() == 1);
  CHECK(values[2].elements().empty());
  CHECK(values[3].integer() == 5);
}

TEST_CASE("a document may be moved: its values stay valid") {
  auto document = JsonDocument::parse(R"({"short":"x"})");
  REQUIRE(document);
  const JsonValue value = document->root()["short"];
  const JsonDocument moved = std::move(*document);
  CHECK(value.string() == "x");
  CHECK(moved.root()["short"].string() == "x");
}

TEST_CASE("white space and a byte order mark in front are skipped, white space behind too") {
  CHECK(admits("\xEF\xBB\xBF{}"));
  CHECK(admits(" \r\n\t{} \n"));
  CHECK(admits("\n\xEF\xBB\xBF\n{}"));
  CHECK_FALSE(admits("\xEF\xBB\xBF\xEF\xBB\xBF{}"));
  CHECK_FALSE(admits("\xEF\xBB{}"));
}

TEST_CASE("any value may be the root") {
  CHECK(JsonDocument::parse("\"x\"")->root().string() == "x");
  CHECK(JsonDocument::parse("12")->root().integer() == 12);
  CHECK(JsonDocument::parse("null")->root().is_null());
}

TEST_CASE("what is not exactly one JSON value is refused") {
  for (const auto* text :
       {"",           " ",         "{",   "}",        "{}{}",        "{} x",      "[1,]",
        "{\"a\":1,}", "{a:1}",     "'a'", "// c\n{}", "NaN",         "-Infinity", "01",
        "+1",         "1.",        ".5",  "1e",       "\"a",         "\"\\x\"",   "\"\\u12\"",
        "\"a\nb\"",   "{\"a\" 1}", "tru", "nul",      "\xEF\xBB\xBF"}) {
    CAPTURE(text);
    CHECK_FALSE(admits(text));
  }
}

TEST_CASE("a zero byte ends nothing: what follows it is trailing text") {
  CHECK_FALSE(admits("{}\0"s));
  CHECK_FALSE(admits("{}\0garbage"s));
  CHECK_FALSE(admits("{\"a\":\"x\0y\"}"s));
  CHECK_FALSE(admits("\0{}"s));
}

TEST_CASE("members of one name are counted, whatever they hold") {
  const auto document = JsonDocument::parse(R"({"a":1,"b":{"a":2,"c":[{"a":3}]},"a":{"a":4}})");
  REQUIRE(document);
  CHECK(document->root().count("a") == 2);
  CHECK(document->root().count("c") == 0);
  CHECK(document->root()["b"].count("a") == 1);
  CHECK(JsonDocument::parse("[1]")->root().count("a") == 0);
}

TEST_CASE("documents that live side by side hold what is theirs") {
  auto first = JsonDocument::parse(R"({"a":"first"})");
  auto second = JsonDocument::parse(R"({"a":"second"})");
  REQUIRE((first && second));
  CHECK(first->root()["a"].string() == "first");
  CHECK(second->root()["a"].string() == "second");
  first.reset();
  const auto third = JsonDocument::parse(R"({"b":["third"]})");
  CHECK(second->root()["a"].string() == "second");
  CHECK(third->root()["b"].elements().at(0).string() == "third");
}
