#include "handlers/base/clock.h"
#include "handlers/event/json.h"
#include "server/cli/command.h"
#include "server/cli/files.h"
#include "server/cli/output.h"
#include "server/cli/push_input.h"
#include "server/cli/pushing.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct EncryptOptions {
  KeyOptions keys;
  std::string body = "-";
  std::string url;
  std::string timestamp;
  std::string nonce;
  Format format = Format::table;
};

int encrypt(const EncryptOptions& options, Streams& io) {
  const crypto::PushCodec codec = codec_from(options.keys);
  const std::string message = read_input(options.body, io.in);
  crypto::SystemRandom random;
  PushStamp stamp = make_stamp(
      random,
      std::chrono::floor<std::chrono::seconds>(SystemClock().wall()).time_since_epoch().count());
  if (!options.timestamp.empty()) stamp.timestamp = options.timestamp;
  if (!options.nonce.empty()) stamp.nonce = options.nonce;
  const SealedPush push = seal_push(codec, random, message, names_in(codec, message), stamp);
  if (options.format == Format::json) {
    event::JsonWriter json;
    json.begin_object().key("url_query").string(push.query).key("body").string(push.body);
    json.end_object();
    io.out << json.take() << '\n';
  } else {
    io.out << push.body << '\n';
    const bool has_query = options.url.find('?') != std::string::npos;
    io.err << options.url
           << (options.url.empty() ? ""
               : has_query         ? "&"
                                   : "?")
           << push.query << '\n';
  }
  return exit_ok;
}

}  // namespace

void add_encrypt(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<EncryptOptions>();
  CLI::App* command =
      parent.add_subcommand("encrypt", "Seal a message into the body and query of a push");
  add_key_options(*command, options->keys);
  command->add_option("--body", options->body, "the message; - is stdin, and the default")
      ->type_name("FILE");
  command->add_option("--url", options->url, "put the query behind this")->type_name("URL");
  command->add_option("--timestamp", options->timestamp, "instead of now")->type_name("SECONDS");
  command->add_option("--nonce", options->nonce, "instead of a fresh one")->type_name("TEXT");
  add_format(*command, options->format);
  command->footer(
      "The body on stdout, the query on stderr; with --format json both in one object:\n"
      "{\"url_query\":…,\"body\":…}.\n"
      "Example:\n"
      "  wxpush encrypt --app shop --body message.json > push.json 2> query");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return encrypt(*options, io); };
  });
}

}  // namespace wxpush::cli
