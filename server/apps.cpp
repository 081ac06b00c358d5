#include "server/apps.h"

#include "handlers/base/url.h"
#include "handlers/event/message.h"

#include <algorithm>
#include <stdexcept>

namespace wxpush::server {
namespace {

crypto::PushCodec make_codec(const config::App& app) {
  std::vector<crypto::PushKey> keys;
  for (const auto& key : app.keys) {
    auto made = crypto::PushKey::make(key.name, key.token.reveal(), key.encoding_aes_key.reveal());
    if (!made) {
      throw std::runtime_error("app " + app.name + ": key " + key.name + ": " +
                               made.error().message());
    }
    keys.push_back(std::move(*made));
  }
  return {app.appid, std::move(keys)};
}

std::vector<std::string> key_names(const App& app) {
  std::vector<std::string> names;
  for (const auto& key : app.codec.keys()) names.push_back(key.name());
  return names;
}

std::vector<Route> make_routes(const config::App& app, const MakeTarget& make_target) {
  std::vector<Route> routes;
  for (const auto& route : app.routes) {
    if (!make_target) throw std::logic_error("app " + app.name + ": nobody forwards its routes");
    try {
      routes.push_back({route.events, route.store, make_target(route)});
    } catch (const std::exception& error) {
      throw std::runtime_error("app " + app.name + ": route to " +
                               to_string(*parse_url(route.url)) + ": " + error.what());
    }
  }
  return routes;
}

std::string_view without_trailing_slash(std::string_view path) {
  if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

}  // namespace

const Route* App::route_of(std::string_view type) const {
  const auto matches = [type](const std::string& pattern) {
    return event::matches_type(pattern, type);
  };
  for (const auto& route : routes) {
    if (std::any_of(route.events.begin(), route.events.end(), matches)) return &route;
  }
  return nullptr;
}

AppTable::AppTable(const std::vector<config::App>& apps, Metrics& metrics,
                   const MakeTarget& make_target) {
  std::vector<std::shared_ptr<App>> made;
  for (const auto& app : apps) {
    made.push_back(std::make_shared<App>(
        App{app.name,
            {},
            make_codec(app),
            app.reply,
            app.reply_for,
            app.quarantine,
            app.ack_after == config::AckAfter::local ? std::string() : app.ack_handler,
            make_routes(app, make_target)}));
    for (const auto& path : app.paths)
      by_path_.emplace(std::string(without_trailing_slash(path)), made.back());
  }
  for (auto& app : made) app->row = metrics.enrol_app({app->name, key_names(*app)});
  apps_.assign(made.begin(), made.end());
}

std::shared_ptr<const App> AppTable::find_by_path(std::string_view path) const {
  const auto found = by_path_.find(without_trailing_slash(path));
  return found == by_path_.end() ? nullptr : found->second;
}

std::shared_ptr<const App> AppTable::find_by_name(std::string_view name) const {
  const auto found =
      std::ranges::find_if(apps_, [&](const auto& app) { return app->name == name; });
  return found == apps_.end() ? nullptr : *found;
}

}  // namespace wxpush::server
