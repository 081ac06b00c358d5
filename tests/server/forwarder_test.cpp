// The forwarder against a service that says what the test wants it to say.
#include "server/forwarder.h"

#include "tests/server/names_stand_in.h"

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <atomic>
#include <future>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace wxpush;
using namespace wxpush::server;

namespace {

constexpr std::chrono::milliseconds ample{60'000};

// Takes connections one after the other: reads a request from each, answers with the next of the
// answers, and closes.
class Service {
 public:
  explicit Service(std::vector<std::string> answers = {}) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(bind(listener_, any, size) == 0);
    REQUIRE(listen(listener_, 256) == 0);
    REQUIRE(getsockname(listener_, any, &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, answers = std::move(answers)] {
      for (const auto& answer : answers) serve(answer);
    });
  }
  ~Service() {
    shutdown(listener_, SHUT_RDWR);  // nobody else comes: accept() ends
    thread_.join();
    close(listener_);
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  config::BackEnd at(const std::string& path, const std::string& host = "127.0.0.1") const {
    config::BackEnd back_end;
    back_end.url = "http://" + host + ":" + std::to_string(port_) + path;
    back_end.allow_private = true;
    return back_end;
  }
  unsigned port() const { return port_; }
  std::vector<std::string> requests;  // read after the answers came

 private:
  void serve(const std::string& answer) {
    const int connection = accept(listener_, nullptr, nullptr);
    std::string request;
    char part[4096];
    while (!request.ends_with("body")) {
      const auto size = recv(connection, part, sizeof part, 0);
      if (size <= 0) break;
      request.append(part, static_cast<std::size_t>(size));
    }
    requests.push_back(request);
    send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
    close(connection);
  }

  int listener_ = socket(AF_INET, SOCK_STREAM, 0);
  unsigned port_ = 0;
  std::thread thread_;
};

// Where nothing is refused and nothing answered: a listener whose queue is full.
class BlackHole {
 public:
  BlackHole(const char* host, unsigned port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    REQUIRE(inet_pton(AF_INET, host, &address.sin_addr) == 1);
    const auto* const there = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(bind(listener_, there, sizeof address) == 0);
    REQUIRE(listen(listener_, 0) == 0);
    REQUIRE(connect(last_, there, sizeof address) == 0);
  }
  ~BlackHole() {
    close(last_);
    close(listener_);
  }
  BlackHole(const BlackHole&) = delete;
  BlackHole& operator=(const BlackHole&) = delete;

 private:
  int listener_ = socket(AF_INET, SOCK_STREAM, 0);
  int last_ = socket(AF_INET, SOCK_STREAM, 0);
};

struct Fixture {
  SystemClock clock;
  Forwarder forwarder{clock};

  static ForwardAnswer ask(const ForwardTarget& target, ForwardRequest request,
                           std::chrono::milliseconds within = ample) {
    std::promise<ForwardAnswer> answered;
    target.forward(std::move(request), within,
                   [&](ForwardAnswer answer) { answered.set_value(std::move(answer)); });
    return answered.get_future().get();
  }
  ForwardAnswer ask(const config::BackEnd& back_end, std::chrono::milliseconds within = ample) {
    ForwardRequest request;
    request.body = "body";
    return ask(*forwarder.target(back_end), std::move(request), within);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what is sent: the route's path and query, the push's query and body") {
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  Service service({ok, ok, ok});
  ForwardRequest request{"a=1&b=%2B", "body", "text/xml", "9.9.9.9"};
  ask(*forwarder.target(service.at("/sdk?shop=1")), request);
  ask(*forwarder.target(service.at("")), request);
  ask(*forwarder.target(service.at("/sdk?shop=1")), {"", "body", "", ""});
  REQUIRE(service.requests.size() == 3);
  const auto& first = service.requests[0];
  CHECK(first.starts_with("POST /sdk?shop=1&a=1&b=%2B HTTP/1.1\r\n"));
  CHECK(first.find("\r\ncontent-type: text/xml\r\n") != std::string::npos);
  CHECK(first.find("\r\nx-forwarded-for: 9.9.9.9\r\n") != std::string::npos);
  CHECK(first.find("\r\nContent-Length: 4\r\n") != std::string::npos);
  CHECK(first.ends_with("\r\n\r\nbody"));
  CHECK(service.requests[1].starts_with("POST /?a=1&b=%2B HTTP/1.1\r\n"));
  CHECK(service.requests[2].starts_with("POST /sdk?shop=1 HTTP/1.1\r\n"));
  CHECK(service.requests[2].find("content-type") == std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "what comes back: status, type, Retry-After and body") {
  Service service(
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Type: a/b\r\n"
       "Retry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n"
       "2\r\nno\r\n3\r\nnow\r\n0\r\n\r\n"});
  const auto answer = ask(service.at("/"));
  CHECK(answer.cause == Cause::none);
  CHECK(answer.status == 503);
  CHECK(answer.content_type == "a/b");
  CHECK(answer.retry_after == "7");
  CHECK(answer.body == "nonow");
}

TEST_CASE_FIXTURE(Fixture, "an answer that is not whole is none") {
  const std::string huge(Forwarder::largest_answer + 1, 'x');
  const std::string chunk = "100001\r\n";  // as many
  Service service({"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
                   "HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n",
                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + huge + "\r\n",
                   "nonsense\r\n\r\n", ""});
  CHECK(ask(service.at("/")).cause == Cause::broken_off);
  CHECK(ask(service.at("/")).cause == Cause::answer_too_large);
  CHECK(ask(service.at("/")).cause == Cause::answer_too_large);
  CHECK(ask(service.at("/")).cause == Cause::broken_off);
  CHECK(ask(service.at("/")).cause == Cause::broken_off);
}

TEST_CASE_FIXTURE(Fixture, "nobody there, or nobody who answers in time") {
  config::BackEnd nowhere;
  nowhere.url = "unix:/nonexistent/wxpush.sock:/";
  const auto unreachable = ask(nowhere);
  CHECK(unreachable.cause == Cause::unreachable);
  CHECK(unreachable.error == "connect: No such file or directory");
  const Service silent;
  CHECK(ask(silent.at("/"), std::chrono::milliseconds(1)).cause == Cause::no_answer);
  auto careful = silent.at("/");
  careful.allow_private = false;
  CHECK(ask(careful).cause == Cause::unreachable);
}

TEST_CASE_FIXTURE(Fixture, "what is under way of one route is bounded, and is cut off at the end") {
  const Service silent;
  const auto target = forwarder.target(silent.at("/"));
  std::atomic<int> answered{0};
  for (std::size_t i = 0; i < Forwarder::most_under_way; ++i)
    target->forward({}, ample, [&](const ForwardAnswer&) { ++answered; });
  CHECK(ask(*target, {}).cause == Cause::too_many);
  const auto other = forwarder.target(silent.at("/other"));
  CHECK(ask(*other, {}, std::chrono::milliseconds(1)).cause == Cause::no_answer);
  forwarder.stop();
  CHECK(answered == 0);
}

TEST_CASE_FIXTURE(Fixture, "a target may go while it is asked: the answer still comes") {
  Service service({"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"});
  std::promise<ForwardAnswer> answered;
  {
    const auto target = forwarder.target(service.at("/"));
    target->forward({"", "body", "", ""}, ample,
                    [&](ForwardAnswer answer) { answered.set_value(std::move(answer)); });
  }
  CHECK(answered.get_future().get().body == "ok");
}

TEST_CASE_FIXTURE(Fixture, "a name that hangs holds up neither other names nor addresses") {
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  Service service({ok, ok});
  const test::HangingName hangs;
  const auto hanging = forwarder.target(service.at("/", "hanging.test"));
  constexpr std::chrono::seconds enough{10};
  const int at_first = test::lookups();
  hanging->forward({}, ample, [](const ForwardAnswer&) {});
  CHECK(ask(service.at("/", "one.test"), enough).status == 200);
  // The two names are looked up on threads of their own, whichever is first.
  while (test::lookups() < at_first + 2) std::this_thread::yield();
  const int before = test::lookups();
  CHECK(ask(service.at("/"), enough).status == 200);
  CHECK(test::lookups() == before);
}

TEST_CASE_FIXTURE(Fixture, "an address that swallows everything leaves time for the next one") {
  Service service({"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
  const BlackHole first("127.0.0.2", service.port());
  const auto answer = ask(service.at("/", "two.test"), std::chrono::seconds(3));
  CHECK(answer.error == "");
  CHECK(answer.status == 200);
}
