#pragma once
// The mini programs we serve, ready to open and seal. Immutable once built: sessions share it, a
// reload replaces it whole.

#include "config/settings.h"
#include "crypto/wechat/push_codec.h"
#include "server/forward.h"
#include "server/metrics.h"
#include "server/reply_sealer.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::server {

struct Route {
  std::vector<std::string> events;  // as a handler's
  bool store = false;
  std::shared_ptr<const ForwardTarget> target;
};
using MakeTarget = std::function<std::shared_ptr<const ForwardTarget>(const config::BackEnd&)>;

struct App {
  std::string name;
  Metrics::AppRow row;  // where it and its keys are counted
  crypto::PushCodec codec;
  config::Reply reply;
  std::map<std::string, config::Reply> reply_for;  // by lower-case Event
  config::Quarantine quarantine;
  std::string ack_handler;  // that has an event before it is acknowledged; empty: none
  std::vector<Route> routes;
  std::unique_ptr<ReplySealer> replies = std::make_unique<ReplySealer>();

  config::Reply reply_to(const std::string& type) const {
    const auto found = reply_for.find(type);
    return found == reply_for.end() ? reply : found->second;
  }
  const Route* route_of(std::string_view type) const;  // the first that matches; null: none
};

class AppTable {
 public:
  // `make_target` is asked once for each route. Throws what it throws, and std::runtime_error for a
  // key that the settings' check should not have let through; then nothing was enrolled.
  AppTable(const std::vector<config::App>& apps, Metrics& metrics,
           const MakeTarget& make_target = {});

  // Null: none. One trailing slash is tolerated in a path.
  std::shared_ptr<const App> find_by_path(std::string_view path) const;
  std::shared_ptr<const App> find_by_name(std::string_view name) const;
  const std::vector<std::shared_ptr<const App>>& all() const noexcept { return apps_; }

 private:
  std::vector<std::shared_ptr<const App>> apps_;
  std::map<std::string, std::shared_ptr<const App>, std::less<>> by_path_;
};

}  // namespace wxpush::server
