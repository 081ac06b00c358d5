#include "server/session.h"

#include "crypto/tls/tls_stream.h"
#include "server/handshake_turns.h"
#include "server/io_threads.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include <exception>
#include <optional>
#include <utility>

namespace wxpush::server {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

template <class T>
using Awaitable = asio::awaitable<T, Executor>;
constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> as_result{};
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

constexpr std::size_t read_size = 4096;
constexpr std::size_t linger_bytes = std::size_t{1} << 20;
constexpr std::chrono::milliseconds linger_time{500};

// What TlsStream is, without TLS.
class PlainStream {
 public:
  static constexpr bool tls = false;
  explicit PlainStream(Socket socket) : socket_(std::move(socket)) {}
  Socket& socket() { return socket_; }
  bool greeted() const { return true; }
  bool holds_bytes() const { return false; }

  Awaitable<std::pair<error_code, std::size_t>> read_some(asio::mutable_buffer into) {
    const auto [error, size] = co_await socket_.async_read_some(into, as_result);
    co_return std::pair{error, size};
  }
  Awaitable<error_code> write(std::string_view bytes) {
    const auto [error, size] = co_await asio::async_write(socket_, asio::buffer(bytes), as_result);
    co_return error;
  }

 private:
  Socket socket_;
};

// What another thread decides about a request: shared with it, since the request may be over by
// then.
template <class Result>
using Pending = std::shared_ptr<std::optional<Result>>;

template <class Transport>
class Session final : public Deadlines::Entry,
                      public HandshakeTurns::Entry,
                      public std::enable_shared_from_this<Session<Transport>> {
 public:
  Session(SessionHost& host, IoThread& thread, Socket socket, Peer peer, SteadyTime accepted)
      : host_(host),
        turns_(thread.turns),
        decisions_(thread.decisions),
        transport_(std::move(socket)),
        reader_(host.settings.limits),
        body_(host.large_bodies),
        peer_(std::move(peer)),
        started_(accepted),
        ready_(accepted),
        decided_(transport_.socket().get_executor(), SteadyTime::max()) {}

  Awaitable<void> run() {
    if constexpr (Transport::tls) {
      if (!co_await handshake()) co_return;
    }
    bool first = true;  // of its own: see CONTRIBUTING.md, "Traps", about frames without one
    while (co_await read_request(first)) {
      first = fresh_ = false;
      if (!co_await answer()) break;
    }
    co_await linger();
  }

  void on_due() override {
    if (pending_ != nullptr) {
      decided_.cancel();  // answered 503; the append or the work goes on
    } else {
      close();
      decided_.cancel();  // its turn, for which it waited in vain
    }
  }
  // Ends what has nothing under way. A request whose first bytes are here already is answered: also
  // one that was just read, of which the session does not know yet. So its wait is cancelled, which
  // does nothing to one that is over, and nothing is closed under it.
  void on_drain() override {
    error_code ignored;
    if ((idle_ || !transport_.greeted()) && nothing_arrived() && !is_on_its_way())
      transport_.socket().cancel(ignored);
  }
  void on_abort() override {
    decided_.cancel();
    close();
  }
  int descriptor() override {
    return transport_.socket().is_open() ? transport_.socket().native_handle() : -1;
  }
  void on_turn(bool peer_is_there) override {
    turn_ = peer_is_there ? Turn::begin : Turn::gone;
    decided_.cancel();
  }

 private:
  enum class Turn { not_yet, begin, gone };

  void close() {
    error_code ignored;
    transport_.socket().close(ignored);
  }

  bool is_on_its_way() const {
    return fresh_ && host_.closing && host_.clock.steady() - ready_ < host_.settings.first_bytes;
  }

  bool nothing_arrived() {
    error_code ignored;
    return transport_.socket().available(ignored) == 0 && !transport_.holds_bytes();
  }

  // Begun when its first bytes are here and its turn has come.
  Awaitable<bool> handshake() {
    due = started_ + host_.settings.handshake_timeout;
    const auto [silent] =
        co_await transport_.socket().async_wait(asio::socket_base::wait_read, as_result);
    if (!silent) {
      turns_.wait(*this);
      co_await decided_.async_wait(as_result);
    }
    auto result = turn_ == Turn::gone ? HandshakeResult::gone : HandshakeResult::failed;
    if (turn_ == Turn::begin) {
      const error_code error = co_await transport_.handshake(host_.tls.get()->native_handle());
      if (!error) result = HandshakeResult::ok;
    }
    host_.observer.handshake(result);
    ready_ = host_.clock.steady();
    co_return result == HandshakeResult::ok;
  }

  // Reads until a request is complete or refused. The first one is on its way: its time began with
  // accept (its header's with the end of the TLS handshake). A later one's begins with its first
  // byte.
  Awaitable<bool> read_request(bool first) {
    bool begun = buffer_.size() > 0;
    // Who sends many at once has one answered in each turn of the thread.
    if (begun) co_await asio::post(decided_.get_executor(), asio::use_awaitable_t<Executor>{});
    if (!first) {
      reader_.next();
      body_.let_go();
      if (begun) started_ = host_.clock.steady();
    }
    consume();
    while (!crowded_) {
      if (reader_.state() == RequestReader::State::expects_continue) {
        static constexpr std::string_view interim = "HTTP/1.1 100 Continue\r\n\r\n";
        const auto sent = co_await write(interim);
        if (!sent) co_return false;
        reader_.continued();
      }
      if (reader_.state() != RequestReader::State::need_more) break;
      if (!begun && !first && host_.draining && nothing_arrived()) co_return false;
      idle_ = !begun;
      due = read_due(first, begun);
      const auto space = buffer_.prepare(read_size);
      const auto [error, size] = co_await transport_.read_some(space);
      idle_ = false;
      if (error) {
        if (begun) report_incomplete();
        ended_ = error == asio::error::eof;
        co_return false;
      }
      if (!begun && !first) started_ = host_.clock.steady();
      begun = true;
      buffer_.commit(size);
      consume();
    }
    co_return true;
  }

  SteadyTime read_due(bool first, bool begun) const {
    const auto& settings = host_.settings;
    if (!begun && !first) return host_.clock.steady() + settings.idle_timeout;
    const auto deadline = started_ + settings.request_deadline;
    if (reader_.header_done()) return deadline;
    return std::min((first ? ready_ : started_) + settings.header_timeout, deadline);
  }

  void consume() {
    const auto data = buffer_.cdata();
    const auto used = reader_.feed({static_cast<const char*>(data.data()), data.size()});
    buffer_.consume(used);
    crowded_ = !body_.hold(reader_.body_bytes(), reader_.promised_bytes());
  }

  Awaitable<bool> answer() {
    if (reader_.state() == RequestReader::State::refused || crowded_)
      co_return co_await answer_refused();
    auto request = reader_.request();
    auto action = accept(request);
    Pending<queue::Appended> appended;
    if (action.append) {
      appended = begin_append(std::move(*action.append));
      co_await until_decided();
      if (!*appended || (*appended)->error) {
        action.reply = try_again();
        action.forward.reset();
      } else if (!action.confirmed_by.empty()) {
        const auto confirmed = co_await confirmation(action, **appended);
        if (!confirmed) refuse_unconfirmed(action);
      }
    }
    Pending<ForwardAnswer> forwarded;  // as long as the reply, which looks into it
    if (action.forward) {
      forwarded = begin_forward(std::move(*action.forward));
      co_await until_decided();
      finish_forward(*forwarded, action);
    }
    if (action.work) {
      const auto body = begin_work(std::move(action.work));
      co_await until_decided();
      finish_work(*body, action.reply);
    }
    if (action.report) report(*action.report, request, appended.get());
    const bool keep_alive =
        reader_.keep_alive() && !action.reply.close && !host_.closing && !host_.draining;
    const auto wire =
        to_wire(action.reply, keep_alive, reader_.http_1_0(), request.method == Method::head);
    const auto sent = co_await write(wire);
    // After the answer: what is kept takes longer than what is only refused, and whoever waits for
    // the answer must not learn which it was.
    if (action.quarantine) host_.queue->quarantine(std::move(*action.quarantine));
    co_return sent&& keep_alive;
  }

  // Afterwards the request's body is gone: a push that waits for the disk is held as what was
  // opened alone. What is forwarded or goes into the quarantine is held as it came, and keeps its
  // place among the large ones.
  Action accept(Request& request) {
    auto action = host_.endpoint.accept(request, host_.clock.wall());
    request.body = {};
    reader_.drop_body();
    if (!action.forward && !action.quarantine) body_.let_go();
    return action;
  }

  // The rest of the request is not read.
  Awaitable<bool> answer_refused() {
    const bool is_refused = reader_.state() == RequestReader::State::refused;
    const auto response = is_refused ? reader_.refusal() : try_again();
    PushReport report;
    report.verdict = !is_refused              ? Verdict::overloaded
                     : response.status == 413 ? Verdict::too_large
                                              : Verdict::bad_request;
    host_.observer.answered(report, peer_, {}, nullptr, host_.clock.steady() - started_);
    const auto wire = to_wire(response, false, false, false);
    co_await write(wire);
    co_return false;
  }

  // What the other thread calls with its result, which is carried over to ours; whoever made it
  // hands it over. It must not own the session, not even for a moment: a session ends on its own
  // thread.
  template <class Result>
  auto carrying(Pending<Result> pending) {
    pending_ = pending.get();
    decided_.expires_at(SteadyTime::max());
    due = started_ + host_.settings.request_deadline;
    return [weak = this->weak_from_this(), &decisions = decisions_,
            pending = std::move(pending)](Result result) {
      decisions.carry([weak, pending, result = std::move(result)]() mutable {
        *pending = std::move(result);
        const auto self = weak.lock();
        if (self && self->pending_ == pending.get()) self->decided_.cancel();
      });
    };
  }
  // Likewise, of one decision by itself.
  template <class Result>
  auto expect(Pending<Result> pending) {
    return [carry = carrying(std::move(pending)), &decisions = decisions_](Result result) {
      carry(std::move(result));
      decisions.hand_over();
    };
  }

  Pending<queue::Appended> begin_append(queue::NewEvent&& event) {
    auto pending = std::make_shared<std::optional<queue::Appended>>();
    decisions_.append(*host_.queue, std::move(event), carrying(pending));
    return pending;
  }

  // Whether the handler has it, within the request's time.
  Awaitable<bool> confirmation(const Action& action, const queue::Appended& appended) {
    auto pending = std::make_shared<std::optional<bool>>();
    const auto ticket = host_.confirmations->wait(action.confirmed_by, action.report->type,
                                                  appended, expect(pending));
    co_await until_decided();
    host_.confirmations->forget(ticket);
    co_return pending->value_or(false);
  }

  // It is stored and goes on its way; the push that comes again finds it.
  static void refuse_unconfirmed(Action& action) {
    action.reply = try_again();
    action.forward.reset();
    action.report->verdict = Verdict::not_confirmed;
  }

  // Within what is left of the request's time.
  Pending<ForwardAnswer> begin_forward(Forward&& forward) {
    auto pending = std::make_shared<std::optional<ForwardAnswer>>();
    auto& client = forward.request.forwarded_for;
    if (!peer_.local && !peer_.text.empty()) client += (client.empty() ? "" : ", ") + peer_.text;
    auto done = expect(pending);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - host_.clock.steady());
    forward.target->forward(std::move(forward.request), left, std::move(done));
    return pending;
  }

  // The answer as it came; or "try again", and why for the report alone.
  static void finish_forward(std::optional<ForwardAnswer>& answer, Action& action) {
    if (answer && answer->cause == Cause::none) {
      action.reply = Response{};
      action.reply.status = static_cast<int>(answer->status);
      action.reply.content_type = answer->content_type;
      action.reply.retry_after = answer->retry_after;
      action.reply.body = std::move(answer->body);
    } else {
      action.reply = try_again();
    }
    if (!action.report) return;
    if (answer) {
      action.report->status = answer->status;
      action.report->cause = answer->cause;
      action.report->error = answer->error;
    } else {
      action.report->cause = Cause::no_answer;
    }
    if (action.report->cause != Cause::none) action.report->verdict = Verdict::not_forwarded;
  }

  // Empty: it failed.
  Pending<std::optional<std::string>> begin_work(std::function<std::string()>&& work) {
    auto pending = std::make_shared<std::optional<std::optional<std::string>>>();
    asio::post(*host_.worker,
               [work = std::move(work), done = expect(pending), &log = host_.log]() mutable {
                 std::optional<std::string> body;
                 try {
                   body = work();
                 } catch (const std::exception& error) {
                   log.error("a request of an operator failed", {{"error", error.what()}});
                 }
                 done(std::move(body));
               });
    return pending;
  }

  static void finish_work(std::optional<std::optional<std::string>>& body, Response& reply) {
    if (!body) {
      reply = try_again();
    } else if (!*body) {
      reply.status = 500;
      reply.content_type = Response{}.content_type;
      reply.body = "failed; the log says why\n";
    } else {
      reply.body = std::move(**body);
    }
  }

  // Until the other thread decided or the deadline came, whichever is first.
  Awaitable<void> until_decided() {
    co_await decided_.async_wait(as_result);
    pending_ = nullptr;
  }

  void report(PushReport& report, const Request& request,
              const std::optional<queue::Appended>* appended) {
    const queue::Appended* result = nullptr;
    if (appended != nullptr) {
      if (!*appended) {
        report.verdict = Verdict::not_durable;
      } else if ((*appended)->error) {
        report.verdict = verdict_of((*appended)->error);
      } else {
        result = &**appended;
        if (result->duplicate && report.verdict == Verdict::accepted)
          report.verdict = Verdict::duplicate;
      }
    }
    host_.observer.answered(report, peer_, request.forwarded_for, result,
                            host_.clock.steady() - started_);
  }

  void report_incomplete() {
    PushReport report;
    report.verdict = Verdict::timeout;
    host_.observer.answered(report, peer_, {}, nullptr, host_.clock.steady() - started_);
  }

  Awaitable<bool> write(std::string_view bytes) {
    due = host_.clock.steady() + host_.settings.request_deadline;
    const error_code error = co_await transport_.write(bytes);
    co_return !error;
  }

  // Ends politely: what we wrote must reach a peer that is still sending, which a plain close would
  // answer with a reset. Who has ended sends no more.
  Awaitable<void> linger() {
    if (!transport_.socket().is_open()) co_return;
    due = host_.clock.steady() + linger_time;
    if constexpr (Transport::tls) co_await transport_.say_goodbye();
    if (ended_) co_return close();
    error_code error;
    transport_.socket().shutdown(asio::socket_base::shutdown_send, error);
    std::size_t discarded = 0;
    while (!error && discarded < linger_bytes) {
      const auto space = buffer_.prepare(read_size);
      const auto [read_error, size] =
          co_await transport_.socket().async_read_some(space, as_result);
      error = read_error;
      discarded += size;
    }
    close();
  }

  SessionHost& host_;
  HandshakeTurns& turns_;
  Decisions& decisions_;
  Transport transport_;
  RequestReader reader_;
  LargeBodies::Share body_;  // what it holds of the request's body
  boost::beast::flat_buffer buffer_;
  Peer peer_;
  SteadyTime started_;             // of the request being read or answered
  SteadyTime ready_;               // for the first request: since the end of the TLS handshake
  Timer decided_;                  // never expires: it is cancelled when the other thread decided,
                                   // or when it is this handshake's turn
  const void* pending_ = nullptr;  // which decision is awaited
  Turn turn_ = Turn::not_yet;
  bool crowded_ = false;  // too much of bodies is held already
  bool idle_ = false;     // waiting for the first byte of a request
  bool fresh_ = true;     // no request has been read
  bool ended_ = false;    // the peer has
};

template <class Transport>
void spawn(SessionHost& host, IoThread& thread, Socket socket, Peer peer, SteadyTime accepted,
           std::function<void()> ended) {
  const auto executor = socket.get_executor();
  auto session = std::make_shared<Session<Transport>>(host, thread, std::move(socket),
                                                      std::move(peer), accepted);
  thread.deadlines.add(*session);
  auto done = [session, ended = std::move(ended),
               &log = host.log](const std::exception_ptr& failure) mutable {
    if (failure) {
      try {
        std::rethrow_exception(failure);
      } catch (const std::exception& error) {
        log.error("a connection ended by an unexpected error", {{"error", error.what()}});
      }
    }
    session.reset();
    ended();
  };
  asio::co_spawn(executor, session->run(), std::move(done));
}

}  // namespace

void serve_connection(SessionHost& host, IoThread& thread, Socket socket, Peer peer,
                      SteadyTime accepted, std::function<void()> ended) {
  if (host.tls.get()) {
    spawn<crypto::TlsStream>(host, thread, std::move(socket), std::move(peer), accepted,
                             std::move(ended));
  } else {
    spawn<PlainStream>(host, thread, std::move(socket), std::move(peer), accepted,
                       std::move(ended));
  }
}

}  // namespace wxpush::server
