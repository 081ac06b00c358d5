// [[handler]] of the types amqp, redis and kafka. No text made here may hold a secret.
#include "config/sections.h"
#include "config/values.h"

#include <algorithm>
#include <charconv>

namespace wxpush::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint32_t most_partitions = 256;

bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 253 && consists_of(host, "aA0.-_:");
}

// "host", "host:5672" or "[::1]:5672".
std::optional<BrokerHost> parse_host(std::string_view text, std::uint16_t port) {
  BrokerHost host;
  host.port = port;
  const auto bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const auto colon = bracket == std::string_view::npos ? text.find(':') : text.find(':', bracket);
  host.host =
      bracket == std::string_view::npos ? text.substr(0, colon) : text.substr(1, bracket - 1);
  if (!is_host(host.host)) return std::nullopt;
  if (colon == std::string_view::npos)
    return bracket == std::string_view::npos || bracket + 1 == text.size() ? std::optional(host)
                                                                           : std::nullopt;
  if (bracket != std::string_view::npos && colon != bracket + 1) return std::nullopt;
  const auto* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + colon + 1, end, host.port);
  const bool is_good = parsed.ec == std::errc() && parsed.ptr == end && host.port != 0;
  return is_good ? std::optional(host) : std::nullopt;
}

struct Ports {
  std::uint16_t plain, tls;
};

void read_hosts(Section& section, Ports ports, std::size_t most, bool unix_too, Broker& into) {
  const auto port = into.tls ? ports.tls : ports.plain;
  const auto example = "\"127.0.0.1:" + std::to_string(port) + "\"";
  const auto list = section.list("hosts", "an array of hosts such as " + example, most);
  if (!section.find("hosts"))
    section.missing("hosts", "say where the broker is, such as [" + example + "]");
  if (!list) return;
  if (list->items.empty()) section.problem("hosts", "lists nothing; say where the broker is");
  for (const auto& item : list->items) {
    if (unix_too && item.value.starts_with("unix:")) {
      into.hosts.push_back(
          {resolve({item.origin, item.value.substr(5), item.is_variable}).string(), 0});
    } else if (auto host = parse_host(item.value, port)) {
      into.hosts.push_back(std::move(*host));
    } else {
      section.loading().problem(item.origin, quote_short(item.value) +
                                                 " is no host; write a name or an address, and a "
                                                 "port, such as " +
                                                 example);
    }
  }
}

std::string check_password(std::string_view password) {
  const bool is_good = password.size() <= 1024 && password.find('\0') == std::string_view::npos;
  return is_good ? "" : "is no password: it is too long, or holds a zero byte";
}

void read_user(Section& section, Broker& into) {
  if (const auto user = section.text("user", "text in double quotes")) into.user = user->value;
  into.password = read_secret(section, "password", check_password).value;
}

// What only TLS can use is said to be of no use without.
void read_tls(Section& section, Broker& into) {
  section.flag("tls", into.tls);
  section.path("ca_file", into.ca_file);
  read_client_certificate(section, into.certificate, into.private_key);
  if (into.tls) return;
  for (const char* const key : {"ca_file", "certificate"}) {
    if (section.find(key)) section.problem(key, "is of no use without tls = true");
  }
}

void read_common(Section& section, Broker& into) {
  read_user(section, into);
  section.duration("timeout", into.timeout, {milliseconds{100}, minutes{1}});
  read_signing_secrets(section, into.secrets);
}

// A name in a broker: printable ASCII without white space.
void read_broker_name(Section& section, std::string_view key, std::size_t most, std::string& into) {
  const auto given = section.text(key, "text in double quotes");
  if (!given) return;
  const auto& name = given->value;
  const bool is_good = !name.empty() && name.size() <= most &&
                       std::ranges::all_of(name, [](char c) { return c > 0x20 && c < 0x7F; });
  if (!is_good) {
    section.problem(key, quote_short(name) + " is no name; it has 1 to " + std::to_string(most) +
                             " printable characters of ASCII");
    return;
  }
  into = name;
}

// As Kafka's own tools take it.
void read_topic(Section& section, std::string& into) {
  const auto given = section.text("topic", "text in double quotes");
  if (!given) return;
  const auto& name = given->value;
  const bool is_good = !name.empty() && name.size() <= 249 && consists_of(name, "aA0._-") &&
                       name != "." && name != "..";
  if (!is_good) {
    section.problem("topic", quote_short(name) +
                                 " is no topic; it has 1 to 249 letters, digits, \".\", \"_\" or "
                                 "\"-\"");
    return;
  }
  into = name;
}

void read_sasl(Section& section, KafkaTarget& into) {
  section.choice("sasl", into.sasl, kafka_sasl_names);
  if (into.sasl != KafkaSasl::none) {
    if (into.user.empty() || into.password.empty())
      section.missing("user", "sasl needs a user and a password (or password_file)");
    return;
  }
  for (const char* const key : {"user", "password", "password_file"}) {
    if (section.find(key))
      section.problem(key, "is of no use without sasl, such as \"scram-sha-512\"");
  }
}

// Only what is replaced may stand in braces.
std::string check_routing_key(const std::string& pattern) {
  if (pattern.empty() || pattern.size() > 255) return "must have 1 to 255 characters";
  for (auto at = pattern.find('{'); at != std::string::npos; at = pattern.find('{', at + 1)) {
    const auto end = pattern.find('}', at);
    const auto name = end == std::string::npos ? "" : pattern.substr(at + 1, end - at - 1);
    if (name != "app" && name != "appid" && name != "type" && name != "partition")
      return "may hold {app}, {appid}, {type} and {partition}, nothing else in braces";
  }
  return {};
}

void read_destination(Section& section, AmqpTarget& into) {
  const bool has_exchange = section.find("exchange").has_value();
  if (!has_exchange) {
    into.queue = "wxpush";
    read_broker_name(section, "queue", 200, into.queue);
    if (section.find("routing_key"))
      section.problem("routing_key", "is of no use without exchange: a queue is found by its name");
    return;
  }
  if (section.find("queue"))
    section.problem("queue", "stands beside exchange; give the one or the other");
  if (const auto exchange = section.text("exchange", "text in double quotes"))
    into.exchange = exchange->value;
  const auto pattern = section.text("routing_key", "text such as \"wx.{app}.{type}\"");
  if (!section.find("routing_key"))
    section.missing("routing_key", "the exchange needs one, such as \"wx.{app}.{type}\"");
  if (!pattern) return;
  into.routing_key = pattern->value;
  if (const auto wrong = check_routing_key(into.routing_key); !wrong.empty())
    section.problem("routing_key", wrong);
}

}  // namespace

void read_amqp(Section& section, AmqpTarget& into) {
  into.user = "guest";
  read_tls(section, into);
  read_hosts(section, {5672, 5671}, 16, false, into);
  read_common(section, into);
  read_broker_name(section, "vhost", 255, into.vhost);
  read_destination(section, into);
  section.number("partitions", into.partitions, {1, most_partitions});
  section.seconds("heartbeat", into.heartbeat, {seconds{2}, minutes{1}});
}

void read_redis(Section& section, RedisTarget& into) {
  if (section.find("tls"))
    section.problem("tls",
                    "is not there for redis: the library has none; use a unix socket, or a tunnel");
  read_hosts(section, {6379, 6379}, 1, true, into);
  read_common(section, into);
  section.number("database", into.database, {0, 1'000'000});
  read_broker_name(section, "stream", 200, into.stream);
  section.number("partitions", into.partitions, {1, most_partitions});
  section.seconds("seen_for", into.seen_for, {minutes{1}, hours{24 * 3650}});
  section.number("replicas", into.replicas, {0, 100});
}

void read_kafka(Section& section, KafkaTarget& into) {
  read_tls(section, into);
  read_hosts(section, {9092, 9093}, 16, false, into);
  read_common(section, into);
  read_topic(section, into.topic);
  read_sasl(section, into);
}

}  // namespace wxpush::config
