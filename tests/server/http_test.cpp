#include "server/http.h"

#include <doctest/doctest.h>

using namespace wxpush::server;

TEST_CASE("query parameters are decoded once, and '+' stays what base64 means by it") {
  CHECK(query_parameter("a=1&nonce=x%2By&b=2", "nonce") == "x+y");
  CHECK(query_parameter("echostr=a+b%3D%3D", "echostr") == "a+b==");
  CHECK(query_parameter("a=%252B", "a") == "%2B");
  CHECK(query_parameter("a=", "a") == "");
}

TEST_CASE("the first parameter of a name counts; one that is absent or broken is none") {
  CHECK(query_parameter("a=1&a=2", "a") == "1");
  CHECK(query_parameter("msg_signature=1", "signature") == std::nullopt);
  CHECK(query_parameter("a", "a") == std::nullopt);
  CHECK(query_parameter("", "a") == std::nullopt);
  CHECK(query_parameter("a=%2", "a") == std::nullopt);
  CHECK(query_parameter("a=%zz", "a") == std::nullopt);
}

TEST_CASE("an answer is the same bytes whenever it says the same") {
  Response response;
  response.body = "success";
  const auto wire = to_wire(response, true, false, false);
  CHECK(wire ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "
        "7\r\n\r\nsuccess");
  CHECK(to_wire(response, true, false, false) == wire);
}

TEST_CASE("connection handling is told where it is not the default") {
  const Response response;
  CHECK(to_wire(response, false, false, false).find("Connection: close\r\n") != std::string::npos);
  CHECK(to_wire(response, true, true, false).find("Connection: keep-alive\r\n") !=
        std::string::npos);
  CHECK(to_wire(response, true, false, false).find("Connection") == std::string::npos);
}

TEST_CASE(
    "HEAD gets the length but not the body; 405 names what is allowed; 503 when to come back") {
  Response response;
  response.status = 405;
  response.allow = "GET, POST";
  response.body = "no";
  CHECK(to_wire(response, true, false, true)
            .ends_with("Content-Length: 2\r\nAllow: GET, POST\r\n\r\n"));
  response = {};
  response.status = 503;
  response.retry_after = "1";
  CHECK(to_wire(response, true, false, false).find("Retry-After: 1\r\n") != std::string::npos);
}
