#include "server/apps.h"

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

std::string_view without_trailing_slash(std::string_view path) {
  if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

}  // namespace

AppTable::AppTable(const std::vector<config::App>& apps) {
  for (const auto& app : apps) {
    apps_.push_back(std::make_unique<App>(
        App{app.name, apps_.size(), make_codec(app), app.reply, app.reply_for, app.quarantine}));
    for (const auto& path : app.paths) {
      by_path_.emplace(std::string(without_trailing_slash(path)), apps_.back().get());
    }
  }
}

const App* AppTable::find_by_path(std::string_view path) const {
  const auto found = by_path_.find(without_trailing_slash(path));
  return found == by_path_.end() ? nullptr : found->second;
}

const App* AppTable::find_by_name(std::string_view name) const {
  for (const auto& app : apps_) {
    if (app->name == name) return app.get();
  }
  return nullptr;
}

}  // namespace wxpush::server
