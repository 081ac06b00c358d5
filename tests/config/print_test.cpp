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

std::string with_secrets(std::string printed) {
  int next = 0;
  for (auto at = printed.find("\"***\""); at != std::string::npos; at = printed.find("\"***\"")) {
    const auto line_start = printed.rfind('\n', at) + 1;
    const auto before = printed.substr(line_start, at - line_start);
    const bool is_aes_key = before.ends_with("encoding_aes_key = ");
    printed.replace(at, 5,
                    "\"" + (is_aes_key ? aes_key : "token-" + std::to_string(next++)) + "\"");
  }
  return printed;
}

}  // namespace

TEST_CASE("what to_toml prints loads again to the same, but for the secrets") {
  const Scratch scratch;
  for (const auto& document : {everything + shop + rest, minimal}) {
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
