#include "config/secret.h"
#include "crypto/primitives/hash.h"
#include "crypto/primitives/random.h"
#include "crypto/tls/context.h"
#include "handlers/queue/body_cipher.h"
#include "server/cli/command.h"
#include "server/cli/files.h"
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
  std::string store_key;
  std::vector<std::string> hosts{"localhost", "127.0.0.1"};
};

// The key itself goes nowhere but into the file.
int write_store_key(const std::string& file, Streams& io) {
  crypto::SystemRandom random;
  std::string bytes(queue::BodyKey::size, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  const queue::BodyKey key(bytes);
  std::string digits =
      crypto::to_hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  write_new(file, digits + '\n', 0600);
  config::wipe(bytes);
  config::wipe(digits);
  io.out << key.mark() << '\n';
  io.err << "the key " << key.mark() << " is in " << file
         << ": name it as store.encryption_key_file, and keep a copy apart from the store's "
            "backups; without it the bodies are lost\n";
  return exit_ok;
}

int keygen(const KeygenOptions& options, Streams& io) {
  if (!options.store_key.empty()) return write_store_key(options.store_key, io);
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
      "keygen",
      "Print a fresh Token and EncodingAESKey, or write a certificate or the store's key");
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
  command
      ->add_option("--store-key", options->store_key,
                   "write a key that event bodies are encrypted with in the store (0600) here "
                   "instead, and print its mark")
      ->type_name("FILE")
      ->excludes(directory);
  command->footer(
      "Examples:\n"
      "  wxpush keygen\n"
      "  wxpush keygen --certificate tls --host push.example.com --host 10.0.0.5\n"
      "  wxpush keygen --store-key secrets/store_key");
  command->callback(
      [options, &chosen] { chosen.run = [options](Streams& io) { return keygen(*options, io); }; });
}

}  // namespace wxpush::cli
