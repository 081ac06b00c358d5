// What a reload finds changed.

#include "config/changes.h"

#include <doctest/doctest.h>

using namespace wxpush::config;

namespace {

using Names = std::vector<std::string>;

Settings settings() {
  Settings made;
  made.server.tls = TlsFiles{"cert.pem", "key.pem"};
  App app;
  app.name = "shop";
  app.paths = {"/wx/shop"};
  app.keys = {{"default", Secret("token"), Secret("key")}};
  made.apps = {app};
  Handler handler;
  handler.name = "backend";
  handler.type = HandlerType::http;
  handler.http.secrets = {Secret("one")};
  made.handlers = {handler};
  return made;
}

}  // namespace

TEST_CASE("the same settings differ in nothing") {
  const auto changes = changes_between(settings(), settings());
  CHECK(changes.apps.empty());
  CHECK(changes.handlers.empty());
  CHECK(!changes.certificate);
  CHECK(changes.restart.empty());
}

TEST_CASE("apps and handlers come, go, and change; a secret alone is a change") {
  const auto before = settings();
  auto after = before;
  after.apps[0].keys[0].token = Secret("other");
  after.handlers[0].http.secrets[0] = Secret("two");
  after.handlers.push_back(Handler{.name = "print"});
  auto changes = changes_between(before, after);
  CHECK(changes.apps.changed == Names{"shop"});
  CHECK(changes.handlers.changed == Names{"backend"});
  CHECK(changes.handlers.added == Names{"print"});
  changes = changes_between(after, before);
  CHECK(changes.handlers.removed == Names{"print"});
  CHECK(changes.restart.empty());
}

TEST_CASE("what a running server cannot take over is named by its key") {
  const auto before = settings();
  auto after = before;
  after.server.listen = {TcpAddress{"127.0.0.1", 9443}};
  after.store.path = "/elsewhere";
  after.log.level = Level::debug;
  CHECK(changes_between(before, after).restart ==
        Names{"log.level", "server.listen", "store.path"});
}

TEST_CASE("other certificate files are taken over, TLS itself is not switched") {
  const auto before = settings();
  auto after = before;
  after.server.tls = TlsFiles{"new.pem", "key.pem"};
  CHECK(changes_between(before, after).certificate);
  CHECK(changes_between(before, after).restart.empty());
  after.server.tls.reset();
  CHECK(!changes_between(before, after).certificate);
  CHECK(changes_between(before, after).restart ==
        Names{"server.certificate", "server.private_key", "server.tls"});
}

TEST_CASE("other limits for silent orders are taken over") {
  const auto before = settings();
  auto after = before;
  after.orders.silent_after[101] = std::chrono::minutes(10);
  CHECK(changes_between(before, after).orders);
  CHECK(!changes_between(after, after).orders);
  CHECK(changes_between(before, after).restart.empty());
}
