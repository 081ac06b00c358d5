#include "handlers/event/message.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/push_check.h"
#include "server/cli/push_input.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct VerifyOptions {
  KeyOptions keys;
  CaptureOptions capture;
};

int verify(const VerifyOptions& options, Streams& io) {
  const crypto::PushCodec codec = codec_from(options.keys);
  const PushCheck check = check_push(codec, capture_from(options.capture, io.in));
  std::vector<std::pair<std::string, std::string>> lines;
  lines.reserve(check.steps.size() + 2);
  for (const CheckStep& step : check.steps) {
    lines.emplace_back((step.good ? "good    " : "FAILED  ") + step.name, step.words);
  }
  if (check.good()) {
    const std::string type = event::read_message(codec.appid(), check.message).type;
    lines.emplace_back("good    message",
                       type.empty() ? "not a JSON event: stored as it is" : type);
  }
  print_facts(io.out, lines);
  return check.good() ? exit_ok : exit_no;
}

}  // namespace

void add_verify(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command =
      parent.add_subcommand("verify", "Say whether a captured push is genuine, and if not, why");
  add_key_options(*command, options->keys);
  add_capture_options(*command, options->capture);
  command->footer(
      "Needs no server. Exit code 0 if every check is good, 1 if one failed (it is named), 65 if\n"
      "the body is no push.\n"
      "Examples:\n"
      "  wxpush verify --app shop --url 'https://…/wx/shop?timestamp=…&nonce=…&msg_signature=…' "
      "--body push.json\n"
      "  wxpush verify --token-file t --encoding-aes-key-file k --appid wx0123456789abcdef \\\n"
      "    --timestamp 1714112445 --nonce 415670741 --msg-signature 046e… --encrypt '+qdx…'");
  command->callback(
      [options, &chosen] { chosen.run = [options](Streams& io) { return verify(*options, io); }; });
}

}  // namespace wxpush::cli
