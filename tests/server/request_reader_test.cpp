#include "server/request_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace wxpush::server;
using State = RequestReader::State;

namespace {

State read(RequestReader& reader, std::string_view bytes) {
  reader.feed(bytes);
  return reader.state();
}

int refused_with(std::string_view bytes, RequestLimits limits = {}) {
  RequestReader reader(limits);
  return read(reader, bytes) == State::refused ? reader.refusal().status : 0;
}

// Likewise, if they come one by one.
int in_bytes(std::string_view bytes, RequestLimits limits) {
  RequestReader reader(limits);
  std::string buffer;
  for (const char byte : bytes) {
    buffer += byte;
    buffer.erase(0, reader.feed(buffer));
    if (reader.state() == State::refused) return reader.refusal().status;
  }
  CHECK(reader.state() == State::done);
  return 0;
}

}  // namespace

TEST_CASE("a push is read with its path, query and body") {
  RequestReader reader({});
  REQUIRE(read(reader,
               "POST /wx/shop?nonce=1&a=b HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\n"
               "Content-Type: text/xml\r\nContent-Length: 4\r\n\r\nbody") == State::done);
  const auto request = reader.request();
  CHECK(request.method == Method::post);
  CHECK(request.path == "/wx/shop");
  CHECK(request.query == "nonce=1&a=b");
  CHECK(request.body == "body");
  CHECK(request.forwarded_for == "1.2.3.4");
  CHECK(request.content_type == "text/xml");
  CHECK(reader.keep_alive());
}

TEST_CASE("a body that nobody needs any longer is dropped, and the rest of the request stays") {
  RequestReader reader({});
  const std::string body(4096, 'x');
  const auto wire =
      "POST /wx/shop?a=b HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  for (int request = 0; request < 2; ++request) {
    REQUIRE(read(reader, wire) == State::done);
    CHECK(reader.body_bytes() == body.size());
    CHECK(reader.request().body == body);
    reader.drop_body();
    CHECK(reader.body_bytes() == 0);
    CHECK(reader.request().query == "a=b");
    CHECK(reader.request().forwarded_for == "1.2.3.4");
    CHECK(reader.keep_alive());
    reader.next();
  }
}

TEST_CASE("however the bytes are cut, the request is the same") {
  const std::string wire = "POST /wx/shop HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody";
  for (std::size_t cut = 1; cut < wire.size(); ++cut) {
    CAPTURE(cut);
    RequestReader reader({});
    std::string buffer = wire.substr(0, cut);
    buffer.erase(0, reader.feed(buffer));
    CHECK(reader.state() == State::need_more);
    buffer += wire.substr(cut);
    buffer.erase(0, reader.feed(buffer));
    REQUIRE(reader.state() == State::done);
    CHECK(reader.request().body == "body");
    CHECK(buffer.empty());
  }
}

TEST_CASE("pipelined requests stay apart") {
  const std::string one = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string two = "GET /b HTTP/1.1\r\nHost: x\r\n\r\n";
  RequestReader reader({});
  CHECK(reader.feed(one + two) == one.size());
  CHECK(reader.request().path == "/a");
  reader.next();
  REQUIRE(read(reader, two) == State::done);
  CHECK(reader.request().path == "/b");
}

TEST_CASE("chunked bodies are taken, whole and in pieces") {
  const std::string wire =
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  for (std::size_t cut = 1; cut <= wire.size(); ++cut) {
    CAPTURE(cut);
    RequestReader reader({});
    std::string buffer = wire.substr(0, cut);
    buffer.erase(0, reader.feed(buffer));
    buffer += wire.substr(cut);
    buffer.erase(0, reader.feed(buffer));
    REQUIRE(reader.state() == State::done);
    CHECK(reader.request().body == "abcde");
  }
}

TEST_CASE("a body without chunks ends, however its last one comes") {
  const std::string wire =
      "POST /wx/shop HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  RequestReader reader({});
  std::string buffer;
  for (const char byte : wire) {
    CHECK(reader.state() == State::need_more);
    buffer += byte;
    buffer.erase(0, reader.feed(buffer));
  }
  CHECK(reader.state() == State::done);
  CHECK(buffer.empty());
}

TEST_CASE("where two framings could be read into a request, it is refused") {
  CHECK(refused_with("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
                     "chunked\r\n\r\n0\r\n\r\n") == 400);
  CHECK(refused_with("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: "
                     "3\r\n\r\n0\r\n\r\n") == 400);
  CHECK(refused_with("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
  CHECK(refused_with(
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n") ==
        400);
  CHECK(refused_with("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n") == 400);
  CHECK(refused_with(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc") ==
        400);
}

// Each of these is one request to some servers and another, or two, to others.
TEST_CASE("what proxies are known to read differently is refused") {
  const std::string line = "POST / HTTP/1.1\r\nHost: x\r\n";
  const std::string chunked = line + "Transfer-Encoding: chunked\r\n\r\n";
  const std::vector<std::string> ambiguous = {
      line + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
      line + "Content-Length: 3, 3\r\n\r\nabc",
      line + "Content-Length: 3,\r\n\r\nabc",
      line + "Content-Length: +3\r\n\r\nabc",
      line + "Content-Length: 3 3\r\n\r\nabc",
      line + "Content-Length: 0x3\r\n\r\nabc",
      line + "Content-Length:\r\n\r\n",
      line + "Content-Length: 18446744073709551619\r\n\r\nabc",
      line + "Content-Length : 3\r\n\r\nabc",
      line + "Content-Length:\r\n 3\r\n\r\nabc",
      line + "X-Folded: a\r\n b\r\nContent-Length: 3\r\n\r\nabc",
      line + "X-Folded: a\r\n\tTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
      line + "X-Empty:\r\n \r\nContent-Length: 3\r\n\r\nabc",
      line + " Content-Length: 3\r\n\r\nabc",
      line + "Content-Length: 3\n\r\nabc",
      "POST / HTTP/1.1\nHost: x\nContent-Length: 3\n\nabc",
      line + "X-Bare: a\rContent-Length: 3\r\n\r\nabc",
      line + "X-Nul: a" + std::string(1, '\0') + "\r\nContent-Length: 3\r\n\r\nabc",
      line + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      line + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      line + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
      line + "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
      line + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      line + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
      line + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      chunked + "0x3\r\nabc\r\n0\r\n\r\n",
      chunked + "+3\r\nabc\r\n0\r\n\r\n",
      chunked + "-3\r\nabc\r\n0\r\n\r\n",
      chunked + " 3\r\nabc\r\n0\r\n\r\n",
      chunked + "3 \r\nabc\r\n0\r\n\r\n",
      chunked + "10000000000000003\r\nabc\r\n0\r\n\r\n",
      chunked + "3\nabc\r\n0\r\n\r\n",
      chunked + "3\r\nabcd\r\n0\r\n\r\n",
      chunked + "3;a=\"\n\"\r\nabc\r\n0\r\n\r\n",
      chunked + "3;a\nb\r\nabc\r\n0\r\n\r\n",
      chunked + "3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n",
      chunked + "3\r\nabc\r\n0\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + line + "Content-Length: 3\r\n\r\nabc",
      "\r\n" + line + "Content-Length: 3\r\n\r\nabc",
      "POST /a /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
      "POST / HTTP/1.1 \r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
      "POST\t/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"};
  for (const auto& wire : ambiguous) {
    CAPTURE(wire);
    CHECK(refused_with(wire) == 400);
    // However it comes, byte by byte here, it is no request: refused, or waiting for the end of a
    // header that bare line feeds do not end.
    RequestReader reader({});
    std::string buffer;
    for (const char byte : wire) {
      buffer += byte;
      buffer.erase(0, reader.feed(buffer));
    }
    CHECK((reader.state() == State::refused ||
           (reader.state() == State::need_more && !reader.header_done())));
  }
}

TEST_CASE("a header's limit is one for the whole of it, however it comes") {
  const RequestLimits limits{256, 10};
  RequestReader reader(limits);
  // Each piece ends with the first byte of the next line: all but that is taken at once.
  std::string buffer = "GET / HTTP/1.1\r\na";
  std::size_t lines = 0;
  for (; reader.state() == State::need_more && lines < 1000; ++lines) {
    buffer += ": b\r\na";
    buffer.erase(0, reader.feed(buffer));
  }
  CHECK(lines < 1000);
  REQUIRE(reader.state() == State::refused);
  CHECK(reader.refusal().status == 431);
  const std::string target = "/" + std::string(200, 'a');
  CHECK(refused_with("GET " + target + " HTTP/1.1\r\nX: " + std::string(200, 'b') + "\r\n\r\n",
                     limits) == 431);
}

TEST_CASE("of several X-Forwarded-For the last one is the nearest proxy's") {
  RequestReader reader({});
  REQUIRE(read(reader,
               "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.66\r\nAccept: */*\r\n"
               "x-forwarded-for: 192.0.2.1, 192.0.2.2\r\n\r\n") == State::done);
  CHECK(reader.request().forwarded_for == "192.0.2.66, 192.0.2.1, 192.0.2.2");
  reader.next();
  REQUIRE(read(reader, "GET / HTTP/1.1\r\nHost: x\r\n\r\n") == State::done);
  CHECK(reader.request().forwarded_for.empty());
}

TEST_CASE("what is no HTTP is 400, a POST without a length 411") {
  CHECK(refused_with("\x16\x03\x01 not http\r\n\r\n") == 400);
  CHECK(refused_with("POST / HTTP/2.0\r\nContent-Length: 0\r\n\r\n") == 400);
  CHECK(refused_with("POST / HTTP/1.1\r\nHost: x\r\n\r\n") == 411);
}

TEST_CASE("sizes are bounded: the header 431, the body 413 before it is read") {
  RequestLimits limits{256, 10};
  CHECK(refused_with("GET /" + std::string(300, 'a') + " HTTP/1.1\r\n\r\n", limits) == 431);
  CHECK(refused_with("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n", limits) == 413);
  CHECK(refused_with("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                     "chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n",
                     limits) == 413);
  RequestReader reader(limits);
  CHECK(read(reader, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789") ==
        State::done);
}

TEST_CASE("HTTP/1.0 with a length is served, and closes unless asked to stay") {
  RequestReader reader({});
  REQUIRE(read(reader, "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nok") == State::done);
  CHECK(reader.http_1_0());
  CHECK_FALSE(reader.keep_alive());
}

TEST_CASE("a peer that waits for 100 Continue is told to go on, once") {
  RequestReader reader({});
  const std::string header =
      "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  REQUIRE(read(reader, header) == State::expects_continue);
  reader.continued();
  CHECK(read(reader, "ok") == State::done);
  reader.next();  // one that does not wait needs no word
  CHECK(read(reader, header + "o") == State::need_more);
  CHECK(read(reader, "k") == State::done);
}

TEST_CASE("a body that is too large is refused before the peer is told to send it") {
  CHECK(refused_with(
            "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n",
            {1024, 10}) == 413);
}

// Found by the fuzzer: the parser took the chunk's size off the limit with every byte that came.
TEST_CASE("a chunk's line that ends within quotes is refused, whole and in pieces") {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string body :
       {"6;a=\"b\r\nabcdef\r\n0\r\n\r\n", "6;a=\"b\\\"\r\nabcdef\r\n0\r\n\r\n",
        "1\r\na\r\n6;a=\"\"\"\r\nabcdef\r\n0\r\n\r\n", "0;a=\"\r\n\r\n"}) {
    CAPTURE(body);
    const std::string wire = head + body;
    CHECK(refused_with(wire) == 400);
    CHECK(in_bytes(wire, {1024, 16}) == 400);
  }
  CHECK(in_bytes(head + "6;a=\"b\\\"\";c\r\nabcdef\r\n0\r\n\r\n", {1024, 16}) == 0);
}

TEST_CASE("what stands between chunks is bounded like a header, whether it ends or not") {
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string filler(5000, 'a');
  RequestLimits limits;
  limits.max_header = 4096;
  CHECK(refused_with(head + "1;" + filler, limits) == 431);
  CHECK(refused_with(head + "1\r\nx\r\n0\r\nTrailer: " + filler, limits) == 431);
  CHECK(refused_with(head + "1;" + filler.substr(0, 4000), limits) == 0);
  RequestReader reader(limits);
  CHECK(read(reader, head + "1;note=\"short\"\r\nx\r\n0\r\n\r\n") == State::done);
  CHECK(refused_with(head + "1;" + filler + "\r\nx\r\n0\r\n\r\n", limits) == 431);
  CHECK(refused_with(head + std::string(5000, '0') + "1\r\nx\r\n0\r\n\r\n", limits) == 431);
}
