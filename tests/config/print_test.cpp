#include "tests/config/scratch.h"

using namespace wxpush::config;
using namespace wxpush::config::test;

namespace {

const std::string everything = R"(
[server]
listen = ["127.0.0.1:0", "[::1]:8443", "unix:/run/push.sock"]
threads = 3
certificate = "tls/ce\"rt.pem"
private_key = "/keys/key.pem"
trusted_proxies = ["10.0.0.7", "fd00::/8"]
max_connections = 10
max_connections_per_address = 2
handshake_timeout = "1s"
header_timeout = "200ms"
idle_timeout = "1m30s"
request_deadline = "4.9s"
max_header = "8KiB"
max_body = 2049
max_bodies = "3MiB"
drain = "0s"
max_push_age = "5m"
[admin]
listen = "off"
socket = "run/admin.sock"
[store]
path = "data"
retention = "2d"
min_retention = "1h"
max_size = "10GiB"
min_free = 0
append_queue = 1
append_queue_bytes = "2MiB"
[orders]
silent_after = { 301 = "60m", 101 = "90s" }
[log]
level = "warning"
format = "text"
)";

const std::string rest = R"(
paths = ["/wechat/callback"]
reply = { update_waybill_status = "success", default = "empty" }
quarantine = "all"
keys = [{ name = "2026-11", token = "new-secret" }]
[[handler]]
name = "some"
type = "log"
apps = ["shop"]
events = ["transport_*"]
from = "oldest"
renamed_from = "few"
)";

const std::string ack = "ack_after = \"both\"\nack_handler = \"rabbit\"\n";

// All keys of the brokers' types; those that exclude each other in two entries.
const std::string brokers = R"(
[[handler]]
name = "rabbit"
type = "amqp"
hosts = ["rabbit-1", "rabbit-2:5672", "[::1]"]
tls = true
ca_file = "ca.pem"
certificate = "c.pem"
private_key = "k.pem"
user = "wx"
password = "rabbit-password"
timeout = "1500ms"
secrets = ["whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"]
vhost = "shop"
queue = "events"
partitions = 4
heartbeat = "20s"
[[handler]]
name = "exchange"
type = "amqp"
hosts = "rabbit-1"
password = "rabbit-password"
exchange = ""
routing_key = "wx.{app}"
[[handler]]
name = "streams"
type = "redis"
hosts = "unix:redis.sock"
user = "wx"
password = "redis-password"
timeout = "1s"
secrets = ["whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"]
database = 3
stream = "wx"
partitions = 2
seen_for = "1h"
replicas = 1
[[handler]]
name = "topic"
type = "kafka"
hosts = ["kafka-1", "kafka-2"]
tls = true
ca_file = "ca.pem"
certificate = "c.pem"
private_key = "k.pem"
sasl = "scram-sha-256"
user = "wx"
password = "kafka-password"
secrets = ["whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"]
topic = "wx.events"
)";

bool has_all_brokers() {
  return is_built_in(HandlerType::amqp) && is_built_in(HandlerType::redis) &&
         is_built_in(HandlerType::kafka);
}

std::string with_secrets(std::string printed) {
  int next = 0;
  for (auto at = printed.find("\"***\""); at != std::string::npos; at = printed.find("\"***\"")) {
    const auto line_start = printed.rfind('\n', at) + 1;
    const auto before = printed.substr(line_start, at - line_start);
    std::string secret = "token-" + std::to_string(next++);
    if (before.ends_with("encoding_aes_key = ")) secret = aes_key;
    if (before.starts_with("secrets = ")) secret = "whsec_QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB";
    printed.replace(at, 5, '"' + secret + '"');
  }
  return printed;
}

}  // namespace

TEST_CASE("what to_toml prints loads again to the same, but for the secrets") {
  const Scratch scratch;
  std::vector<std::string> documents{everything + shop + rest, minimal};
  if (has_all_brokers()) documents.push_back(minimal + ack + brokers);
  for (const auto& document : documents) {
    const auto settings = scratch.settings(document);
    const std::string printed = to_toml(settings);
    CHECK(to_toml(scratch.settings(with_secrets(printed))) == printed);
  }
}

TEST_CASE("to_toml shows no secret") {
  const Scratch scratch;
  const std::string printed = to_toml(scratch.settings(everything + shop + rest));
  for (const std::string& secret :
       {std::string("shop-token"), std::string("new-secret"), aes_key}) {
    CHECK(printed.find(secret) == std::string::npos);
  }
}

TEST_CASE(
    "to_toml prints the brokers' settings, in force or by default, and none of their secrets") {
  if (!has_all_brokers()) return;
  const Scratch scratch;
  const std::string printed = to_toml(scratch.settings(minimal + ack + brokers));
  for (const std::string secret :
       {"rabbit-password", "redis-password", "kafka-password", "QUFB", "AAAA"})
    CHECK(printed.find(secret) == std::string::npos);
  CHECK(printed.find("ack_after = \"both\"\nack_handler = \"rabbit\"\n") != std::string::npos);
  const std::string folder = scratch.folder().string();
  const std::string common = R"(concurrency = 64
retry_min = "500ms"
retry_max = "30s"
max_attempts = 12
give_up_after = "3d"
on_dead = "go-on"
dedupe = "event_id"
max_backlog_age = "0s"
)";
  const std::string tls = "tls = true\nca_file = \"" + folder + "/ca.pem\"\ncertificate = \"" +
                          folder + "/c.pem\"\nprivate_key = \"" + folder + "/k.pem\"\n";
  const auto begin = printed.find("\n[[handler]]");
  REQUIRE(begin != std::string::npos);
  CHECK(printed.substr(begin) == R"(
[[handler]]
name = "rabbit"
type = "amqp"
from = "auto"
)" + common + R"(hosts = ["rabbit-1:5671", "rabbit-2:5672", "[::1]:5671"]
user = "wx"
password = "***"
timeout = "1500ms"
secrets = ["***"]
)" + tls + R"(vhost = "shop"
queue = "events"
partitions = 4
heartbeat = "20s"

[[handler]]
name = "exchange"
type = "amqp"
from = "auto"
)" + common + R"(hosts = ["rabbit-1:5672"]
user = "guest"
password = "***"
timeout = "5s"
secrets = []
tls = false
vhost = "/"
exchange = ""
routing_key = "wx.{app}"
partitions = 1
heartbeat = "10s"

[[handler]]
name = "streams"
type = "redis"
from = "auto"
)" + common + R"(hosts = ["unix:)" + folder +
                                     R"(/redis.sock"]
user = "wx"
password = "***"
timeout = "1s"
secrets = ["***"]
database = 3
stream = "wx"
partitions = 2
seen_for = "1h"
replicas = 1

[[handler]]
name = "topic"
type = "kafka"
from = "auto"
)" + common + R"(hosts = ["kafka-1:9093", "kafka-2:9093"]
user = "wx"
password = "***"
timeout = "5s"
secrets = ["***"]
)" + tls + R"(topic = "wx.events"
sasl = "scram-sha-256"
)");
}

TEST_CASE("to_toml prints every setting, in force or by default") {
  const Scratch scratch;
  const auto settings = scratch.settings(everything + shop + rest);
  const std::string folder = scratch.folder().string();
  CHECK(to_toml(settings) == R"([server]
listen = ["127.0.0.1:0", "[::1]:8443", "unix:/run/push.sock"]
threads = 3
tls = "on"
certificate = ")" + folder + R"(/tls/ce\"rt.pem"
private_key = "/keys/key.pem"
trusted_proxies = ["10.0.0.7/32", "fd00::/8"]
max_connections = 10
max_connections_per_address = 2
handshake_timeout = "1s"
header_timeout = "200ms"
idle_timeout = "90s"
request_deadline = "4900ms"
max_header = "8KiB"
max_body = "2049"
max_bodies = "3MiB"
drain = "0s"
max_push_age = "5m"

[admin]
listen = "off"
socket = ")" + folder + R"(/run/admin.sock"

[store]
path = ")" + folder + R"(/data"
retention = "2d"
min_retention = "1h"
max_size = "10GiB"
min_free = "0"
append_queue = 1
append_queue_bytes = "2MiB"
old_encryption_key_files = []

[orders]
silent_after = { 101 = "90s", 301 = "1h" }

[log]
level = "warning"
format = "text"

[[app]]
name = "shop"
appid = "wx0123456789abcdef"
paths = ["/wechat/callback"]
token = "***"
encoding_aes_key = "***"
keys = [{ name = "2026-11", token = "***", encoding_aes_key = "***" }]
reply = { update_waybill_status = "success", default = "empty" }
quarantine = "all"
ack_after = "local"

[[handler]]
name = "some"
type = "log"
apps = ["shop"]
events = ["transport_*"]
from = "oldest"
renamed_from = "few"
concurrency = 1
retry_min = "500ms"
retry_max = "30s"
max_attempts = 12
give_up_after = "3d"
on_dead = "go-on"
dedupe = "event_id"
max_backlog_age = "0s"
)");
}
