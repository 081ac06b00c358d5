#include "crypto/tls/context.h"
#include "server/cli/command.h"
#include "server/cli/fresh_keys.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <filesystem>
#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

constexpr std::chrono::hours certificate_life{24 * 825};  // the longest that browsers still take

struct KeygenOptions {
  std::string directory;
  std::vector<std::string> hosts{"localhost", "127.0.0.1"};
};

int keygen(const KeygenOptions& options, Streams& io) {
  if (options.directory.empty()) {
    crypto::SystemRandom random;
    const FreshKeys keys = make_fresh_keys(random);
    io.out << "Token           " << keys.token.reveal() << '\n'
           << "EncodingAESKey  " << keys.encoding_aes_key.reveal() << '\n';
    return exit_ok;
  }
  std::filesystem::create_directories(options.directory);
  crypto::write_self_signed(options.directory, options.hosts, std::chrono::system_clock::now(),
                            certificate_life);
  const std::filesystem::path directory = options.directory;
  io.out << (directory / "cert.pem").string() << '\n' << (directory / "key.pem").string() << '\n';
  io.err << "self-signed: good for development and behind a proxy; WeChat wants one from a known "
            "authority\n";
  return exit_ok;
}

}  // namespace

void add_keygen(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<KeygenOptions>();
  CLI::App* command = parent.add_subcommand(
      "keygen", "Print a fresh Token and EncodingAESKey, or write a certificate");
  CLI::Option* directory =
      command
          ->add_option("--certificate", options->directory,
                       "write cert.pem and key.pem (self-signed, P-256) here instead")
          ->type_name("DIR");
  command
      ->add_option("--host", options->hosts,
                   "the names and addresses it is for (localhost and 127.0.0.1 without it)")
      ->type_name("NAME")
      ->needs(directory);
  command->footer(
      "Examples:\n"
      "  wxpush keygen\n"
      "  wxpush keygen --certificate tls --host push.example.com --host 10.0.0.5");
  command->callback(
      [options, &chosen] { chosen.run = [options](Streams& io) { return keygen(*options, io); }; });
}

}  // namespace wxpush::cli
