#include "crypto/wechat/signature.h"
#include "server/cli/command.h"
#include "server/cli/files.h"

#include <CLI/CLI.hpp>

#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

struct SignOptions {
  std::string shopid;
  std::string shop_order_id;
  std::string secret_file;
};

int sign(const SignOptions& options, Streams& io) {
  const config::Secret secret = read_secret(options.secret_file);
  io.out << crypto::delivery_sign(options.shopid, options.shop_order_id, secret.reveal()) << '\n';
  return exit_ok;
}

}  // namespace

void add_sign(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<SignOptions>();
  CLI::App* command =
      parent.add_subcommand("sign", "Print the delivery_sign of a merchant API request");
  command->add_option("--shopid", options->shopid, "the merchant's id at the carrier")
      ->type_name("S")
      ->required();
  command
      ->add_option("--shop-order-id", options->shop_order_id, "the order, if the request has one")
      ->type_name("O");
  command->add_option("--app-secret-file", options->secret_file, "the AppSecret, in a file")
      ->type_name("FILE")
      ->required();
  command->footer(
      "SHA-1 over shopid, shop_order_id and AppSecret.\n"
      "Example:\n"
      "  wxpush sign --shopid test_shop_id --shop-order-id test_shop_order_id "
      "--app-secret-file secrets/app_secret");
  command->callback(
      [options, &chosen] { chosen.run = [options](Streams& io) { return sign(*options, io); }; });
}

}  // namespace wxpush::cli
