#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/push_check.h"
#include "server/cli/push_input.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct DecryptOptions {
  KeyOptions keys;
  CaptureOptions capture;
};

int decrypt(const DecryptOptions& options, Streams& io) {
  const crypto::PushCodec codec = codec_from(options.keys);
  const PushCheck check = check_push(codec, capture_from(options.capture, io.in));
  if (!check.good()) {
    const CheckStep& failed = check.steps.back();
    throw CommandError(exit_no, failed.name + ": " + printable(failed.words));
  }
  io.out << check.message;
  return exit_ok;
}

}  // namespace

void add_decrypt(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<DecryptOptions>();
  CLI::App* command = parent.add_subcommand("decrypt", "Print the message in a captured push");
  add_key_options(*command, options->keys);
  add_capture_options(*command, options->capture);
  command->footer(
      "The message's bytes alone on stdout, nothing added. Exit code 1 if the push is not "
      "genuine;\n"
      "`wxpush verify` says more.\n"
      "Example:\n"
      "  wxpush decrypt --app shop --url '/wx/shop?timestamp=…&nonce=…&msg_signature=…' --body - "
      "< push.json");
  command->callback([options, &chosen] {
    chosen.run = [options](Streams& io) { return decrypt(*options, io); };
  });
}

}  // namespace wxpush::cli
