#pragma once
// One connection of a load: pushes one request at a time and reads its answer. Made to cost little,
// so that on one core it outpaces a server on another one: OpenSSL works on the socket itself, and
// a push takes one write, one wait and one read.

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace boost::asio::ssl {
class context;
}

namespace wxpush::cli {

class BenchConnection {
 public:
  using Endpoint = boost::asio::generic::stream_protocol::endpoint;

  // Told from within io_context::run(); each of them may push, open or close again.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void opened(BenchConnection& connection) = 0;
    // The connection is still open if the server keeps it.
    virtual void answered(BenchConnection& connection, int status) = 0;
    // It is closed. `step`: "connect", "TLS", "send" or "receive".
    virtual void failed(BenchConnection& connection, const char* step, const std::string& why) = 0;
  };

  // `tls` may be null; `host` is whom its certificate must name. All of it outlives the connection,
  // which is destroyed when the context does not run any more.
  BenchConnection(boost::asio::io_context& context, boost::asio::ssl::context* tls,
                  std::string host, Owner& owner);
  ~BenchConnection();
  BenchConnection(const BenchConnection&) = delete;
  BenchConnection& operator=(const BenchConnection&) = delete;

  void open(const Endpoint& endpoint);
  bool is_open() const { return state_ != State::closed; }
  bool is_busy() const { return state_ != State::closed && state_ != State::idle; }
  // "TLSv1.3 TLS_AES_128_GCM_SHA256" of an open connection; empty without TLS.
  std::string protocol() const;
  // A whole request; the connection is open and not busy.
  void push(std::string request);
  void close();
  // Closes it and tells the owner that it failed, in the step that it is at.
  void time_out();

  // The owner's: when what it does now was meant to begin, and when it is given up.
  std::chrono::steady_clock::time_point meant, due;

 private:
  enum class State { closed, connecting, greeting, idle, sending, receiving };
  enum class Outcome { done, wait_to_read, wait_to_write, failed };
  struct Wire;  // TLS, and the answer that is being read

  void wait(Outcome outcome);
  void proceed();
  Outcome greet();
  Outcome send();
  Outcome receive();
  Outcome read_some(std::size_t& size);
  Outcome judge(int returned);
  void finish();
  void fail(const std::string& why);

  boost::asio::generic::stream_protocol::socket socket_;
  boost::asio::ssl::context* tls_;
  std::string host_;
  Owner& owner_;
  State state_ = State::closed;
  std::uint64_t opened_ = 0;  // how often: what an earlier socket still has to say is for nobody
  std::string request_;
  std::size_t sent_ = 0;
  std::string why_;
  std::unique_ptr<Wire> wire_;
};

}  // namespace wxpush::cli
