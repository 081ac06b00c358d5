// Settings back to TOML.
#include "config/load.h"
#include "config/names.h"
#include "config/printing.h"

#include <sstream>

namespace wxpush::config {
namespace {

std::string limits(const Orders& orders) {
  std::string out;
  for (const auto& [status, limit] : orders.silent_after)
    out += (out.empty() ? " " : ", ") + std::to_string(status) + " = " + duration(limit);
  return out.empty() ? "{}" : "{" + out + " }";
}

void print_server(std::ostream& out, const Server& server) {
  out << "[server]\n"
      << "listen = "
      << array_of(server.listen, [](const auto& one) { return quote(to_string(one)); }) << "\n"
      << "threads = " << server.threads << "\n";
  if (server.tls) {
    out << "tls = \"on\"\n"
        << "certificate = " << path(server.tls->certificate) << "\n"
        << "private_key = " << path(server.tls->private_key) << "\n";
  } else {
    out << "tls = \"off\"\n";
  }
  out << "trusted_proxies = "
      << array_of(server.trusted_proxies,
                  [](const Network& network) { return quote(network.text); })
      << "\n"
      << "max_connections = " << server.max_connections << "\n"
      << "max_connections_per_address = " << server.max_connections_per_address << "\n"
      << "handshake_timeout = " << duration(server.handshake_timeout) << "\n"
      << "header_timeout = " << duration(server.header_timeout) << "\n"
      << "idle_timeout = " << duration(server.idle_timeout) << "\n"
      << "request_deadline = " << duration(server.request_deadline) << "\n"
      << "max_header = " << bytes(server.max_header) << "\n"
      << "max_body = " << bytes(server.max_body) << "\n"
      << "max_bodies = " << bytes(server.max_bodies) << "\n"
      << "drain = " << duration(server.drain) << "\n"
      << "max_push_age = " << duration(server.max_push_age) << "\n";
}

void print_rest(std::ostream& out, const Settings& settings) {
  const Store& store = settings.store;
  out << "\n[admin]\n"
      << "listen = " << quote(settings.admin.listen ? to_string(*settings.admin.listen) : "off")
      << "\n"
      << "socket = " << path(settings.admin.socket) << "\n"
      << "\n[store]\n"
      << "path = " << path(store.path) << "\n"
      << "retention = " << duration(store.retention) << "\n"
      << "min_retention = " << duration(store.min_retention) << "\n"
      << "max_size = "
      << (store.max_size.percent > 0 ? quote(std::to_string(store.max_size.percent) + "%")
                                     : bytes(store.max_size.bytes))
      << "\n"
      << "min_free = " << bytes(store.min_free) << "\n"
      << "append_queue = " << store.append_queue << "\n"
      << "append_queue_bytes = " << bytes(store.append_queue_bytes) << "\n";
  if (store.encryption_key)
    out << "encryption_key_file = " << path(store.encryption_key->path) << "\n";
  out << "old_encryption_key_files = "
      << array_of(store.old_encryption_keys, [](const KeyFile& file) { return path(file.path); })
      << "\n\n[orders]\n"
      << "silent_after = " << limits(settings.orders) << "\n"
      << "\n[log]\n"
      << "level = " << quote(name_of(level_names, settings.log.level)) << "\n"
      << "format = " << quote(name_of(format_names, settings.log.format)) << "\n";
}

void print_keys(std::ostream& out, std::vector<Key> keys) {
  // The app's own pair stands above the list; a listed key that happens to bear its name stays
  // there.
  const bool has_own = !keys.empty() && keys.back().name == "default";
  if (has_own) {
    out << "token = " << masked(keys.back().token) << "\n"
        << "encoding_aes_key = " << masked(keys.back().encoding_aes_key) << "\n";
    keys.pop_back();
  }
  if (keys.empty()) return;
  out << "keys = " << array_of(keys, [](const Key& key) {
    return "{ name = " + quote(key.name) + ", token = " + masked(key.token) +
           ", encoding_aes_key = " + masked(key.encoding_aes_key) + " }";
  }) << "\n";
}

void print_back_end(std::ostream& out, const BackEnd& back_end) {
  out << "url = " << quote(back_end.url) << "\n";
  if (!back_end.ca_file.empty()) out << "ca_file = " << path(back_end.ca_file) << "\n";
  out << "allow_private = " << (back_end.allow_private ? "true" : "false") << "\n";
}

void print_route(std::ostream& out, const Route& route) {
  out << "\n[[app.route]]\n"
      << "events = " << strings(route.events) << "\n"
      << "mode = " << quote(name_of(route_mode_names, route.mode)) << "\n";
  print_back_end(out, route);
  out << "store = " << (route.store ? "true" : "false") << "\n";
}

void print_app(std::ostream& out, const App& app) {
  const std::vector<std::string> given_paths(app.paths.begin() + 1, app.paths.end());
  out << "\n[[app]]\n"
      << "name = " << quote(app.name) << "\n"
      << "appid = " << quote(app.appid) << "\n"
      << "paths = " << strings(given_paths) << "\n";
  print_keys(out, app.keys);
  const std::string reply = quote(name_of(reply_names, app.reply));
  if (app.reply_for.empty()) {
    out << "reply = " << reply << "\n";
  } else {
    out << "reply = { ";
    for (const auto& [type, value] : app.reply_for)
      out << type << " = " << quote(name_of(reply_names, value)) << ", ";
    out << "default = " << reply << " }\n";
  }
  out << "quarantine = " << quote(name_of(quarantine_names, app.quarantine)) << "\n";
  out << "ack_after = " << quote(name_of(ack_after_names, app.ack_after)) << "\n";
  if (app.ack_after != AckAfter::local) out << "ack_handler = " << quote(app.ack_handler) << "\n";
  for (const Route& route : app.routes) print_route(out, route);
}

void print_http(std::ostream& out, const HttpTarget& http) {
  print_back_end(out, http);
  out << "secrets = " << array_of(http.secrets, masked) << "\n"
      << "timeout = " << duration(http.timeout) << "\n";
  if (!http.headers.empty()) {
    out << "headers = { ";
    for (std::size_t i = 0; i < http.headers.size(); ++i)
      out << (i == 0 ? "" : ", ") << http.headers[i].first << " = "
          << masked(http.headers[i].second);
    out << " }\n";
  }
  print_client_certificate(out, http.certificate, http.private_key);
  out << "permanent = " << array_of(http.permanent, [](std::uint32_t status) {
    return std::to_string(status);
  }) << "\n";
}

void print_handler(std::ostream& out, const Handler& handler) {
  out << "\n[[handler]]\n"
      << "name = " << quote(handler.name) << "\n"
      << "type = " << quote(name_of(handler_type_names, handler.type)) << "\n";
  if (!handler.apps.empty()) out << "apps = " << strings(handler.apps) << "\n";
  if (!handler.events.empty()) out << "events = " << strings(handler.events) << "\n";
  out << "from = " << quote(name_of(from_names, handler.from)) << "\n";
  if (!handler.renamed_from.empty())
    out << "renamed_from = " << quote(handler.renamed_from) << "\n";
  out << "concurrency = " << handler.concurrency << "\n"
      << "retry_min = " << duration(handler.retry_min) << "\n"
      << "retry_max = " << duration(handler.retry_max) << "\n"
      << "max_attempts = " << handler.max_attempts << "\n"
      << "give_up_after = " << duration(handler.give_up_after) << "\n"
      << "on_dead = " << quote(name_of(on_dead_names, handler.on_dead)) << "\n"
      << "dedupe = " << quote(name_of(dedupe_names, handler.dedupe)) << "\n"
      << "max_backlog_age = " << duration(handler.max_backlog_age) << "\n";
  if (handler.type == HandlerType::http) print_http(out, handler.http);
  if (handler.type == HandlerType::amqp) print_amqp(out, handler.amqp);
  if (handler.type == HandlerType::redis) print_redis(out, handler.redis);
  if (handler.type == HandlerType::kafka) print_kafka(out, handler.kafka);
}

}  // namespace

std::string to_toml(const Settings& settings) {
  std::ostringstream out;
  print_server(out, settings.server);
  print_rest(out, settings);
  for (const App& app : settings.apps) print_app(out, app);
  for (const Handler& handler : settings.handlers) print_handler(out, handler);
  return out.str();
}

}  // namespace wxpush::config
