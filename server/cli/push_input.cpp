#include "server/cli/push_input.h"

#include "handlers/base/url.h"
#include "handlers/event/envelope.h"
#include "server/cli/files.h"
#include "server/cli/pushing.h"
#include "server/cli/settings_source.h"

#include <CLI/CLI.hpp>

namespace wxpush::cli {
namespace {

// A whole URL, or only what stands behind its '?'.
std::map<std::string, std::string> query_of(const std::string& url) {
  const std::size_t question = url.find('?');
  return parse_query(question == std::string::npos ? url : url.substr(question + 1));
}

std::string encrypt_in(const std::string& body) {
  const auto envelope = event::read_envelope(body);
  if (!envelope) throw CommandError(exit_unusable, "the body is neither a JSON object nor XML");
  if (envelope->encrypt.empty()) {
    throw CommandError(
        exit_unusable,
        "the body has no Encrypt: plaintext mode is on in WeChat's console, or it is "
        "not the body of a push");
  }
  return envelope->encrypt;
}

}  // namespace

void add_key_options(CLI::App& command, KeyOptions& options) {
  add_config(command, options.config);
  add_app(command, options.app);
  CLI::Option* token =
      command.add_option("--token-file", options.token_file, "the Token, in a file")
          ->type_name("FILE");
  CLI::Option* key = command
                         .add_option("--encoding-aes-key-file", options.encoding_aes_key_file,
                                     "the EncodingAESKey, in a file")
                         ->type_name("FILE");
  CLI::Option* appid =
      command.add_option("--appid", options.appid, "the mini program's AppID")->type_name("ID");
  token->needs(key)->needs(appid);
  key->needs(token);
  appid->needs(token);
}

crypto::PushCodec codec_from(const KeyOptions& options) {
  if (options.token_file.empty()) {
    const config::Settings settings = load_settings(options.config);
    return make_codec(select_app(settings, options.app));
  }
  const config::Secret token = read_secret(options.token_file);
  const config::Secret aes_key = read_secret(options.encoding_aes_key_file);
  auto key = crypto::PushKey::make("given", token.reveal(), aes_key.reveal());
  if (!key) {
    throw CommandError(exit_unusable, options.encoding_aes_key_file + ": " + key.error().message());
  }
  std::vector<crypto::PushKey> keys;
  keys.push_back(std::move(*key));
  return {options.appid, std::move(keys)};
}

void add_capture_options(CLI::App& command, CaptureOptions& options) {
  command.add_option("--url", options.url, "the URL it was pushed to, with its query")
      ->type_name("URL");
  command.add_option("--body", options.body, "the body of the push; - is stdin")->type_name("FILE");
  command.add_option("--timestamp", options.timestamp, "instead of the URL's")
      ->type_name("SECONDS");
  command.add_option("--nonce", options.nonce, "instead of the URL's")->type_name("TEXT");
  command.add_option("--msg-signature", options.msg_signature, "instead of the URL's")
      ->type_name("HEX");
  command.add_option("--encrypt", options.encrypt, "instead of the body's")->type_name("BASE64");
}

Capture capture_from(const CaptureOptions& options, std::istream& in) {
  const auto query = query_of(options.url);
  const auto pick = [&](const std::string& given, const char* name, const char* option) {
    if (!given.empty()) return given;
    const auto found = query.find(name);
    if (found != query.end() && !found->second.empty()) return found->second;
    throw CommandError(exit_usage, std::string("no ") + name + ": give " + option +
                                       ", or --url with its whole query (in quotes)");
  };
  Capture capture;
  capture.timestamp = pick(options.timestamp, "timestamp", "--timestamp");
  capture.nonce = pick(options.nonce, "nonce", "--nonce");
  capture.msg_signature = pick(options.msg_signature, "msg_signature", "--msg-signature");
  if (options.encrypt.empty() && options.body.empty()) {
    throw CommandError(exit_usage, "no body: give --body FILE, or --encrypt");
  }
  capture.encrypt =
      options.encrypt.empty() ? encrypt_in(read_input(options.body, in)) : options.encrypt;
  return capture;
}

}  // namespace wxpush::cli
