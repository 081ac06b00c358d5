#include "handlers/sink/kafka_configuration.h"

#include "handlers/sink/kafka_library.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>

using namespace wxpush;
using namespace wxpush::sink;
using std::chrono::milliseconds;

namespace {

KafkaSettings at(std::vector<BrokerHost> hosts) {
  KafkaSettings settings;
  settings.access.hosts = std::move(hosts);
  settings.topic = "wxpush-events";
  return settings;
}

// What the library is told under this name; nothing if it is not told.
std::optional<std::string> told(const KafkaSettings& settings, const std::string& name) {
  const auto all = kafka_configuration(settings);
  const auto found = std::ranges::find(all, name, [](const auto& one) { return one.first; });
  return found == all.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

TEST_CASE("what a confirmation means is not left to the library's defaults") {
  const auto settings = at({{"kafka", 9092}});
  CHECK(told(settings, "acks") == "all");
  CHECK(told(settings, "enable.idempotence") == "true");
  CHECK(told(settings, "partitioner") == "murmur2_random");
  CHECK(told(settings, "allow.auto.create.topics") == "false");
  CHECK(told(settings, "log.queue") == "true");
}

TEST_CASE("every host is one to begin with") {
  CHECK(told(at({{"kafka-1", 9092}, {"::1", 9093}}), "bootstrap.servers") ==
        "kafka-1:9092,[::1]:9093");
}

TEST_CASE("each wait ends with the handler's time-out") {
  auto settings = at({{"kafka", 9092}});
  settings.access.timeout = milliseconds(2500);
  for (const char* const name : {"message.timeout.ms", "request.timeout.ms", "socket.timeout.ms",
                                 "socket.connection.setup.timeout.ms"}) {
    CAPTURE(name);
    CHECK(told(settings, name) == "2500");
  }
  settings.access.timeout = milliseconds(100);
  CHECK(told(settings, "message.timeout.ms") == "100");
  CHECK(told(settings, "socket.connection.setup.timeout.ms") == "1000");  // the library's least
}

TEST_CASE("TLS verifies the certificate and its name") {
  auto settings = at({{"kafka", 9093}});
  CHECK(told(settings, "security.protocol") == "PLAINTEXT");
  CHECK_FALSE(told(settings, "ssl.endpoint.identification.algorithm"));
  settings.access.tls = true;
  CHECK(told(settings, "security.protocol") == "SSL");
  CHECK(told(settings, "enable.ssl.certificate.verification") == "true");
  CHECK(told(settings, "ssl.endpoint.identification.algorithm") == "https");
  CHECK_FALSE(told(settings, "ssl.ca.location"));
  CHECK_FALSE(told(settings, "ssl.certificate.location"));
  settings.access.ca_file = "/ca.pem";
  settings.access.certificate = "/own.pem";
  settings.access.private_key = "/own.key";
  CHECK(told(settings, "ssl.ca.location") == "/ca.pem");
  CHECK(told(settings, "ssl.certificate.location") == "/own.pem");
  CHECK(told(settings, "ssl.key.location") == "/own.key");
}

TEST_CASE("a user logs in, and only then is the password told") {
  auto settings = at({{"kafka", 9093}});
  settings.access.user = "shop";
  settings.access.password = "secret";
  CHECK_FALSE(told(settings, "sasl.password"));
  settings.sasl = KafkaSasl::scram_sha_512;
  CHECK(told(settings, "security.protocol") == "SASL_PLAINTEXT");
  CHECK(told(settings, "sasl.mechanisms") == "SCRAM-SHA-512");
  CHECK(told(settings, "sasl.username") == "shop");
  CHECK(told(settings, "sasl.password") == "secret");
  settings.access.tls = true;
  settings.sasl = KafkaSasl::plain;
  CHECK(told(settings, "security.protocol") == "SASL_SSL");
  CHECK(told(settings, "sasl.mechanisms") == "PLAIN");
}

TEST_CASE("the library takes every combination") {
  for (const bool tls : {false, true}) {
    for (const auto sasl :
         {KafkaSasl::none, KafkaSasl::plain, KafkaSasl::scram_sha_256, KafkaSasl::scram_sha_512}) {
      for (const auto timeout : {milliseconds(100), milliseconds(60'000)}) {
        auto settings = at({{"127.0.0.1", 1}});
        settings.access.tls = tls;
        settings.access.user = "shop";
        settings.access.password = "secret";
        settings.access.timeout = timeout;
        settings.sasl = sasl;
        CAPTURE(tls);
        CAPTURE(static_cast<int>(sasl));
        rd_kafka_destroy(make_kafka_producer(settings));
      }
    }
  }
}

TEST_CASE("what the library does not take is told, without the password") {
  auto settings = at({{"127.0.0.1", 1}});
  settings.access.tls = true;
  settings.access.ca_file = "/no/such/file";
  settings.access.user = "shop";
  settings.access.password = "hunter2";
  settings.sasl = KafkaSasl::plain;
  std::string why;
  try {
    rd_kafka_destroy(make_kafka_producer(settings));
  } catch (const LinkError& error) {
    why = error.what();
  }
  CHECK(why.find("ssl.ca.location") != std::string::npos);
  CHECK(why.find("hunter2") == std::string::npos);
}
