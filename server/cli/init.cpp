#include "config/load.h"
#include "crypto/tls/context.h"
#include "server/cli/command.h"
#include "server/cli/files.h"
#include "server/cli/fresh_keys.h"
#include "server/cli/init_files.h"

#include <CLI/CLI.hpp>

#include <filesystem>
#include <istream>
#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::hours certificate_life{24 * 825};

void ask(Streams& io, std::string& answer, const char* option, const std::string& question) {
  if (!answer.empty()) return;
  if (!io.interactive) {
    throw CommandError(exit_usage, std::string(option) + " is needed: nobody is here to be asked");
  }
  io.err << question << ": " << std::flush;
  if (!std::getline(io.in, answer) || answer.empty()) {
    throw CommandError(exit_usage, std::string("no answer for ") + option);
  }
}

struct Places {
  fs::path settings, token, aes_key, certificate, private_key;
};

Places places_of(const InitOptions& options) {
  const fs::path base = options.directory;
  return {base / "wxpush.toml", base / "secrets" / (options.name + "_token"),
          base / "secrets" / (options.name + "_aes_key"), base / "tls" / "cert.pem",
          base / "tls" / "key.pem"};
}

std::vector<fs::path> files_of(const Places& places, bool tls) {
  std::vector<fs::path> files{places.settings, places.token, places.aes_key};
  if (tls) files.insert(files.end(), {places.certificate, places.private_key});
  return files;
}

// Before anything is written.
void refuse_to_overwrite(const std::vector<fs::path>& files) {
  for (const fs::path& file : files) {
    if (fs::exists(fs::symlink_status(file))) {
      throw CommandError(exit_no, file.string() + " is there already; nothing was written");
    }
  }
}

void write_secrets(const Places& places, const FreshKeys& keys) {
  const fs::path directory = places.token.parent_path();
  if (fs::create_directories(directory)) fs::permissions(directory, fs::perms::owner_all);
  write_new(places.token, keys.token.reveal() + '\n', 0600);
  write_new(places.aes_key, keys.encoding_aes_key.reveal() + '\n', 0600);
}

// The one place where secrets are printed: they must get into WeChat's console somehow.
void print_console_values(std::ostream& out, const Url& url, const FreshKeys& keys) {
  out << "Paste this into WeChat's console (mp.weixin.qq.com, 开发管理 → 消息推送):\n\n"
      << "  URL(服务器地址)                 " << to_string(url) << '\n'
      << "  Token(令牌)                     " << keys.token.reveal() << '\n'
      << "  EncodingAESKey(消息加密密钥)    " << keys.encoding_aes_key.reveal() << '\n'
      << "  消息加密方式                    安全模式\n"
      << "  数据格式                        JSON\n";
}

void print_notices(std::ostream& err, const InitOptions& options, const Places& places,
                   const Url& url) {
  err << "\nwritten: " << places.settings.string() << ", and what it names beside it\n"
      << "next:    wxpush serve -c " << places.settings.string() << '\n'
      << "Start the server before saving in the console: WeChat asks it at once.\n";
  if (url.port != 443 && url.port != 80) {
    err << "WeChat reaches ports 80 and 443 only; port " << url.port << " is for trying it here.\n";
  }
  if (!options.no_tls)
    err << "The certificate is self-signed: WeChat wants one from a known authority.\n";
}

int init(InitOptions options, Streams& io) {
  ask(io, options.appid, "--appid", "AppID of the mini program (wx…)");
  ask(io, options.url, "--url", "Public URL that WeChat is to push to (https://…)");
  const Url url = push_url(options);
  const std::string text = settings_text(options, url);
  const Places places = places_of(options);
  const std::vector<fs::path> files = files_of(places, !options.no_tls);
  refuse_to_overwrite(files);
  NewFiles written;  // a refusal below leaves nothing half done, so that the next try is free
  for (const fs::path& file : files) written.add(file);

  crypto::SystemRandom random;
  const FreshKeys keys = make_fresh_keys(random);
  write_secrets(places, keys);
  if (!options.no_tls) {
    fs::create_directories(places.certificate.parent_path());
    crypto::write_self_signed(places.certificate.parent_path().string(), certificate_names(url),
                              std::chrono::system_clock::now(), certificate_life);
  }
  write_new(places.settings, text, 0644);
  const auto loaded = config::load(places.settings, {});
  if (const auto* problems = std::get_if<std::vector<config::Problem>>(&loaded)) {
    for (const auto& problem : *problems) io.err << config::to_string(problem) << '\n';
    throw CommandError(exit_configuration, "these do not make good settings; nothing was written");
  }
  written.keep();
  print_console_values(io.out, url, keys);
  print_notices(io.err, options, places, url);
  return exit_ok;
}

void add_options(CLI::App& command, InitOptions& options) {
  command.add_option("--appid", options.appid, "AppID of the mini program")->type_name("ID");
  command
      .add_option("--url", options.url,
                  "the URL that WeChat is to push to; /wx/NAME if it has no path")
      ->type_name("URL");
  command.add_option("--name", options.name, "what to call the app here")
      ->type_name("NAME")
      ->capture_default_str();
  command.add_option("--dir", options.directory, "where to write")
      ->type_name("DIR")
      ->capture_default_str();
  command.add_option("--store", options.store, "where events are kept; relative to DIR")
      ->type_name("DIR")
      ->capture_default_str();
  command.add_option("--listen", options.listen, "address and port, or unix:/path")
      ->type_name("ADDRESS")
      ->capture_default_str();
  command.add_option("--log-format", options.log_format, "format of the log")
      ->check(CLI::IsMember({"json", "text"}))
      ->type_name("json|text")
      ->capture_default_str();
  command.add_flag("--no-tls", options.no_tls, "no certificate: a proxy in front does TLS");
}

}  // namespace

void add_init(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<InitOptions>();
  CLI::App* command = parent.add_subcommand(
      "init", "Write a configuration with fresh keys, and print what WeChat's console needs");
  add_options(*command, *options);
  command->footer(
      "Asks for what was not given. Nothing is ever overwritten.\n"
      "Examples:\n"
      "  wxpush init\n"
      "  wxpush init --appid wx0123456789abcdef --url https://push.example.com --dir /etc/wxpush\n"
      "  wxpush init --appid wx0123456789abcdef --url https://push.example.com/wechat --no-tls "
      "--listen unix:/run/wxpush/push.sock");
  command->callback(
      [options, &chosen] { chosen.run = [options](Streams& io) { return init(*options, io); }; });
}

}  // namespace wxpush::cli
