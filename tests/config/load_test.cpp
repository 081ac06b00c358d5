// What a file says, in the settings that come of it.
#include "config/load.h"

#include "tests/config/scratch.h"

using namespace wxpush::config;
using namespace wxpush::config::test;
using namespace std::chrono_literals;

TEST_CASE("the least that loads has the defaults everywhere else") {
  const Scratch scratch;
  const auto settings = scratch.settings(minimal);
  CHECK(settings.file == scratch.folder() / "wxpush.toml");
  CHECK_FALSE(settings.server.tls.has_value());
  CHECK(settings.server.listen == Server{}.listen);
  CHECK(settings.server.request_deadline == 3500ms);
  CHECK(settings.admin_socket() == "/var/lib/wxpush/admin.sock");
  REQUIRE(settings.apps.size() == 1);
  CHECK(settings.apps[0].name == "shop");
  CHECK(settings.apps[0].appid == "wx0123456789abcdef");
  CHECK(settings.apps[0].paths == std::vector<std::string>{"/wx/shop"});
  CHECK(settings.apps[0].reply == Reply::automatic);
  CHECK(settings.apps[0].quarantine == Quarantine::unopened);
  CHECK(settings.handlers.empty());
}

TEST_CASE("[server] is read whole") {
  const Scratch scratch;
  const auto server = scratch
                          .settings(R"(
[server]
listen = ["127.0.0.1:0", "[::1]:8443", "unix:push.sock"]
threads = 3
certificate = "tls/cert.pem"
private_key = "/keys/key.pem"
trusted_proxies = ["10.0.0.7", "fd00::/8"]
max_connections = 10
max_connections_per_address = 2
handshake_timeout = "1s"
header_timeout = "200ms"
idle_timeout = "1m30s"
request_deadline = "4.9s"
max_header = "8KiB"
max_body = 2048
max_bodies = "3MiB"
drain = "0s"
max_push_age = "5m"
)" + shop)
                          .server;
  CHECK(server.listen == std::vector<ListenAddress>{TcpAddress{"127.0.0.1", 0},
                                                    TcpAddress{"::1", 8443},
                                                    UnixAddress{scratch.folder() / "push.sock"}});
  CHECK(server.threads == 3);
  REQUIRE(server.tls.has_value());
  CHECK(*server.tls == TlsFiles{scratch.folder() / "tls/cert.pem", "/keys/key.pem"});
  CHECK(server.trusted_proxies ==
        std::vector<Network>{*parse_network("10.0.0.7/32"), *parse_network("fd00::/8")});
  CHECK(server.max_connections == 10);
  CHECK(server.max_connections_per_address == 2);
  CHECK(server.handshake_timeout == 1s);
  CHECK(server.header_timeout == 200ms);
  CHECK(server.idle_timeout == 90s);
  CHECK(server.request_deadline == 4900ms);
  CHECK(server.max_header == 8192);
  CHECK(server.max_body == 2048);
  CHECK(server.max_bodies == 3U << 20);
  CHECK(server.drain == 0s);
  CHECK(server.max_push_age == 300s);
}

TEST_CASE("[admin], [store] and [log] are read whole") {
  const Scratch scratch;
  const auto settings = scratch.settings(minimal + R"(
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
[log]
level = "warning"
format = "text"
)");
  CHECK_FALSE(settings.admin.listen.has_value());
  CHECK(settings.admin_socket() == scratch.folder() / "run/admin.sock");
  CHECK(settings.store.path == scratch.folder() / "data");
  CHECK(settings.store.retention == 48h);
  CHECK(settings.store.min_retention == 1h);
  CHECK(settings.store.max_size == SizeLimit{10ULL << 30, 0});
  CHECK(settings.store.min_free == 0);
  CHECK(settings.store.append_queue == 1);
  CHECK(settings.store.append_queue_bytes == 2U << 20);
  CHECK(settings.log.level == Level::warning);
  CHECK(settings.log.format == LogFormat::text);
}

TEST_CASE("max_size is a share of the file system or a size") {
  const Scratch scratch;
  const auto limit = [&](const std::string& text) {
    return scratch.settings(minimal + "[store]\nmax_size = " + text).store.max_size;
  };
  CHECK(limit("\"80%\"") == SizeLimit{0, 80});
  CHECK(limit("\"100%\"") == SizeLimit{0, 100});
  CHECK(limit("\"5GB\"") == SizeLimit{5'000'000'000, 0});
  CHECK(limit("1048576") == SizeLimit{1U << 20, 0});
}

TEST_CASE("an app's paths, replies and quarantine") {
  const Scratch scratch;
  const auto app = scratch
                       .settings(minimal + R"(
paths = ["/wechat/callback", "/old.php"]
reply = { Update_Waybill_Status = "success", transport_add_order = "empty", default = "empty" }
quarantine = "all"
)")
                       .apps.at(0);
  CHECK(app.paths == std::vector<std::string>{"/wx/shop", "/wechat/callback", "/old.php"});
  CHECK(app.reply == Reply::empty);
  CHECK(app.reply_for == std::map<std::string, Reply>{{"update_waybill_status", Reply::success},
                                                      {"transport_add_order", Reply::empty}});
  CHECK(app.quarantine == Quarantine::all);
  CHECK(scratch.settings(minimal + "reply = \"success\"\nquarantine = \"off\"").apps.at(0).reply ==
        Reply::success);
}

TEST_CASE("a handler's filters and place") {
  const Scratch scratch;
  const auto handlers = scratch
                            .settings(minimal + R"(
[[handler]]
name = "all"
type = "log"
[[handler]]
name = "some"
type = "log"
apps = ["shop"]
events = ["Update_Waybill_Status", "transport_*", "Message.Text", "*"]
from = "oldest"
renamed_from = "few"
)")
                            .handlers;
  REQUIRE(handlers.size() == 2);
  CHECK(handlers[0].name == "all");
  CHECK(handlers[0].apps.empty());
  CHECK(handlers[0].events.empty());
  CHECK(handlers[0].from == From::automatic);
  CHECK(handlers[1].apps == std::vector<std::string>{"shop"});
  CHECK(handlers[1].events ==
        std::vector<std::string>{"update_waybill_status", "transport_*", "message.text", "*"});
  CHECK(handlers[1].from == From::oldest);
  CHECK(handlers[1].renamed_from == "few");
}

TEST_CASE("without -c the file in the current folder is taken before the machine's") {
  const Scratch scratch;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(scratch.folder());
  scratch.write("wxpush.toml", minimal);
  const auto found = default_file();
  std::filesystem::current_path(before);
  CHECK(found == std::filesystem::path("wxpush.toml"));
}
