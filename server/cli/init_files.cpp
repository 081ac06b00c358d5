#include "server/cli/init_files.h"

#include "server/cli/command.h"

namespace wxpush::cli {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      throw CommandError(exit_usage, "a control character in " + text);
    }
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string server_part(const InitOptions& options) {
  std::string text = "[server]\nlisten = " + quoted(options.listen) + '\n';
  if (options.no_tls) return text + "tls = \"off\"  # a proxy in front does TLS\n";
  return text +
         "# Self-signed: put the one that your domain has in its place; WeChat wants a known "
         "authority.\n"
         "certificate = \"tls/cert.pem\"\n"
         "private_key = \"tls/key.pem\"\n";
}

std::string app_part(const InitOptions& options, const Url& url) {
  std::string text =
      "[[app]]\nname = " + quoted(options.name) + "\nappid = " + quoted(options.appid);
  if (url.path != "/wx/" + options.name) text += "\npaths = [" + quoted(url.path) + "]";
  return text + "\ntoken_file = " + quoted("secrets/" + options.name + "_token") +
         "\nencoding_aes_key_file = " + quoted("secrets/" + options.name + "_aes_key") + '\n';
}

}  // namespace

Url push_url(const InitOptions& options) {
  auto url = parse_url(options.url);
  if (!url || url->scheme == Scheme::unix_socket) {
    throw CommandError(exit_usage, "--url: not an http:// or https:// URL: " + options.url);
  }
  if (!url->query.empty()) throw CommandError(exit_usage, "--url: without a query, please");
  while (url->path.ends_with('/')) url->path.pop_back();
  if (url->path.empty()) url->path = "/wx/" + options.name;
  return *url;
}

std::string settings_text(const InitOptions& options, const Url& url) {
  return "# Written by `wxpush init`. Every setting there is: config/wxpush.example.toml.\n\n" +
         server_part(options) + "\n[store]\npath = " + quoted(options.store) +
         "\n\n[log]\nformat = " + quoted(options.log_format) + "\n\n" + app_part(options, url) +
         "\n# Prints each event, without what is private. Add your own handlers beside it.\n"
         "[[handler]]\nname = \"log\"\ntype = \"log\"\n";
}

std::vector<std::string> certificate_names(const Url& url) {
  std::vector<std::string> names{"localhost", "127.0.0.1"};
  if (url.host != names[0] && url.host != names[1]) names.insert(names.begin(), url.host);
  return names;
}

}  // namespace wxpush::cli
