#include "handlers/event/envelope.h"

#include <doctest/doctest.h>

using namespace wxpush::event;

TEST_CASE("the JSON envelope of secure mode") {
  const auto envelope =
      read_envelope(R"({"ToUserName":"gh_97417a04a28d","Encrypt":"+qdx1OKC/w=="})");
  REQUIRE(envelope);
  CHECK(envelope->format == Format::json);
  CHECK(envelope->encrypt == "+qdx1OKC/w==");
}

TEST_CASE("the XML envelope of secure mode") {
  const auto envelope = read_envelope(
      "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[+qdx]]></Encrypt></xml>");
  REQUIRE(envelope);
  CHECK(envelope->format == Format::xml);
  CHECK(envelope->encrypt == "+qdx");
}

TEST_CASE("escapes in Encrypt are undone: msg_signature covers the plain base64") {
  const auto envelope = read_envelope(R"({"Encrypt":"\u002bqd\/x\u003D\u003d"})");
  REQUIRE(envelope);
  CHECK(envelope->encrypt == "+qd/x==");
}

TEST_CASE("the form is told by the first byte, behind white space and byte order mark") {
  for (const auto* prefix : {"", " \r\n", "\xEF\xBB\xBF", "\n\xEF\xBB\xBF\t"}) {
    CAPTURE(prefix);
    const auto json = read_envelope(prefix + std::string(R"({"Encrypt":"a"})"));
    REQUIRE(json);
    CHECK(json->encrypt == "a");
    const auto xml = read_envelope(prefix + std::string("<xml><Encrypt>a</Encrypt></xml>"));
    REQUIRE(xml);
    CHECK(xml->format == Format::xml);
    CHECK(xml->encrypt == "a");
  }
}

TEST_CASE("compatible mode: the other fields are passed over") {
  const auto envelope = read_envelope(
      R"({"ToUserName":"gh","Event":"x","agent":{"Encrypt":"inner"},"l":[{"Encrypt":1}],"Encrypt":"a"})");
  REQUIRE(envelope);
  CHECK(envelope->encrypt == "a");
}

TEST_CASE("a body without Encrypt is plaintext mode") {
  for (const auto* body : {R"({"ToUserName":"gh","Event":"x"})", "{}", R"({"encrypt":"a"})",
                           R"({"Encrypt ":"a"})", "<xml><Event>x</Event></xml>"}) {
    CAPTURE(body);
    const auto envelope = read_envelope(body);
    REQUIRE(envelope);
    CHECK(envelope->encrypt == "");
  }
}

TEST_CASE("an Encrypt that is there twice, or is no string, makes the body unreadable") {
  CHECK_FALSE(read_envelope(R"({"Encrypt":"a","Encrypt":"a"})"));
  CHECK_FALSE(read_envelope(R"({"Encrypt":"a","x":1,"\u0045ncrypt":"b"})"));
  CHECK_FALSE(read_envelope(R"({"Encrypt":1})"));
  CHECK_FALSE(read_envelope(R"({"Encrypt":null})"));
  CHECK_FALSE(read_envelope(R"({"Encrypt":["a"]})"));
  CHECK_FALSE(read_envelope(R"({"Encrypt":{"Encrypt":"a"}})"));
}

TEST_CASE("what is neither a JSON object nor XML is unreadable") {
  for (const auto* body :
       {"", " ", "\xEF\xBB\xBF", "Encrypt=a", R"(["Encrypt","a"])", R"("Encrypt")",
        R"({"Encrypt":"a")", R"({"Encrypt":"a"}})", R"({"Encrypt":"a"} x)", "null"}) {
    CAPTURE(body);
    CHECK_FALSE(read_envelope(body));
  }
}

TEST_CASE("what write_envelope writes, read_envelope reads") {
  for (const Format format : {Format::json, Format::xml}) {
    const std::string body = write_envelope(format, "gh_\"1]]>", "a+/b==");
    const auto envelope = read_envelope(body);
    REQUIRE(envelope);
    CHECK(envelope->format == format);
    CHECK(envelope->encrypt == "a+/b==");
  }
  CHECK(write_envelope(Format::json, "gh_1", "a/b") == R"({"ToUserName":"gh_1","Encrypt":"a/b"})");
}
