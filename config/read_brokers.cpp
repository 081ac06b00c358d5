// [[handler]] of the types amqp, redis and kafka. No text made here may hold a secret.
#include "config/sections.h"
#include "config/values.h"

#include <algorithm>

namespace wxpush::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint32_t most_partitions = 256;

std::string check_password(std::string_view password) {
  if (password.empty()) return "is empty";
  const bool is_good = password.size() <= 1024 && password.find('\0') == std::string_view::npos;
  return is_good ? "" : "is no password: it is too long, or holds a zero byte";
}

// Whether each is given; a wrong value is told here.
struct GivenUser {
  bool user, password;
};

GivenUser read_user(Section& section, Broker& into) {
  const bool has_user = section.find("user").has_value();
  if (const auto user = section.text("user", "text in double quotes")) {
    if (user->value.empty()) section.problem("user", "is empty");
    into.user = user->value;
  }
  auto password = read_secret(section, "password", check_password);
  into.password = std::move(password.value);
  return {has_user, password.is_given};
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
                             " printable characters of ASCII, and no space");
    return;
  }
  into = name;
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

// "" is the default exchange.
void read_exchange(Section& section, std::string& into) {
  const auto exchange = section.text("exchange", "text in double quotes");
  if (exchange && exchange->value.empty()) return;
  read_broker_name(section, "exchange", 255, into);
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
  read_exchange(section, into.exchange);
  const auto pattern = section.text("routing_key", "text such as \"wx.{app}.{type}\"");
  if (!section.find("routing_key"))
    section.missing("routing_key", "the exchange needs one, such as \"wx.{app}.{type}\"");
  if (!pattern) return;
  into.routing_key = pattern->value;
  if (const auto wrong = check_routing_key(into.routing_key); !wrong.empty())
    section.problem("routing_key", wrong);
}

void read_partitions(Section& section, AmqpTarget& into) {
  section.number("partitions", into.partitions, {1, most_partitions});
  const bool is_used = !into.queue.empty() || into.routing_key.empty() ||
                       into.routing_key.find("{partition}") != std::string::npos;
  if (into.partitions > 1 && !is_used)
    section.problem("partitions", "is of no use: there is no {partition} in routing_key");
}

// As Kafka's own tools take it.
void read_topic(Section& section, std::string& into) {
  constexpr std::size_t longest = 249;
  const auto topic = section.text("topic", "text in double quotes");
  if (!topic) return;
  const auto& name = topic->value;
  const bool is_good = !name.empty() && name.size() <= longest && name != "." && name != ".." &&
                       consists_of(name, "aA0._-");
  if (is_good) {
    into = name;
  } else {
    section.problem("topic", quote_short(name) + " is no topic; it has 1 to " +
                                 std::to_string(longest) +
                                 " letters, digits, \".\", \"_\" or \"-\"");
  }
}

void read_sasl(Section& section, KafkaTarget& into) {
  section.choice("sasl", into.sasl, kafka_sasl_names);
  const auto given = read_user(section, into);
  if (into.sasl == KafkaSasl::none) {
    for (const char* const key : {"user", "password", "password_file"}) {
      if (section.find(key))
        section.problem(key, "is of no use without sasl, such as sasl = \"scram-sha-512\"");
    }
    return;
  }
  if (!given.user) section.missing("user", "sasl needs one");
  if (!given.password) section.missing("password", "sasl needs it (or password_file)");
}

}  // namespace

void read_amqp(Section& section, AmqpTarget& into) {
  into.user = "guest";
  read_tls(section, into);
  read_broker_hosts(section, {.port = 5672, .tls_port = 5671, .most = 16}, into);
  if (!read_user(section, into).password)
    section.missing("password", "give it, or password_file: RabbitMQ lets nobody in without");
  read_common(section, into);
  read_broker_name(section, "vhost", 255, into.vhost);
  read_destination(section, into);
  read_partitions(section, into);
  section.seconds("heartbeat", into.heartbeat, {seconds{2}, minutes{1}});
}

void read_redis(Section& section, RedisTarget& into) {
  if (section.find("tls"))
    section.problem("tls",
                    "is not there for redis: the library has none; use a unix socket, or a tunnel");
  read_broker_hosts(section, {.port = 6379, .tls_port = 6379, .most = 1, .sockets_too = true},
                    into);
  read_user(section, into);  // there are users without a password
  read_common(section, into);
  section.number("database", into.database, {0, 1'000'000});
  read_broker_name(section, "stream", 200, into.stream);
  section.number("partitions", into.partitions, {1, most_partitions});
  section.seconds("seen_for", into.seen_for, {minutes{1}, hours{24 * 3650}});
  section.number("replicas", into.replicas, {0, 100});
}

void read_kafka(Section& section, KafkaTarget& into) {
  read_tls(section, into);
  read_broker_hosts(section, {.port = 9092, .tls_port = 9093, .most = 16}, into);
  read_sasl(section, into);
  read_common(section, into);
  read_topic(section, into.topic);
}

}  // namespace wxpush::config
