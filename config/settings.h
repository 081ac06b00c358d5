#pragma once
// The settings in force, checked and complete: whoever holds a Settings need not check it again.
// Every setting is explained in config/wxpush.example.toml; here stand its type, unit and default.

#include "config/secret.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace wxpush::config {

using Milliseconds = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

struct TcpAddress {
  std::string host;        // numeric address, "0.0.0.0" or "::" for all
  std::uint16_t port = 0;  // 0 = any free port (tests)
  friend bool operator==(const TcpAddress&, const TcpAddress&) = default;
};
struct UnixAddress {
  std::filesystem::path path;
  friend bool operator==(const UnixAddress&, const UnixAddress&) = default;
};
using ListenAddress = std::variant<TcpAddress, UnixAddress>;
std::string to_string(const ListenAddress& address);

// An IP network in CIDR form; the bits below the prefix are zero.
struct Network {
  std::string text;                        // as written, normalised
  std::array<std::uint8_t, 16> address{};  // IPv4 as IPv4-mapped IPv6
  int prefix = 128;                        // in the 128-bit form
  bool contains(const std::array<std::uint8_t, 16>& mapped_address) const noexcept;
  friend bool operator==(const Network&, const Network&) = default;
};

struct TlsFiles {
  std::filesystem::path certificate;
  std::filesystem::path private_key;
  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

struct Server {
  std::vector<ListenAddress> listen{TcpAddress{"0.0.0.0", 8443}};
  std::uint32_t threads = 0;    // 0 = one per core; 1..256
  std::optional<TlsFiles> tls;  // nullopt = tls = "off"
  std::vector<Network> trusted_proxies;
  std::uint32_t max_connections = 20000;
  std::uint32_t max_connections_per_address =
      512;  // not applied to trusted_proxies and unix sockets
  Milliseconds handshake_timeout{5000};
  Milliseconds header_timeout{3000};
  Milliseconds idle_timeout{75000};
  Milliseconds request_deadline{3500};  // below WeChat's 5 s
  std::uint64_t max_header = 16ULL * 1024;
  std::uint64_t max_body = 1024ULL * 1024;
  std::uint64_t max_bodies =
      64ULL * 1024 * 1024;  // of those above 16 KiB, all connections together
  Milliseconds drain{4000};
  // Pushes whose timestamp is further from now than this are refused; 0 = no bound (the default: a
  // retry may carry an old timestamp).
  Seconds max_push_age{0};
};

struct Admin {
  std::optional<ListenAddress> listen{TcpAddress{"127.0.0.1", 9090}};  // nullopt = "off"
  std::filesystem::path socket;  // empty = admin.sock in the store
};

// "80%" of the file system, or a number of bytes.
struct SizeLimit {
  std::uint64_t bytes = 0;  // if percent == 0
  int percent = 0;          // 1..100
  friend bool operator==(const SizeLimit&, const SizeLimit&) = default;
};

// A file that holds one key, as 64 hexadecimal digits, and the 32 bytes that they are.
struct KeyFile {
  std::filesystem::path path;
  Secret key;
  friend bool operator==(const KeyFile&, const KeyFile&) = default;
};

struct Store {
  std::filesystem::path path{"/var/lib/wxpush"};
  Seconds retention{std::chrono::hours{24 * 7}};
  Seconds min_retention{std::chrono::hours{24}};  // <= retention
  SizeLimit max_size{0, 80};
  std::uint64_t min_free = 1024ULL * 1024 * 1024;
  std::uint32_t append_queue = 8192;
  std::uint64_t append_queue_bytes = 64ULL * 1024 * 1024;
  // Encryption of bodies at rest: the one that seals, and those that still open.
  std::optional<KeyFile> encryption_key;
  std::vector<KeyFile> old_encryption_keys;
};

// Orders past these limits are silent (docs/events.md): by order_status, at most
// store.min_retention each. Empty: none is watched.
struct Orders {
  std::map<int, Milliseconds> silent_after;
};

enum class LogFormat { json, text };
enum class Level { debug, info, warning, error };
struct Logging {
  Level level = Level::info;
  LogFormat format = LogFormat::json;
};

struct Key {
  std::string name;         // "default" for the app's own pair; else as given; unique in the app
  Secret token;             // 1..128 characters
  Secret encoding_aes_key;  // 43 characters
  friend bool operator==(const Key&, const Key&) = default;
};

// When a push is acknowledged (docs/queues.md): once it is durable here, or once a broker has it,
// too. The last two differ in what is promised, not yet in what is done.
enum class AckAfter { local, broker, both };

enum class Reply { automatic, success, empty };
enum class Quarantine { off, unopened, all };

// An HTTP service that is posted to (handlers/sink/http_client.h).
struct BackEnd {
  std::string url;                // checked: http, https or unix
  std::filesystem::path ca_file;  // empty: the system's authorities
  bool allow_private = false;
  friend bool operator==(const BackEnd&, const BackEnd&) = default;
};

enum class RouteMode { forward };
// Which of an app's pushes another service answers.
struct Route : BackEnd {
  std::vector<std::string> events;  // lower-case types, a trailing * allowed; at least one
  RouteMode mode = RouteMode::forward;
  bool store = false;  // also keep what is forwarded, for the handlers
  friend bool operator==(const Route&, const Route&) = default;
};

struct App {
  std::string name;
  std::string appid;
  std::vector<std::string>
      paths;              // push paths: always /wx/{name}, then those given; unique over all apps
  std::vector<Key> keys;  // at least one; newest first
  Reply reply = Reply::automatic;          // for events not named in reply_for
  std::map<std::string, Reply> reply_for;  // lower-case Event
  Quarantine quarantine = Quarantine::unopened;
  AckAfter ack_after = AckAfter::local;
  std::string ack_handler;    // the broker's, unless local
  std::vector<Route> routes;  // the first that matches counts
  friend bool operator==(const App&, const App&) = default;
};

enum class HandlerType { log, http, amqp, redis, kafka };
// Whether this build has it: those of brokers are optional.
bool is_built_in(HandlerType type) noexcept;
inline bool is_broker(HandlerType type) noexcept {
  return type == HandlerType::amqp || type == HandlerType::redis || type == HandlerType::kafka;
}
// What a handler of type http needs (handlers/sink/http_sink.h).
struct HttpTarget : BackEnd {
  std::vector<Secret> secrets;  // the keys themselves, 24 to 64 bytes each
  std::vector<std::pair<std::string, Secret>> headers;
  Milliseconds timeout{5000};
  std::filesystem::path certificate, private_key;  // empty: none
  std::vector<std::uint32_t> permanent{410, 422};
  friend bool operator==(const HttpTarget&, const HttpTarget&) = default;
};

// What the handlers of brokers have in common (handlers/sink/broker.h).
struct BrokerHost {
  std::string host;  // a name or an address; of Redis also the path of a unix socket, port 0
  std::uint16_t port = 0;
  friend bool operator==(const BrokerHost&, const BrokerHost&) = default;
};
struct Broker {
  std::vector<BrokerHost> hosts;
  bool tls = false;
  std::filesystem::path ca_file;                   // empty: the system's authorities
  std::filesystem::path certificate, private_key;  // empty: none
  std::string user;
  Secret password;
  Milliseconds timeout{5000};
  std::vector<Secret> secrets;  // the keys themselves, as of http
  friend bool operator==(const Broker&, const Broker&) = default;
};
struct AmqpTarget : Broker {
  std::string vhost = "/";
  std::string queue;                  // or else the next two
  std::string exchange, routing_key;  // "" is the default exchange
  std::uint32_t partitions = 1;
  Seconds heartbeat{10};
  friend bool operator==(const AmqpTarget&, const AmqpTarget&) = default;
};
struct RedisTarget : Broker {
  std::uint32_t database = 0;
  std::string stream = "wxpush:events";
  std::uint32_t partitions = 1;
  Seconds seen_for{std::chrono::hours{24 * 7}};
  std::uint32_t replicas = 0;
  friend bool operator==(const RedisTarget&, const RedisTarget&) = default;
};
enum class KafkaSasl { none, plain, scram_sha_256, scram_sha_512 };
struct KafkaTarget : Broker {
  std::string topic = "wxpush-events";
  KafkaSasl sasl = KafkaSasl::none;
  friend bool operator==(const KafkaTarget&, const KafkaTarget&) = default;
};

enum class OnDead { go_on, hold };
enum class Dedupe { event_id, business_key };  // what counts as the same event
enum class From { automatic, now, oldest };    // automatic: oldest on an empty store, else now

struct Handler {
  std::string name;
  HandlerType type = HandlerType::log;
  std::vector<std::string> apps;  // names; empty = all
  // Lower-case types, a trailing * allowed; empty = all that WeChat pushes.
  std::vector<std::string> events;
  From from = From::automatic;
  std::string renamed_from;       // the handler whose place in the queue this one takes over
  std::uint32_t concurrency = 1;  // lanes at once; of http 16, of brokers 64
  Milliseconds retry_min{500};
  Milliseconds retry_max{30'000};
  std::uint32_t max_attempts = 12;  // that count against an event
  Milliseconds give_up_after{std::chrono::hours{72}};
  OnDead on_dead = OnDead::go_on;
  Dedupe dedupe = Dedupe::event_id;
  Milliseconds max_backlog_age{0};  // what waits longer becomes a dead letter; 0 = no bound
  HttpTarget http;                  // of type http; the next likewise
  AmqpTarget amqp;
  RedisTarget redis;
  KafkaTarget kafka;
  friend bool operator==(const Handler&, const Handler&) = default;
};

struct Settings {
  std::filesystem::path file;  // the main file, absolute
  Server server;
  Admin admin;
  Store store;
  Orders orders;
  Logging log;
  std::vector<App> apps;
  std::vector<Handler> handlers;

  std::filesystem::path admin_socket() const {
    return admin.socket.empty() ? store.path / "admin.sock" : admin.socket;
  }
};

}  // namespace wxpush::config
