#include "handlers/base/url.h"

#include <doctest/doctest.h>

using namespace wxpush;

TEST_CASE("the three kinds of URL") {
  const auto secure = parse_url("https://push.example.com/wx/shop?a=1#x");
  REQUIRE(secure);
  CHECK(secure->scheme == Scheme::https);
  CHECK(secure->host == "push.example.com");
  CHECK(secure->port == 443);
  CHECK(secure->path == "/wx/shop");
  CHECK(secure->query == "a=1");

  const auto plain = parse_url("http://[::1]:8080?a=1");
  REQUIRE(plain);
  CHECK(plain->host == "::1");
  CHECK(plain->port == 8080);
  CHECK(plain->path.empty());
  CHECK(plain->query == "a=1");

  const auto local = parse_url("unix:/run/wxpush/push.sock");
  REQUIRE(local);
  CHECK(local->scheme == Scheme::unix_socket);
  CHECK(local->socket == "/run/wxpush/push.sock");
}

TEST_CASE("what is none of them is refused") {
  for (const char* text : {"", "push.example.com", "ftp://a", "https://", "https://:443",
                           "https://a:b", "https://a:70000", "https://user@a/", "https://a/b c",
                           "https://[::1", "https://[::1]x", "unix:", "https://a\r\nb"}) {
    CAPTURE(text);
    CHECK(parse_url(text) == std::nullopt);
  }
}

TEST_CASE("a printed URL has no query, and a port only where it is not the scheme's own") {
  CHECK(to_string(*parse_url("https://a:443/b?token=c")) == "https://a/b");
  CHECK(to_string(*parse_url("http://[::1]:81/b")) == "http://[::1]:81/b");
  CHECK(authority(*parse_url("https://[fe80::1]/")) == "[fe80::1]");
  CHECK(host_and_port("::1", 81) == "[::1]:81");
  CHECK(host_and_port("a.b", 443) == "a.b:443");
}

TEST_CASE("query values are decoded, '+' stays, and the first of a name counts") {
  const auto values = parse_query("nonce=a%2Bb+c&empty=&bare&nonce=second&%6E=1");
  CHECK(values.at("nonce") == "a+b+c");
  CHECK(values.at("empty").empty());
  CHECK(values.at("bare").empty());
  CHECK(values.at("n") == "1");
  CHECK(parse_query("").empty());
}

TEST_CASE("percent-encoding goes there and back; what is no encoding stays as it is") {
  const std::string bytes("\0 /+%~é", 8);
  CHECK(percent_decode(percent_encode(bytes)) == bytes);
  CHECK(percent_encode("a/b +") == "a%2Fb%20%2B");
  CHECK(percent_decode("100%") == "100%");
  CHECK(percent_decode("%4") == "%4");
  CHECK(percent_decode("%zz%41") == "%zzA");
}

TEST_CASE("a unix socket may have a path behind it") {
  const auto url = parse_url("unix:/run/app.sock:/wechat?a=b");
  REQUIRE(url);
  CHECK(url->socket == "/run/app.sock");
  CHECK(url->path == "/wechat");
  CHECK(url->query == "a=b");
  CHECK(to_string(*url) == "unix:/run/app.sock:/wechat");
}
