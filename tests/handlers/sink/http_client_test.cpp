// Which connections the client uses again, and how it reads bodies in chunks, against a back end in
// the same io_context. Over a Unix socket, so that what one side has sent is at once there for the
// other.
#include "handlers/sink/http_client.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <list>

using namespace wxpush;
using namespace wxpush::sink;

namespace {

namespace asio = boost::asio;
using Socket = asio::local::stream_protocol::socket;

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const std::string failed = "HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno";

// The machine started a second ago.
class JustBooted final : public Clock {
 public:
  WallTime wall() const override { return {}; }
  SteadyTime steady() const override { return SteadyTime{std::chrono::seconds(1)}; }
};

// Answers the n-th request with the n-th answer (or the last), and never closes unasked.
class BackEnd {
 public:
  explicit BackEnd(asio::io_context& io) : acceptor_(io) {
    REQUIRE(mkdtemp(directory_.data()) != nullptr);
    acceptor_.open();
    acceptor_.bind(path());
    acceptor_.listen();
    accept();
  }
  ~BackEnd() { std::filesystem::remove_all(directory_); }
  BackEnd(const BackEnd&) = delete;
  BackEnd& operator=(const BackEnd&) = delete;

  std::string path() const { return directory_ + "/socket"; }
  void say(const std::string& text) { asio::write(connections_.back().socket, asio::buffer(text)); }
  void close() { connections_.back().socket.close(); }

  std::vector<std::string> answers;
  std::vector<std::size_t> over;  // the connection that each request came over: 1, 2 …

 private:
  struct Peer {
    Socket socket;
    std::size_t number;
    std::string input{};
  };
  void accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, Socket socket) {
      if (error) return;
      connections_.push_back({std::move(socket), connections_.size() + 1});
      read(connections_.back());
      accept();
    });
  }
  void read(Peer& peer) {
    asio::async_read_until(peer.socket, asio::dynamic_buffer(peer.input), "body",
                           [&](const boost::system::error_code& error, std::size_t size) {
                             if (error) return;
                             peer.input.erase(0, size);
                             over.push_back(peer.number);
                             const auto next = std::min(over.size(), answers.size()) - 1;
                             asio::write(peer.socket, asio::buffer(answers[next]));
                             read(peer);
                           });
  }

  std::string directory_ = "/tmp/wxpush-test-XXXXXX";
  asio::local::stream_protocol::acceptor acceptor_;
  std::list<Peer> connections_;
};

struct Fixture {
  JustBooted clock;
  asio::io_context io;
  BackEnd back_end{io};
  std::shared_ptr<HttpClient> client = make_http_client(io, peer(), clock);

  HttpPeer peer() const {
    HttpPeer peer;
    peer.url = *parse_url("unix:" + back_end.path() + ":/");
    return peer;
  }
  unsigned ask() {  // the answer's status; 0 if there is none
    std::optional<HttpResult> result;
    client->exchange({"/", {}, "body"}, std::chrono::seconds(60),
                     [&](HttpResult told) { result = std::move(told); });
    while (!result) io.run_one();
    const auto* answer = std::get_if<HttpAnswer>(&*result);
    return answer == nullptr ? 0 : answer->status;
  }
  // What is made of an answer that comes in two pieces.
  HttpAnswer read(const std::string& first, const std::string& rest) {
    std::optional<HttpResult> result;
    back_end.answers = {first};
    const auto requests = back_end.over.size();
    client->exchange({"/", {}, "body"}, std::chrono::seconds(60),
                     [&](HttpResult told) { result = std::move(told); });
    while (back_end.over.size() == requests) io.run_one();
    io.poll();  // the first piece is read
    if (!result) back_end.say(rest);
    while (!result) io.run_one();
    return std::get<HttpAnswer>(*result);
  }
};

const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

using Connections = std::vector<std::size_t>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a connection is used again") {
  back_end.answers = {ok, failed, ok};
  CHECK(ask() == 200);
  CHECK(ask() == 500);
  CHECK(ask() == 200);
  CHECK(back_end.over == Connections{1, 1, 1});
}

TEST_CASE_FIXTURE(Fixture, "what follows an answer is not the next one's") {
  back_end.answers = {ok + ok, failed};
  CHECK(ask() == 200);
  CHECK(ask() == 500);
  CHECK(back_end.over == Connections{1, 2});
}

TEST_CASE_FIXTURE(Fixture,
                  "an answer that may have no body, with one: the next request goes once") {
  back_end.answers = {"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", ok};
  CHECK(ask() == 204);
  CHECK(ask() == 200);
  CHECK(back_end.over == Connections{1, 2});
}

TEST_CASE_FIXTURE(Fixture, "what is said over an idle connection answers nothing") {
  back_end.answers = {ok};
  CHECK(ask() == 200);
  back_end.say("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  CHECK(ask() == 200);
  back_end.close();
  CHECK(ask() == 200);
  CHECK(back_end.over == Connections{1, 2, 3});
}

TEST_CASE_FIXTURE(Fixture,
                  "one that is of no more use is not used again, however young the clock") {
  back_end.answers = {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
                      "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", ok};
  CHECK(ask() == 200);
  CHECK(ask() == 200);  // the status stands; the body is too long to be read
  CHECK(ask() == 200);
  CHECK(back_end.over == Connections{1, 2, 3});
}

TEST_CASE_FIXTURE(Fixture, "a header is bounded as a whole, not line by line") {
  std::string endless = "HTTP/1.1 200 OK\r\n";
  for (int line = 0; line < 10000; ++line) endless += "a: b\r\n";
  back_end.answers = {endless + "Content-Length: 2\r\n\r\nok", ok};
  CHECK(ask() == 0);
  CHECK(ask() == 200);
  CHECK(back_end.over == Connections{1, 2});
}

TEST_CASE_FIXTURE(Fixture, "a body in chunks is the same wherever it is cut") {
  const std::string body = "3;a=b\r\nabc\r\n2\r\n\"}\r\n1\r\n\"\r\n0\r\nSum: 5\r\n\r\n";
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    CAPTURE(cut);
    const auto answer = read(chunked + body.substr(0, cut), body.substr(cut));
    CHECK_FALSE(answer.incomplete.has_value());
    CHECK(answer.body == "abc\"}\"");
  }
  CHECK(back_end.over.back() == 1);  // over one connection
}

TEST_CASE_FIXTURE(Fixture, "a chunk's line with a quote is refused wherever it is cut") {
  for (const std::string extension : {"a=\"b\"", "a=\"b", "a=\"b\\\"", "a=\"\r\nx\""}) {
    const std::string body = "3;" + extension + "\r\nabc\r\n0\r\n\r\n\r\n";
    for (std::size_t cut = 0; cut <= body.size(); ++cut) {
      CAPTURE(extension);
      CAPTURE(cut);
      const auto answer = read(chunked + body.substr(0, cut), body.substr(cut));
      CHECK(answer.status == 200);  // it stands all the same
      REQUIRE(answer.incomplete.has_value());
      CHECK(answer.incomplete->kind == HttpFailure::Kind::broken);
      CHECK(answer.body.empty());
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "what stands between chunks has a bound") {
  for (const std::string begin : {"3;", "3\r\nabc\r\n0\r\n"}) {
    const auto answer = read(chunked + begin + std::string(20'000, 'a'), "");
    REQUIRE(answer.incomplete.has_value());
    CHECK(answer.incomplete->kind == HttpFailure::Kind::broken);
  }
}
