// One connection over a socket pair, against a queue that answers when the test says so.
#include "server/session.h"

#include "server/io_threads.h"
#include "tests/server/fakes.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include <future>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

using namespace wxpush;
using namespace wxpush::server;
using namespace wxpush::test;

namespace {

// The service of a route: answers when the test says so.
class HeldTarget final : public ForwardTarget {
 public:
  struct Held {
    ForwardRequest request;
    std::chrono::milliseconds within;
    std::function<void(ForwardAnswer)> done;
  };
  void forward(ForwardRequest request, std::chrono::milliseconds within,
               std::function<void(ForwardAnswer)> done) const override {
    ++times;
    asked_.set_value({std::move(request), within, std::move(done)});
  }
  Held take() const { return asked_.get_future().get(); }  // the only one, when it has come
  mutable std::atomic<int> times{0};

 private:
  mutable std::promise<Held> asked_;
};

// Appends whatever is posted, unless it is only to be forwarded; answers GET at once, and GET /work
// by work that the test gives.
class AppendingEndpoint final : public Endpoint {
 public:
  std::function<std::string()> work;
  std::shared_ptr<const ForwardTarget> target;  // null: nothing is forwarded
  bool store = true;
  Action accept(const Request& request, WallTime) override {
    Action action;
    if (request.path == "/work") {
      action.work = work;
      return action;
    }
    if (request.path == "/keep") {
      action.reply = refusal();
      action.quarantine.emplace();
      return action;
    }
    action.reply.body = "answer to " + std::string(request.path);
    if (request.method == Method::post) {
      if (store) action.append.emplace().body = request.body;
      action.report.emplace();
      action.report->verdict = target ? Verdict::forwarded : Verdict::accepted;
      if (target)
        action.forward =
            Forward{target,
                    {std::string(request.query), std::string(request.body),
                     std::string(request.content_type), std::string(request.forwarded_for)}};
    }
    return action;
  }
};

class RecordingObserver final : public SessionObserver {
 public:
  void answered(const PushReport& report, const Peer&, std::string_view, const queue::Appended*,
                std::chrono::nanoseconds) override {
    verdicts.push_back(report.verdict);
    last = report;
  }
  void handshake(HandshakeResult result) override { handshakes.push_back(result); }
  void turned_away(const Peer&, bool) override {}
  // All read after the connection ended.
  std::vector<HandshakeResult> handshakes;
  std::vector<Verdict> verdicts;
  PushReport last;
};

struct Fixture {
  SystemClock clock;
  RecordingLog log;
  HeldQueue queue;
  AppendingEndpoint endpoint;
  RecordingObserver observer;
  boost::asio::thread_pool worker{1};
  SessionHost host{SessionSettings{}, endpoint, &queue, clock, log, observer, {}, &worker};
  IoThread thread{clock, log};
  std::promise<void> ended;
  Peer peer;
  int client = -1;

  int served = -1;

  void connect() {
    open();
    serve();
  }
  void open() {
    int pair[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    client = pair[0];
    served = pair[1];
  }
  void serve() {
    queue.answered = [this] { thread.decisions.hand_over(); };
    thread.start("test");
    boost::asio::post(thread.context, [this, fd = served] {
      Socket socket(thread.context.get_executor());
      socket.assign(boost::asio::generic::stream_protocol(AF_UNIX, 0), fd);
      serve_connection(host, thread, std::move(socket), peer, clock.steady(),
                       [this] { ended.set_value(); });
    });
  }
  ~Fixture() {
    if (client >= 0) close(client);
    worker.join();
    thread.stop();
  }
  // When what was posted before has run, and what that posted.
  void settle() {
    for (int round = 0; round < 3; ++round) {
      const auto ran = std::make_shared<std::promise<void>>();
      boost::asio::post(thread.context, [ran] { ran->set_value(); });
      ran->get_future().wait();
    }
  }
  void drain() {
    settle();
    host.draining = true;
    boost::asio::post(thread.context, [this] { thread.deadlines.drain(); });
    settle();
  }
  void send(std::string_view text) const {
    REQUIRE(::send(client, text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  std::string receive() const {  // what comes next; empty at the end
    std::string text(65536, '\0');
    const auto size = recv(client, text.data(), text.size(), 0);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }
  bool silent() const {
    char byte = 0;
    return recv(client, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
  }
  void wait_until_ended() { ended.get_future().wait(); }
};

constexpr std::string_view push = "POST /wx HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody";

constexpr std::string_view routed_push =
    "POST /wx?a=1 HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml\r\nX-Forwarded-For: "
    "9.9.9.9\r\nContent-Length: 4\r\n\r\nbody";

ForwardAnswer answer_of(unsigned status, std::string type, std::string body) {
  ForwardAnswer answer;
  answer.status = status;
  answer.content_type = std::move(type);
  answer.body = std::move(body);
  return answer;
}

struct TlsFixture : Fixture {
  TlsFixture() {
    namespace ssl = boost::asio::ssl;
    host.tls.set(std::make_shared<ssl::context>(ssl::context::tls_server));
  }
  std::vector<HandshakeResult> handshakes() {
    wait_until_ended();
    return observer.handshakes;
  }
};

struct RouteFixture : Fixture {
  std::shared_ptr<const HeldTarget> target = std::make_shared<HeldTarget>();
  RouteFixture() {
    endpoint.target = target;
    endpoint.store = false;
  }
  const PushReport& last_report() {
    shutdown(client, SHUT_WR);
    wait_until_ended();
    return observer.last;
  }
};

queue::Appended stored(queue::RowId id, bool duplicate = false) {
  queue::Appended appended;
  appended.id = id;
  appended.duplicate = duplicate;
  return appended;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a push is not answered before the queue said that it is durable") {
  connect();
  send(push);
  auto held = queue.take();
  CHECK(held.event.body == "body");
  CHECK(silent());
  held.done(stored(1));
  CHECK(receive().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE_FIXTURE(
    Fixture,
    "a push that is not durable at its deadline is answered 503; a late commit disturbs nothing") {
  host.settings.request_deadline = std::chrono::milliseconds(1);
  connect();
  send(push);
  auto held = queue.take();
  const auto answer = receive();
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(answer.find("Retry-After: 1\r\n") != std::string::npos);
  held.done(stored(1));
  host.settings.request_deadline = std::chrono::milliseconds(60000);
  send(push);
  auto retry = queue.take();
  retry.done(stored(1, true));
  CHECK(receive().starts_with("HTTP/1.1 200 OK\r\n"));
  shutdown(client, SHUT_WR);
  wait_until_ended();
  CHECK(observer.verdicts == std::vector{Verdict::not_durable, Verdict::duplicate});
}

TEST_CASE_FIXTURE(
    Fixture,
    "where too much of large bodies is held, a large one is answered 503 and no small "
    "one is") {
  LargeBodies::Share others(host.large_bodies);
  REQUIRE(others.hold(host.settings.max_bodies - LargeBodies::not_counted));
  connect();
  send(push);
  queue.take().done(stored(1));
  CHECK(receive().starts_with("HTTP/1.1 200 OK\r\n"));
  const std::string body(LargeBodies::not_counted + 1, 'x');
  send("POST /wx HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n" + body);
  const auto answer = receive();
  CHECK(answer.starts_with("HTTP/1.1 503 "));
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  shutdown(client, SHUT_WR);
  wait_until_ended();
  CHECK(observer.verdicts == std::vector{Verdict::accepted, Verdict::overloaded});
}

// Else those that come side by side would share the room bit by bit, and none would come whole.
TEST_CASE_FIXTURE(Fixture, "a large body has its place as soon as it is one, up to its last byte") {
  LargeBodies::Share others(host.large_bodies);
  REQUIRE(others.hold(host.settings.max_bodies - 99998));
  connect();
  send("POST /wx HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n" +
       std::string(LargeBodies::not_counted + 1, 'x'));
  CHECK(receive().starts_with("HTTP/1.1 503 "));
  shutdown(client, SHUT_WR);
  wait_until_ended();
  others.let_go();
  CHECK(others.hold(LargeBodies::not_counted, 1ULL << 40));  // what it says only does not count
  CHECK(host.large_bodies.held() == 0);
}

// What was opened is held by the queue, within a bound of its own: the same once more as it came is
// of no use to anybody.
TEST_CASE_FIXTURE(Fixture, "the body of a push is let go when the push is handed to the queue") {
  connect();
  const std::string body(LargeBodies::not_counted + 1, 'x');
  const auto large =
      "POST /wx HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  for (const queue::RowId id : {queue::RowId{1}, queue::RowId{2}}) {
    send(large);
    auto held = queue.take();
    CHECK(host.large_bodies.held() == 0);
    held.done(stored(id));
    CHECK(receive().starts_with("HTTP/1.1 200 OK\r\n"));
  }
}

// Else the time of an answer would tell whether what was refused could be decrypted.
TEST_CASE_FIXTURE(Fixture, "what goes into the quarantine goes there after the answer") {
  bool answered = false;
  queue.on_quarantine = [&] { answered = !silent(); };
  connect();
  send("GET /keep HTTP/1.1\r\nHost: x\r\n\r\n");
  shutdown(client, SHUT_WR);
  wait_until_ended();
  REQUIRE(queue.quarantined.size() == 1);
  CHECK(answered);
  CHECK(receive().starts_with("HTTP/1.1 403 "));
}

// What is kept is as long as the body, and whoever does not read the answer decides how long it is
// in memory.
TEST_CASE_FIXTURE(Fixture, "a large body that goes into the quarantine has its place until then") {
  std::uint64_t held = 0;
  queue.on_quarantine = [&] { held = host.large_bodies.held(); };
  connect();
  const std::string body(LargeBodies::not_counted + 1, 'x');
  send("POST /keep HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
       "\r\n\r\n" + body);
  shutdown(client, SHUT_WR);
  wait_until_ended();
  REQUIRE(queue.quarantined.size() == 1);
  CHECK(held == body.size());
  settle();
  CHECK(host.large_bodies.held() == 0);
}

TEST_CASE_FIXTURE(Fixture, "an error of the queue is 503, never 200") {
  connect();
  for (const auto error : {queue::QueueError::store_failed, queue::QueueError::overloaded}) {
    send(push);
    auto held = queue.take();
    queue::Appended failed;
    failed.error = error;
    held.done(failed);
    CHECK(receive().starts_with("HTTP/1.1 503 "));
  }
  shutdown(client, SHUT_WR);
  wait_until_ended();
  CHECK(observer.verdicts == std::vector{Verdict::not_durable, Verdict::overloaded});
}

// The header is all that is there when the request before it was answered: nothing more is read
// until the peer was told to go on.
TEST_CASE_FIXTURE(Fixture, "a pipelined request that expects to be told to go on is told") {
  connect();
  send(std::string(push) +
       "POST /wx HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  queue.take().done(stored(1));
  const std::string_view interim = "HTTP/1.1 100 Continue\r\n\r\n";
  std::string all;  // the two may come in one piece
  for (auto part = receive(); !part.empty(); part = receive()) {
    all += part;
    if (all.ends_with(interim)) break;
  }
  CHECK(all.starts_with("HTTP/1.1 200 OK\r\n"));
  REQUIRE(all.ends_with(interim));
  send("later");
  auto held = queue.take();
  CHECK(held.event.body == "later");
  held.done(stored(2));
  CHECK(receive().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE_FIXTURE(Fixture, "pipelined requests are answered in their order") {
  connect();
  send("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::string all;
  for (auto part = receive(); !part.empty(); part = receive()) all += part;
  const auto first = all.find("answer to /a");
  CHECK(first != std::string::npos);
  CHECK(all.find("answer to /b") > first);
}

TEST_CASE_FIXTURE(Fixture, "a malformed request is answered once and the connection ends") {
  connect();
  send("nonsense\r\n\r\n");
  CHECK(receive().starts_with("HTTP/1.1 400 "));
  CHECK(receive().empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "a body that stops coming ends at the request's deadline, without an answer") {
  host.settings.request_deadline = std::chrono::milliseconds(1);
  connect();
  send("POST /wx HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo");
  CHECK(receive().empty());
  wait_until_ended();
  CHECK(observer.verdicts == std::vector{Verdict::timeout});
}

TEST_CASE_FIXTURE(Fixture, "a drain lets the push in flight finish and tells the peer to close") {
  connect();
  send(push);
  auto held = queue.take();
  host.draining = true;
  boost::asio::post(thread.context, [this] { thread.deadlines.drain(); });
  held.done(stored(1));
  const auto answer = receive();
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(receive().empty());
}

TEST_CASE_FIXTURE(Fixture, "a drain ends idle connections at once") {
  connect();
  send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(receive().starts_with("HTTP/1.1 200 OK\r\n"));
  host.draining = true;
  boost::asio::post(thread.context, [this] { thread.deadlines.drain(); });
  CHECK(receive().empty());
  wait_until_ended();
  CHECK(log.lines.empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "a connection just accepted is waited for while another process takes over, and "
                  "its answer is its last") {
  host.settings.first_bytes = std::chrono::hours(1);
  connect();
  host.closing = true;
  drain();
  send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto answer = receive();
  CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(receive().empty());
}

TEST_CASE_FIXTURE(Fixture, "but not for ever, and not one that had its answer") {
  SUBCASE("its time is over") {
    host.settings.first_bytes = std::chrono::milliseconds(0);
    connect();
  }
  SUBCASE("it was answered, and is idle") {
    host.settings.first_bytes = std::chrono::hours(1);
    connect();
    send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(receive().find("Connection: close\r\n") == std::string::npos);
  }
  host.closing = true;
  drain();
  CHECK(receive().empty());
  wait_until_ended();
}

TEST_CASE_FIXTURE(Fixture,
                  "before that, answers are the last of their connections, and none is cut off") {
  connect();
  send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(receive().find("Connection: close\r\n") == std::string::npos);
  host.closing = true;
  send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(receive().find("Connection: close\r\n") != std::string::npos);
  CHECK(receive().empty());
}

TEST_CASE_FIXTURE(Fixture, "a drain does not cut off a request whose bytes are here already") {
  connect();
  send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(receive().starts_with("HTTP/1.1 200 OK\r\n"));
  std::promise<void> sent;
  boost::asio::post(thread.context, [this, arrived = sent.get_future().share()] {
    arrived.wait();  // the I/O thread has not seen them when the drain begins
    host.draining = true;
    thread.deadlines.drain();
  });
  send("GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  sent.set_value();
  const auto answer = receive();
  CHECK(answer.find("answer to /b") != std::string::npos);
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  CHECK(receive().empty());
}

TEST_CASE_FIXTURE(Fixture, "long work holds up nobody else, and is answered when it is done") {
  std::promise<void> go_on;
  endpoint.work = [&] {
    go_on.get_future().wait();
    return std::string("worked");
  };
  connect();
  send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
  std::promise<void> meanwhile;
  boost::asio::post(thread.context, [&] { meanwhile.set_value(); });
  meanwhile.get_future().wait();  // the I/O thread is free
  CHECK(silent());
  go_on.set_value();
  CHECK(receive().ends_with("\r\n\r\nworked"));
}

TEST_CASE_FIXTURE(Fixture, "work that fails is 500 and a line in the log; its reason stays there") {
  endpoint.work = []() -> std::string { throw std::runtime_error("disk I/O error"); };
  connect();
  send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
  const auto answer = receive();
  CHECK(answer.starts_with("HTTP/1.1 500 "));
  CHECK(answer.find("disk I/O") == std::string::npos);
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines[0].fields.at("error") == "disk I/O error");
}

TEST_CASE_FIXTURE(Fixture, "work that is not done at the request's deadline is 503") {
  std::promise<void> go_on;
  endpoint.work = [&] {
    go_on.get_future().wait();
    return std::string("too late");
  };
  host.settings.request_deadline = std::chrono::milliseconds(1);
  connect();
  send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(receive().starts_with("HTTP/1.1 503 "));
  go_on.set_value();
}

TEST_CASE_FIXTURE(RouteFixture,
                  "a large body that is forwarded has its place until it is answered") {
  connect();
  const std::string body(LargeBodies::not_counted + 1, 'x');
  const auto large =
      "POST /routed?a=1 HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  send(large);
  auto held = target->take();
  CHECK(held.request.body == body);
  CHECK(host.large_bodies.held() == body.size());
  held.done(answer_of(200, "text/plain", "theirs"));
  CHECK(receive().find("theirs") != std::string::npos);
  shutdown(client, SHUT_WR);
  wait_until_ended();
  settle();
  CHECK(host.large_bodies.held() == 0);
}

TEST_CASE_FIXTURE(RouteFixture, "a forwarded push is answered as its service answers") {
  peer.text = "1.2.3.4";
  connect();
  send(routed_push);
  auto held = target->take();
  CHECK(held.request.query == "a=1");
  CHECK(held.request.body == "body");
  CHECK(held.request.content_type == "text/xml");
  CHECK(held.request.forwarded_for == "9.9.9.9, 1.2.3.4");
  CHECK(held.within <= host.settings.request_deadline);
  CHECK(silent());
  auto answer = answer_of(500, "application/x-odd", "theirs");
  answer.retry_after = "7";
  held.done(answer);
  CHECK(receive() ==
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/x-odd\r\n"
        "Content-Length: 6\r\nRetry-After: 7\r\n\r\ntheirs");
  const auto& report = last_report();
  CHECK(report.verdict == Verdict::forwarded);
  CHECK(report.status == 500);
}

TEST_CASE_FIXTURE(RouteFixture, "an answer without a body or a type stays one") {
  connect();
  send(routed_push);
  target->take().done(answer_of(204, "", ""));
  CHECK(receive() == "HTTP/1.1 204 No Content\r\n\r\n");
}

TEST_CASE_FIXTURE(RouteFixture, "a push that could not be forwarded is 503; the cause stays here") {
  connect();
  send(routed_push);
  ForwardAnswer failed;
  failed.cause = Cause::unreachable;
  failed.error = "connect: Connection refused";
  target->take().done(failed);
  CHECK(receive() == to_wire(try_again(), true, false, false));
  const auto& report = last_report();
  CHECK(report.verdict == Verdict::not_forwarded);
  CHECK(report.cause == Cause::unreachable);
  CHECK(report.error == "connect: Connection refused");
}

TEST_CASE_FIXTURE(RouteFixture, "a service that does not answer holds up nobody, and ends in 503") {
  host.settings.request_deadline = std::chrono::milliseconds(1);
  connect();
  send(routed_push);
  auto held = target->take();
  CHECK(receive().starts_with("HTTP/1.1 503 "));
  held.done(answer_of(200, "text/plain", "too late"));
  send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(receive().ends_with("answer to /a"));
  shutdown(client, SHUT_WR);
  wait_until_ended();
  CHECK(observer.verdicts == std::vector{Verdict::not_forwarded});
}

TEST_CASE_FIXTURE(RouteFixture, "with store nothing is forwarded before it is durable") {
  endpoint.store = true;
  connect();
  send(routed_push);
  auto append = queue.take();
  CHECK(append.event.body == "body");
  append.done(stored(1, true));  // a duplicate too: its first answer may have been lost
  target->take().done(answer_of(200, "text/plain", "theirs"));
  CHECK(receive().ends_with("\r\n\r\ntheirs"));
  CHECK(last_report().verdict == Verdict::forwarded);
}

TEST_CASE_FIXTURE(RouteFixture, "with store what is not durable is 503, and is not forwarded") {
  endpoint.store = true;
  connect();
  send(routed_push);
  queue::Appended failed;
  failed.error = queue::QueueError::store_failed;
  queue.take().done(failed);
  CHECK(receive().starts_with("HTTP/1.1 503 "));
  CHECK(last_report().verdict == Verdict::not_durable);
  CHECK(target->times == 0);
}

TEST_CASE_FIXTURE(RouteFixture, "a session that ends while its service is asked disturbs nothing") {
  connect();
  send(routed_push);
  auto held = target->take();
  boost::asio::post(thread.context, [this] { thread.deadlines.abort(); });
  CHECK(receive().empty());
  wait_until_ended();
  held.done(answer_of(200, "text/plain", "too late"));
}

TEST_CASE_FIXTURE(TlsFixture, "no handshake is begun with a peer that has closed") {
  open();
  SUBCASE("after its hello") {
    send("\x16\x03\x01");
  }
  SUBCASE("without one") {}
  close(std::exchange(client, -1));
  serve();
  CHECK(handshakes() == std::vector{HandshakeResult::gone});
}

TEST_CASE_FIXTURE(TlsFixture, "a peer that begins no handshake is cut at handshake_timeout") {
  host.settings.handshake_timeout = std::chrono::milliseconds(1);
  connect();
  CHECK(receive().empty());
  CHECK(handshakes() == std::vector{HandshakeResult::failed});
}

TEST_CASE_FIXTURE(TlsFixture, "and so is one that goes silent within it") {
  host.settings.handshake_timeout = std::chrono::milliseconds(1);
  open();
  send("\x16\x03\x01");
  serve();
  CHECK(receive().empty());
  CHECK(handshakes() == std::vector{HandshakeResult::failed});
}

TEST_CASE_FIXTURE(TlsFixture, "what is no handshake ends at once") {
  connect();
  send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(handshakes() == std::vector{HandshakeResult::failed});
}

TEST_CASE_FIXTURE(TlsFixture, "a drain ends one that has said nothing") {
  connect();
  drain();
  CHECK(receive().empty());
  CHECK(handshakes() == std::vector{HandshakeResult::failed});
}
