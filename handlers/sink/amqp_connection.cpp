#include "handlers/sink/amqp_connection.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <set>
#include <sys/socket.h>
#include <sys/time.h>
#include <utility>
#include <vector>

namespace wxpush::sink {
namespace {

using std::chrono::milliseconds;

constexpr amqp_channel_t channel = 1;  // for all but publishing
constexpr int frame_max = 131'072;
constexpr int most_channels = 256;              // as many as partitions can be configured
constexpr std::size_t other_properties = 1024;  // of a message, beside its headers
// What is left of the connection's time when it is left: the answer is of no use to anyone.
constexpr milliseconds farewell{300};
constexpr const char* system_authorities = "/etc/ssl/certs/ca-certificates.crt";

timeval to_timeval(milliseconds time) {
  timeval value{};
  value.tv_sec = static_cast<decltype(value.tv_sec)>(time.count() / 1000);
  value.tv_usec = static_cast<decltype(value.tv_usec)>(time.count() % 1000 * 1000);
  return value;
}

// The bytes stay the caller's.
amqp_bytes_t bytes_of(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};  // NOLINT(*-const-cast): it is only read
}

std::string text_of(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

[[noreturn]] void fail(const std::string& what, int status) {
  throw LinkError(what + ": " + amqp_error_string2(status));
}

void require(int status, const std::string& what) {
  if (status != AMQP_STATUS_OK) fail(what, status);
}

std::string reason_of(amqp_method_number_t id, void* decoded) {
  if (id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto& close = *static_cast<amqp_channel_close_t*>(decoded);
    return std::to_string(close.reply_code) + ' ' + text_of(close.reply_text);
  }
  if (id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto& close = *static_cast<amqp_connection_close_t*>(decoded);
    return std::to_string(close.reply_code) + ' ' + text_of(close.reply_text);
  }
  return "an unexpected answer";
}

amqp_table_entry_t entry(std::string_view name, std::string_view value) {
  amqp_table_entry_t made{};
  made.key = bytes_of(name);
  made.value.kind = AMQP_FIELD_KIND_UTF8;
  made.value.value.bytes = bytes_of(value);
  return made;
}

amqp_table_entry_t flag(std::string_view name) {
  amqp_table_entry_t made{};
  made.key = bytes_of(name);
  made.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  made.value.value.boolean = 1;
  return made;
}

amqp_table_t table_of(std::vector<amqp_table_entry_t>& entries) {
  return {static_cast<int>(entries.size()), entries.data()};
}

}  // namespace

struct AmqpConnection::Library {
  amqp_connection_state_t state = amqp_new_connection();
  std::string return_reason;
  std::set<amqp_channel_t> returning;  // on which the header of a returned message is to come

  Library() {
    if (state == nullptr) throw LinkError("out of memory");
  }
  ~Library() { amqp_destroy_connection(state); }  // closes the socket
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  // Of the last call that waits for an answer.
  void require_answer(const std::string& what) const {
    require_answer(amqp_get_rpc_reply(state), what);
  }
  static void require_answer(const amqp_rpc_reply_t& reply, const std::string& what) {
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION)
      throw LinkError(what + ": " + reason_of(reply.reply.id, reply.reply.decoded));
    fail(what, reply.library_error);
  }

  void open(const BrokerAccess& access, const BrokerHost& host) const {
    auto* const socket = access.tls ? amqp_ssl_socket_new(state) : amqp_tcp_socket_new(state);
    if (socket == nullptr) throw LinkError("out of memory");
    if (access.tls) secure(*socket, access);
    auto timeout = to_timeval(access.timeout);
    require(amqp_set_handshake_timeout(state, &timeout), "time-out");
    require(amqp_set_rpc_timeout(state, &timeout), "time-out");
    require(amqp_socket_open_noblock(socket, host.host.c_str(), host.port, &timeout),
            "no connection");
    // A broker that reads no more (it does so when it is short of memory) holds nobody for ever.
    const auto limit = static_cast<unsigned>(access.timeout.count());
    setsockopt(amqp_get_sockfd(state), IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof limit);
  }

  static void secure(amqp_socket_t& socket, const BrokerAccess& access) {
    const auto authorities =
        access.ca_file.empty() ? std::string(system_authorities) : access.ca_file.string();
    require(amqp_ssl_socket_set_cacert(&socket, authorities.c_str()), "ca_file " + authorities);
    amqp_ssl_socket_set_verify_peer(&socket, 1);
    amqp_ssl_socket_set_verify_hostname(&socket, 1);
    require(amqp_ssl_socket_set_ssl_versions(&socket, AMQP_TLSv1_2, AMQP_TLSvLATEST), "TLS");
    if (access.certificate.empty()) return;
    require(
        amqp_ssl_socket_set_key(&socket, access.certificate.c_str(), access.private_key.c_str()),
        "certificate " + access.certificate.string());
  }

  void log_in(const AmqpSettings& settings) const {
    // With these it says why it refuses a user, and that it takes no messages for now.
    std::vector<amqp_table_entry_t> can{flag("authentication_failure_close"),
                                        flag("connection.blocked")};
    amqp_table_entry_t capabilities{};
    capabilities.key = bytes_of("capabilities");
    capabilities.value.kind = AMQP_FIELD_KIND_TABLE;
    capabilities.value.value.table = table_of(can);
    std::vector<amqp_table_entry_t> about{entry("connection_name", "wxpush"), capabilities};
    const auto properties = table_of(about);
    const auto& access = settings.access;
    require_answer(amqp_login_with_properties(
                       state, settings.vhost.c_str(), most_channels, frame_max,
                       static_cast<int>(settings.heartbeat.count()), &properties,
                       AMQP_SASL_METHOD_PLAIN, access.user.c_str(), access.password.c_str()),
                   "login as " + access.user + ", virtual host " + settings.vhost);
    open_channel(channel);
  }

  void open_channel(AmqpChannel number) const {
    amqp_channel_open(state, number);
    require_answer("channel");
  }

  bool has_queue(const std::string& name) const {
    amqp_queue_declare(state, channel, bytes_of(name), 1, 0, 0, 0, amqp_empty_table);
    return succeeded("queue " + name, AMQP_NOT_FOUND);
  }

  void declare_queue(const std::string& name, std::vector<amqp_table_entry_t> arguments) const {
    amqp_queue_declare(state, channel, bytes_of(name), 0, 1, 0, 0, table_of(arguments));
  }

  // False: the last call was refused by this code, which costs the channel.
  bool succeeded(const std::string& what, int refusal) const {
    const auto reply = amqp_get_rpc_reply(state);
    const bool is_refused =
        reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
        reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD &&
        static_cast<amqp_channel_close_t*>(reply.reply.decoded)->reply_code == refusal;
    if (!is_refused) {
      require_answer(reply, what);
      return true;
    }
    amqp_channel_close_ok_t closed{};
    require(amqp_send_method(state, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &closed), "channel");
    open_channel(channel);
    return false;
  }

  // Of a channel that the broker closed, a connection is of no more use to us than of itself.
  std::optional<AmqpSaid> read(const amqp_frame_t& frame) {
    if (frame.frame_type == AMQP_FRAME_HEADER && returning.erase(frame.channel) != 0) {
      const auto* properties =
          static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
      return AmqpReturn{text_of(properties->message_id), return_reason};
    }
    if (frame.frame_type != AMQP_FRAME_METHOD) return std::nullopt;
    void* const decoded = frame.payload.method.decoded;
    switch (frame.payload.method.id) {
      case AMQP_BASIC_ACK_METHOD: {
        const auto& ack = *static_cast<amqp_basic_ack_t*>(decoded);
        return AmqpVerdict{frame.channel, ack.delivery_tag, ack.multiple != 0, true};
      }
      case AMQP_BASIC_NACK_METHOD: {
        const auto& nack = *static_cast<amqp_basic_nack_t*>(decoded);
        return AmqpVerdict{frame.channel, nack.delivery_tag, nack.multiple != 0, false};
      }
      case AMQP_BASIC_RETURN_METHOD: {
        const auto& returned = *static_cast<amqp_basic_return_t*>(decoded);
        returning.insert(frame.channel);
        return_reason = std::to_string(returned.reply_code) + ' ' + text_of(returned.reply_text) +
                        ", exchange \"" + text_of(returned.exchange) + "\", routing key \"" +
                        text_of(returned.routing_key) + '"';
        return std::nullopt;
      }
      case AMQP_CONNECTION_BLOCKED_METHOD:
        return AmqpBlocked{text_of(static_cast<amqp_connection_blocked_t*>(decoded)->reason)};
      case AMQP_CONNECTION_UNBLOCKED_METHOD:
        return AmqpBlocked{};
      case AMQP_CHANNEL_CLOSE_METHOD:  // it took offence at something: at one message, perhaps
        throw LinkError(
            "RabbitMQ closed the channel: " + reason_of(AMQP_CHANNEL_CLOSE_METHOD, decoded),
            Blame::handler);
      case AMQP_CONNECTION_CLOSE_METHOD:
        throw LinkError("RabbitMQ closed the connection: " +
                        reason_of(AMQP_CONNECTION_CLOSE_METHOD, decoded));
      default:
        return std::nullopt;
    }
  }
};

AmqpConnection::AmqpConnection(const AmqpSettings& settings, const BrokerHost& host)
    : library_(std::make_unique<Library>()) {
  library_->open(settings.access, host);
  library_->log_in(settings);
}

AmqpConnection::~AmqpConnection() = default;

bool AmqpConnection::has_queue(const std::string& name) {
  return library_->has_queue(name);
}

bool AmqpConnection::declare_quorum_queue(const std::string& name) {
  const auto type = entry("x-queue-type", "quorum");
  library_->declare_queue(name, {type, flag("x-single-active-consumer")});
  if (library_->succeeded("quorum queue " + name, AMQP_PRECONDITION_FAILED)) return true;
  library_->declare_queue(name, {type});
  library_->require_answer("quorum queue " + name);
  return false;
}

void AmqpConnection::require_exchange(const std::string& name) {
  amqp_exchange_declare(library_->state, channel, bytes_of(name), bytes_of("direct"), 1, 1, 0, 0,
                        amqp_empty_table);
  library_->require_answer("exchange " + name);
}

void AmqpConnection::confirm_select(AmqpChannel count) {
  for (AmqpChannel number = 1; number <= count; ++number) {
    if (number != channel) library_->open_channel(number);
    amqp_confirm_select(library_->state, number);
    library_->require_answer("publisher confirms");
  }
}

void AmqpConnection::try_to_write(const std::string& exchange) {
  amqp_tx_select(library_->state, channel);
  library_->require_answer("transaction");
  AmqpMessage nothing;
  nothing.exchange = exchange;
  publish(nothing);
  amqp_tx_rollback(library_->state, channel);
  library_->require_answer("publishing to exchange \"" + exchange + '"');
}

void AmqpConnection::publish(const AmqpMessage& message) {
  std::vector<amqp_table_entry_t> entries;
  entries.reserve(message.headers.size());
  amqp_basic_properties_t properties{};
  for (const auto& [name, value] : message.headers) {
    entries.push_back(entry(name, value));
    if (name != "content-type") continue;
    properties._flags |= AMQP_BASIC_CONTENT_TYPE_FLAG;
    properties.content_type = bytes_of(value);
  }
  properties._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                       AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_APP_ID_FLAG;
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  properties.message_id = bytes_of(message.id);
  properties.app_id = bytes_of("wxpush");
  properties.headers = table_of(entries);
  constexpr amqp_boolean_t mandatory = 1;
  require(amqp_basic_publish(library_->state, message.channel, bytes_of(message.exchange),
                             bytes_of(message.routing_key), mandatory, 0, &properties,
                             bytes_of(message.body)),
          "connection lost");
}

std::optional<AmqpSaid> AmqpConnection::receive() {
  for (;;) {
    amqp_maybe_release_buffers(library_->state);
    amqp_frame_t frame{};
    timeval now{};
    const int status = amqp_simple_wait_frame_noblock(library_->state, &frame, &now);
    if (status == AMQP_STATUS_TIMEOUT) return std::nullopt;
    require(status, "connection lost");
    if (auto said = library_->read(frame)) return said;
  }
}

std::size_t AmqpConnection::most_header_bytes() const noexcept {
  const auto frame = static_cast<std::size_t>(amqp_get_frame_max(library_->state));
  return frame > other_properties ? frame - other_properties : 0;
}

void AmqpConnection::close() noexcept {
  const auto timeout = to_timeval(farewell);
  amqp_set_rpc_timeout(library_->state, &timeout);
  amqp_connection_close(library_->state, AMQP_REPLY_SUCCESS);
}

int AmqpConnection::socket() const noexcept {
  return amqp_get_sockfd(library_->state);
}

}  // namespace wxpush::sink
