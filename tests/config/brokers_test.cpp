// [[handler]] of the brokers' types, and which of them an acknowledgement waits for.
#include "tests/config/scratch.h"

using namespace wxpush::config;
using namespace wxpush::config::test;
using namespace std::chrono_literals;

namespace {

const std::string whsec = "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB";  // 24 times "A"
const std::string amqp = "[[handler]]\nname = \"rabbit\"\ntype = \"amqp\"\npassword = \"p\"\n";
const std::string redis = "[[handler]]\nname = \"streams\"\ntype = \"redis\"\n";
const std::string kafka = "[[handler]]\nname = \"log\"\ntype = \"kafka\"\n";

// The first handler.
Handler handler(const Scratch& scratch, const std::string& text,
                const Environment& variables = {}) {
  return scratch.settings(minimal + text, variables).handlers.at(0);
}

std::vector<BrokerHost> hosts(const std::string& type, const std::string& list) {
  const Scratch scratch;
  const auto made = handler(scratch, type + "hosts = " + list + "\n");
  switch (made.type) {
    case HandlerType::amqp:
      return made.amqp.hosts;
    case HandlerType::redis:
      return made.redis.hosts;
    default:
      return made.kafka.hosts;
  }
}

using Hosts = std::vector<BrokerHost>;

}  // namespace

TEST_CASE("hosts are names and addresses, with a port where it is not the usual one") {
  if (is_built_in(HandlerType::amqp)) {
    CHECK(hosts(amqp, "[\"rabbit-1\", \"rabbit-2.internal:5673\", \"10.0.0.7\"]") ==
          Hosts{{"rabbit-1", 5672}, {"rabbit-2.internal", 5673}, {"10.0.0.7", 5672}});
    CHECK(hosts(amqp, "[\"[::1]:5673\", \"[fd00::7]\"]") ==
          Hosts{{"::1", 5673}, {"fd00::7", 5672}});
    CHECK(hosts(amqp, "\"127.0.0.1\"") == Hosts{{"127.0.0.1", 5672}});  // one needs no array
    CHECK(hosts(amqp, "\"127.0.0.1\"\ntls = true") == Hosts{{"127.0.0.1", 5671}});
  }
  if (is_built_in(HandlerType::kafka)) {
    CHECK(hosts(kafka, "\"k\"") == Hosts{{"k", 9092}});
    CHECK(hosts(kafka, "\"k\"\ntls = true") == Hosts{{"k", 9093}});
  }
  if (is_built_in(HandlerType::redis)) CHECK(hosts(redis, "\"[::1]\"") == Hosts{{"::1", 6379}});
}

TEST_CASE("Redis may be a unix socket, its path relative to the file") {
  if (!is_built_in(HandlerType::redis)) return;
  CHECK(hosts(redis, "[\"unix:/run/redis/redis.sock\"]") == Hosts{{"/run/redis/redis.sock", 0}});
  const Scratch scratch;
  CHECK(handler(scratch, redis + "hosts = \"unix:redis.sock\"\n").redis.hosts ==
        Hosts{{(scratch.folder() / "redis.sock").string(), 0}});
}

TEST_CASE("of RabbitMQ the host and a password are enough") {
  if (!is_built_in(HandlerType::amqp)) return;
  const Scratch scratch;
  const auto made = handler(scratch, amqp + "hosts = [\"127.0.0.1\"]\n");
  CHECK(made.concurrency == 64);
  CHECK(made.amqp.user == "guest");
  CHECK(made.amqp.password.reveal() == "p");
  CHECK_FALSE(made.amqp.tls);
  CHECK(made.amqp.timeout == 5s);
  CHECK(made.amqp.secrets.empty());
  CHECK(made.amqp.vhost == "/");
  CHECK(made.amqp.queue == "wxpush");
  CHECK(made.amqp.partitions == 1);
  CHECK(made.amqp.heartbeat == 10s);
}

TEST_CASE("of Redis and Kafka the host alone is enough") {
  const Scratch scratch;
  if (is_built_in(HandlerType::redis)) {
    const auto made = handler(scratch, redis + "hosts = [\"127.0.0.1\"]\n");
    CHECK(made.concurrency == 64);
    CHECK(made.redis.user.empty());
    CHECK(made.redis.password.empty());
    CHECK(made.redis.database == 0);
    CHECK(made.redis.stream == "wxpush:events");
    CHECK(made.redis.partitions == 1);
    CHECK(made.redis.seen_for == 24h * 7);
    CHECK(made.redis.replicas == 0);
  }
  if (is_built_in(HandlerType::kafka)) {
    const auto made = handler(scratch, kafka + "hosts = [\"127.0.0.1\"]\n");
    CHECK(made.concurrency == 64);
    CHECK(made.kafka.topic == "wxpush-events");
    CHECK(made.kafka.sasl == KafkaSasl::none);
  }
}

TEST_CASE("RabbitMQ: an exchange and a routing key take the queue's place") {
  if (!is_built_in(HandlerType::amqp)) return;
  const Scratch scratch;
  const auto made =
      handler(scratch, amqp +
                           "hosts = [\"127.0.0.1\"]\nexchange = \"events\"\npartitions = 4\n"
                           "routing_key = \"wx.{app}.{appid}.{type}.{partition}\"\n");
  CHECK(made.amqp.queue.empty());
  CHECK(made.amqp.exchange == "events");
  CHECK(made.amqp.routing_key == "wx.{app}.{appid}.{type}.{partition}");
  CHECK(made.amqp.partitions == 4);
  // The default exchange has an empty name.
  const auto other = handler(
      scratch, amqp + "hosts = \"r\"\nexchange = \"\"\nrouting_key = \"a-queue-of-yours\"\n");
  CHECK(other.amqp.queue.empty());
  CHECK(other.amqp.exchange.empty());
  CHECK(other.amqp.routing_key == "a-queue-of-yours");
}

TEST_CASE("TLS: whom to believe, and the client's own certificate") {
  if (!is_built_in(HandlerType::amqp)) return;
  const Scratch scratch;
  const auto made =
      handler(scratch, amqp +
                           "hosts = [\"r\"]\ntls = true\nca_file = \"ca.pem\"\n"
                           "certificate = \"c.pem\"\nprivate_key = \"/keys/k.pem\"\n");
  CHECK(made.amqp.tls);
  CHECK(made.amqp.ca_file == scratch.folder() / "ca.pem");
  CHECK(made.amqp.certificate == scratch.folder() / "c.pem");
  CHECK(made.amqp.private_key == "/keys/k.pem");
}

TEST_CASE("a password stands in the file, in a file of its own, or in a variable") {
  if (!is_built_in(HandlerType::redis)) return;
  const Scratch scratch;
  const auto file = scratch.write("redis-password", "of a file\r\n").string();
  const std::string hosts = redis + "hosts = \"r\"\n";
  CHECK(handler(scratch, hosts + "password = \"direct\"\n").redis.password.reveal() == "direct");
  CHECK(handler(scratch, hosts + "password_file = \"redis-password\"\n").redis.password.reveal() ==
        "of a file");
  CHECK(handler(scratch, hosts + "password = \"direct\"\n",
                {{"WXPUSH__HANDLER__STREAMS__PASSWORD_FILE", file}})
            .redis.password.reveal() == "of a file");
  CHECK(handler(scratch, hosts,
                {{"WXPUSH__HANDLER__STREAMS__PASSWORD", "of a variable"},
                 {"WXPUSH__HANDLER__STREAMS__USER", "wx"}})
            .redis.user == "wx");
}

TEST_CASE("messages are signed with keys as those of http are") {
  if (!is_built_in(HandlerType::kafka)) return;
  const Scratch scratch;
  scratch.write("secret", whsec + "\n");
  const auto made = handler(scratch, kafka + "hosts = \"k\"\nsecrets = [\"" + whsec +
                                         "\"]\nsecret_files = [\"secret\"]\n");
  REQUIRE(made.kafka.secrets.size() == 2);
  CHECK(made.kafka.secrets[0].reveal() == std::string(24, 'A'));
  CHECK(made.kafka.secrets[1] == made.kafka.secrets[0]);
}

TEST_CASE("Kafka: the ways of SASL") {
  if (!is_built_in(HandlerType::kafka)) return;
  const Scratch scratch;
  const std::string login = kafka + "hosts = \"k\"\nuser = \"wx\"\npassword = \"p\"\nsasl = ";
  CHECK(handler(scratch, login + "\"plain\"\n").kafka.sasl == KafkaSasl::plain);
  CHECK(handler(scratch, login + "\"scram-sha-256\"\n").kafka.sasl == KafkaSasl::scram_sha_256);
  const auto made = handler(scratch, login + "\"scram-sha-512\"\n");
  CHECK(made.kafka.sasl == KafkaSasl::scram_sha_512);
  CHECK(made.kafka.user == "wx");
  CHECK(made.kafka.password.reveal() == "p");
}

TEST_CASE("an app's acknowledgements may wait for a broker") {
  if (!is_built_in(HandlerType::amqp)) return;
  const Scratch scratch;
  CHECK(scratch.settings(minimal).apps.at(0).ack_after == AckAfter::local);
  const std::string rabbit = amqp + "hosts = \"r\"\n";
  for (const std::string text : {"broker", "both"}) {
    const auto ack = "ack_after = \"" + text + "\"\nack_handler = \"rabbit\"\n";
    const auto app = scratch.settings(minimal + ack + rabbit).apps.at(0);
    CHECK(app.ack_after == (text == "both" ? AckAfter::both : AckAfter::broker));
    CHECK(app.ack_handler == "rabbit");
  }
  // A handler that names this app gets its events as well as one that names none.
  CHECK(scratch
            .problems(minimal + "ack_after = \"both\"\nack_handler = \"rabbit\"\n" + rabbit +
                      "apps = [\"shop\"]\n")
            .empty());
}
