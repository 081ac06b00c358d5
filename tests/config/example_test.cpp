// config/wxpush.example.toml is the documentation of every setting: it must load, name all of them,
// and state the true defaults.
#include "tests/config/scratch.h"

#include <iterator>
#include <sstream>

using namespace wxpush::config;
using namespace wxpush::config::test;

namespace {

Settings example() {
  const auto loaded = load(WXPUSH_EXAMPLE_FILE, {});
  if (const auto* problems = std::get_if<std::vector<Problem>>(&loaded)) {
    for (const auto& problem : *problems) FAIL_CHECK(to_string(problem));
  }
  REQUIRE(std::holds_alternative<Settings>(loaded));
  return std::get<Settings>(loaded);
}

std::string example_text() {
  std::ifstream in(WXPUSH_EXAMPLE_FILE);
  return {std::istreambuf_iterator<char>(in), {}};
}

// "# key = value", and the lines of the commented array and entries, unlike prose.
bool is_commented_setting(const std::string& line) {
  if (line.starts_with("#   {") || line == "# ]" || line.starts_with("# [[")) return true;
  if (!line.starts_with("# ")) return false;
  const auto end = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", 2);
  return end != std::string::npos && end > 2 && line.compare(end, 3, " = ") == 0;
}

// The example with its commented settings in force, and without those that they replace; RabbitMQ's
// exchange takes the queue's place, or the other way round.
std::string example_with_comments_in_force(bool with_exchange) {
  std::istringstream in(example_text());
  std::string document;
  for (std::string line; std::getline(in, line);) {
    const bool is_replaced = line.starts_with("token =") ||
                             line.starts_with("encoding_aes_key =") ||
                             line.starts_with("reply = \"") || line == "silent_after = {}" ||
                             line == "ack_after = \"local\"";
    const bool is_queue = line.starts_with("# queue = ");
    const bool is_exchange =
        line.starts_with("# exchange = ") || line.starts_with("# routing_key = ");
    if (is_replaced || (with_exchange ? is_queue : is_exchange)) continue;
    document += (is_commented_setting(line) ? line.substr(2) : line) + "\n";
  }
  const std::string folder = "/run/secrets/";
  for (auto at = document.find(folder); at != std::string::npos; at = document.find(folder)) {
    document.erase(at, folder.size());
  }
  return document;
}

// With something in every member that is not printed while it is empty.
std::vector<Handler> one_of_each_broker() {
  Broker broker;
  broker.ca_file = broker.certificate = broker.private_key = "/a.pem";
  broker.user = "user";
  Handler amqp{.name = "amqp", .type = HandlerType::amqp};
  static_cast<Broker&>(amqp.amqp) = broker;
  amqp.amqp.queue = "queue";
  Handler exchange = amqp;
  exchange.amqp.queue.clear();
  Handler redis{.name = "redis", .type = HandlerType::redis};
  static_cast<Broker&>(redis.redis) = broker;
  Handler kafka{.name = "kafka", .type = HandlerType::kafka};
  static_cast<Broker&>(kafka.kafka) = broker;
  return {amqp, exchange, redis, kafka};
}

// What the commented settings show must be the default where the text says nothing else.
void check_defaults_of_brokers(const Settings& settings) {
  const auto& amqp = settings.handlers.at(2).amqp;
  CHECK(amqp.timeout == Broker().timeout);
  CHECK(amqp.vhost == AmqpTarget().vhost);
  CHECK(amqp.queue == "wxpush");
  CHECK(amqp.partitions == AmqpTarget().partitions);
  CHECK(amqp.heartbeat == AmqpTarget().heartbeat);
  const auto& redis = settings.handlers.at(3).redis;
  CHECK(redis.database == RedisTarget().database);
  CHECK(redis.stream == RedisTarget().stream);
  CHECK(redis.partitions == RedisTarget().partitions);
  CHECK(redis.seen_for == RedisTarget().seen_for);
  CHECK(redis.replicas == RedisTarget().replicas);
  CHECK(settings.handlers.at(4).kafka.topic == KafkaTarget().topic);
}

}  // namespace

TEST_CASE("the example loads as it stands") {
  const auto settings = example();
  CHECK(settings.apps.size() == 1);
  CHECK(settings.handlers.size() == 2);
}

TEST_CASE("the example states the defaults of [server], [admin], [store], [orders] and [log]") {
  const auto shown = example();
  Settings defaults;
  defaults.server.tls = shown.server.tls;  // it has none
  defaults.apps = shown.apps;
  defaults.handlers = shown.handlers;
  CHECK(to_toml(shown) == to_toml(defaults));
}

TEST_CASE("the example names every setting that there is") {
  const std::string text = "\n" + example_text();
  auto settings = example();
  settings.handlers[0].renamed_from = "old-name";
  settings.apps[0].routes.emplace_back();
  settings.apps[0].ack_after = AckAfter::both;
  settings.store.encryption_key.emplace();
  for (auto& handler : one_of_each_broker()) settings.handlers.push_back(std::move(handler));
  std::istringstream lines(to_toml(settings));
  int count = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto key = line.substr(0, line.find(" ="));
    if (key.empty()) continue;
    ++count;
    const std::string found = key[0] == '[' ? key : key + " =";
    CHECK_MESSAGE((text.find("\n" + found) != std::string::npos ||
                   text.find("\n# " + found) != std::string::npos),
                  key, " is not in the example");
  }
  CHECK(count > 30);
}

TEST_CASE("the example's commented settings are settings too") {
  for (const auto type : {HandlerType::amqp, HandlerType::redis, HandlerType::kafka}) {
    if (!is_built_in(type)) return;  // then the example's brokers are no settings of this build
  }
  const Scratch scratch;
  for (const std::string broker : {"rabbitmq", "redis", "kafka"})
    scratch.write(broker + "_password", "password");
  scratch.write("token-11", "token-of-november");
  scratch.write("wx_token", "token-of-may");
  scratch.write("aes-11", aes_key);
  scratch.write("aes-05", other_aes_key);
  scratch.write("wx_encoding_aes_key", aes_key);
  scratch.write("store_key", std::string(64, '0'));
  scratch.write("store_key_2026", std::string(64, '1'));
  const auto settings = scratch.settings(example_with_comments_in_force(false));
  CHECK(settings.apps.at(0).keys.size() == 3);
  CHECK(settings.apps.at(0).reply_for.size() == 1);
  CHECK(settings.orders.silent_after.size() == 3);
  CHECK(settings.store.encryption_key.has_value());
  CHECK(settings.store.old_encryption_keys.size() == 1);
  CHECK(settings.handlers.at(0).renamed_from == "old-name");
  REQUIRE(settings.apps.at(0).routes.size() == 1);
  CHECK(settings.apps.at(0).routes[0].store);
  CHECK(settings.apps.at(0).ack_after == AckAfter::broker);
  REQUIRE(settings.handlers.size() == 5);
  check_defaults_of_brokers(settings);
  CHECK(scratch.settings(example_with_comments_in_force(true)).handlers.at(2).amqp.exchange ==
        "wechat");
}
