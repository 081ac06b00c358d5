#pragma once
// One connection to a broker, and the thread that owns it. A link knows the broker's protocol; the
// thread (broker_link.cpp) knows when to connect, how long a confirmation may take, and how to end.

#include "handlers/base/clock.h"
#include "handlers/base/log.h"
#include "handlers/sink/broker.h"
#include "handlers/sink/sink.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

namespace wxpush::sink {

// There is no connection, or none any more. For people; holds no secret. The blame is of all that
// was on its way: Blame::handler says that the broker may have ended it for one of them.
class LinkError : public std::runtime_error {
 public:
  explicit LinkError(const std::string& why, Blame blame = Blame::place)
      : std::runtime_error(why), blame_(blame) {}
  Blame blame() const noexcept { return blame_; }

 private:
  Blame blame_;
};

// All on one thread. Each may throw LinkError: then the link is of no use any more, and whether
// that which was not confirmed arrived is not known.
class BrokerLink {
 public:
  using Confirm = std::function<void(std::uint64_t ticket, Outcome outcome)>;

  virtual ~BrokerLink() = default;
  // Hands the event over, or keeps it to be sent by exchange(). Tickets rise.
  virtual void publish(std::uint64_t ticket, const Delivery& delivery) = 0;
  // Sends and receives what there is, without waiting for more; tells of each ticket once, in any
  // order. Delivered means: the broker's strongest confirmation came.
  virtual void exchange(const Confirm& confirm) = 0;
  // Takes leave of the broker; nothing is called afterwards.
  virtual void close() noexcept = 0;

  // Which of its queues or partitions, if one can stand still while others do not. For people, too.
  virtual std::string place(const Delivery&) const { return {}; }
  // Whether there are others, which may do well then.
  virtual bool has_several_places() const { return false; }
  virtual int socket() const = 0;                        // readable: exchange() has something to do
  virtual bool wants_to_write() const { return false; }  // also when it is writable
  // exchange() is to be called at least this often.
  virtual std::chrono::milliseconds heartbeat() const = 0;
  // Why the broker keeps us waiting, if it said so; else empty.
  virtual std::string hindrance() const { return {}; }
  virtual const BrokerReport& report() const = 0;
};

// Connects, logs in and looks at what the broker promises; each step within the time-out. Throws
// LinkError.
using OpenLink = std::function<std::unique_ptr<BrokerLink>()>;

struct BrokerThreadSettings {
  std::string handler;                      // its name, for the log
  std::string place;                        // the broker's, for the log
  std::chrono::milliseconds timeout{5000};  // of each confirmation
};

// One thread and one connection, which is made at once and again, with back-off, whenever there is
// something to hand over. Where something was not confirmed in time and nothing after it was, the
// connection may be sick: it is dropped, with all that waits for confirmation. Where others were,
// its place is: it alone has failed. What was in vain once more at a place that stands already
// costs a connection ever more seldom.
std::unique_ptr<Sink> make_broker_sink(OpenLink open, BrokerThreadSettings settings, Clock& clock,
                                       Log& log);

}  // namespace wxpush::sink
