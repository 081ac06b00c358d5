// [[handler]] of type kafka.
#include "tests/config/mistakes.h"

using namespace wxpush::config;
using namespace wxpush::config::test;

namespace {

// Lines 3 to 6.
const std::string handler =
    "[[handler]]\nname = \"kafka\"\ntype = \"kafka\"\nhosts = [\"kafka-1\", \"[::1]:9094\"]\n";

const KafkaTarget& target(const Settings& settings) {
  return settings.handlers.at(0).kafka;
}

}  // namespace

TEST_CASE("hosts are enough, the rest has defaults") {
  const Scratch scratch;
  const auto settings = scratch.settings(minimal + handler);
  const auto& kafka = target(settings);
  REQUIRE(kafka.hosts.size() == 2);
  CHECK(kafka.hosts[0] == BrokerHost{"kafka-1", 9092});
  CHECK(kafka.hosts[1] == BrokerHost{"::1", 9094});
  CHECK(kafka.topic == "wxpush-events");
  CHECK(kafka.sasl == KafkaSasl::none);
  CHECK_FALSE(kafka.tls);
  CHECK(settings.handlers.at(0).concurrency == 64);
}

TEST_CASE("a user over TLS, and no secret is printed") {
  const Scratch scratch;
  scratch.write("password", "hunter2\n");
  const auto settings = scratch.settings(
      minimal + handler +
      "tls = true\nca_file = \"ca.pem\"\nsasl = \"scram-sha-256\"\nuser = \"shop\"\n"
      "password_file = \"password\"\ntopic = \"Events.v1_shop-2\"\n");
  const auto& kafka = target(settings);
  CHECK(kafka.hosts[0].port == 9093);
  CHECK(kafka.sasl == KafkaSasl::scram_sha_256);
  CHECK(kafka.password.reveal() == "hunter2");
  CHECK(kafka.topic == "Events.v1_shop-2");
  const auto printed = to_toml(settings);
  CHECK(printed.find("sasl = \"scram-sha-256\"\n") != std::string::npos);
  CHECK(printed.find("hunter2") == std::string::npos);
}

TEST_CASE("what does not go together") {
  const std::string no_sasl = " is of no use without sasl, such as \"scram-sha-512\"";
  check({
      {handler + "user = \"shop\"", {"7: handler.kafka.user:" + no_sasl}},
      {handler + "password = \"hunter2\"", {"7: handler.kafka.password:" + no_sasl}},
      {handler + "sasl = \"plain\"",
       {"3: handler.kafka.user: sasl needs a user and a password (or password_file)"}},
      {handler + "sasl = \"plain\"\nuser = \"shop\"",
       {"3: handler.kafka.user: sasl needs a user and a password (or password_file)"}},
      {handler + "ca_file = \"ca.pem\"",
       {"7: handler.kafka.ca_file: is of no use without tls = true"}},
  });
}

TEST_CASE("names that Kafka does not take") {
  const std::string rule = " is no topic; it has 1 to 249 letters, digits, \".\", \"_\" or \"-\"";
  for (const std::string name : {"", "a b", "a/b", "事件", ".", ".."}) {
    check({{handler + "topic = \"" + name + "\"",
            {"7: handler.kafka.topic: \"" + name + "\"" + rule}}});
  }
  const Scratch scratch;
  const std::string longest(249, 'x');
  CHECK(target(scratch.settings(minimal + handler + "topic = \"" + longest + "\"")).topic ==
        longest);
  CHECK(scratch.problems(minimal + handler + "topic = \"" + longest + "x\"").size() == 1);
}
