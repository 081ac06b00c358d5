#pragma once
// A connection to RabbitMQ with a channel for each partition, over librabbitmq, which only this
// pair of files sees. Not thread-safe. Everything may throw LinkError.

#include "handlers/sink/amqp.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace wxpush::sink {

using AmqpChannel = std::uint16_t;  // from 1

struct AmqpMessage {
  AmqpChannel channel = 1;
  std::string exchange, routing_key;
  Headers headers;
  std::string id;  // message-id
  std::string_view body;
};

// What the broker says of its own accord.
struct AmqpVerdict {
  AmqpChannel channel = 1;
  std::uint64_t tag = 0;  // the n-th message published over this channel, from 1
  bool multiple = false;  // and all before it
  bool accepted = false;
};
struct AmqpReturn {  // of a mandatory message that no queue takes
  std::string id;    // its message-id
  std::string why;
};
struct AmqpBlocked {
  std::string reason;  // empty: no longer
};
using AmqpSaid = std::variant<AmqpVerdict, AmqpReturn, AmqpBlocked>;

class AmqpConnection {
 public:
  // Connects and logs in within the settings' time-out.
  AmqpConnection(const AmqpSettings& settings, const BrokerHost& host);
  ~AmqpConnection();
  AmqpConnection(const AmqpConnection&) = delete;
  AmqpConnection& operator=(const AmqpConnection&) = delete;

  bool has_queue(const std::string& name);
  // With one active consumer at a time; one of another kind is an error. False: somebody made it
  // without that bound.
  bool declare_quorum_queue(const std::string& name);
  void require_exchange(const std::string& name);  // that is there
  // Opens channels 1 to `count`, on each of which messages are confirmed. RabbitMQ lets a channel
  // stand still whose queue has lost its majority (seen with 3.10.8), and no other.
  void confirm_select(AmqpChannel count);
  // Whether we may publish there, by a message that is taken back before anyone sees it.
  void try_to_write(const std::string& exchange);
  void publish(const AmqpMessage& message);
  std::optional<AmqpSaid> receive();  // does not wait
  void close() noexcept;
  int socket() const noexcept;
  // Of a message; with more it would break the connection.
  std::size_t most_header_bytes() const noexcept;

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace wxpush::sink
