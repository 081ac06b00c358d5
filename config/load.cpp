#include "config/load.h"

#include "config/files.h"
#include "config/sections.h"

#include <unistd.h>

namespace wxpush::config {
namespace {

constexpr std::size_t most_apps = 1000;
constexpr std::size_t most_handlers = 256;

void read_main_sections(Loading& loading, const File& main, Settings& settings) {
  Section top(loading, main);
  top.find("include");
  top.find("app");
  top.find("handler");
  read_server(top.table("server"), settings.server);
  read_admin(top.table("admin"), settings.server, settings.admin);
  read_store(top.table("store"), settings.server, settings.admin, settings.store);
  read_orders(top.table("orders"), settings.store, settings.orders);
  read_log(top.table("log"), settings.log);
  top.finish();
}

void check_included(Loading& loading, const File& main, const File& file) {
  Section top(loading, file);
  top.find("app");
  top.find("handler");
  for (const std::string_view key : {"include", "server", "admin", "store", "orders", "log"}) {
    if (!top.find(key)) continue;
    top.problem(
        key,
        "may not stand in an included file, which holds [[app]] and [[handler]] only; move it to " +
            main.shown);
  }
  top.finish();
}

}  // namespace

Loaded load(const std::filesystem::path& file, const Environment& environment) {
  Loading loading(environment);
  const auto files = read_files(loading, file);
  if (files.empty()) return loading.take_problems();
  Settings settings;
  settings.file = std::filesystem::absolute(file).lexically_normal();
  read_main_sections(loading, files.front(), settings);
  for (std::size_t i = 1; i < files.size(); ++i) check_included(loading, files.front(), files[i]);
  const auto app_entries = find_entries(loading, files, "app", most_apps);
  const auto handler_entries = find_entries(loading, files, "handler", most_handlers);
  if (app_entries.empty() && loading.complete) {
    loading.problem({files.front().shown, 0, "app", {}},
                    "is missing; add an [[app]] with name, appid, token and encoding_aes_key");
  }
  settings.apps = read_apps(app_entries);
  settings.handlers = read_handlers(handler_entries, settings.apps);
  check_ack_handlers(app_entries, settings.apps, settings.handlers);
  check_variables(loading);
  auto problems = loading.take_problems();
  if (!problems.empty()) return problems;
  return settings;
}

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view pair(*entry);
    const auto equals = pair.find('=');
    if (!pair.starts_with(variable_prefix) || equals == std::string_view::npos) continue;
    environment.emplace(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return environment;
}

std::optional<std::filesystem::path> default_file() {
  for (const std::filesystem::path candidate : {"wxpush.toml", "/etc/wxpush/wxpush.toml"}) {
    std::error_code ignored;
    if (std::filesystem::exists(candidate, ignored)) return candidate;
  }
  return std::nullopt;
}

}  // namespace wxpush::config
