// What one accepted push costs on the protocol path, without socket, TLS and disk: HTTP parsing,
// verifying, decrypting, reading the event, its ids, the sealed reply, and the answer's bytes. Run
// under callgrind by `./dev bench`, which takes the difference of two counts of pushes, so that
// set-up is not in the figure.
//   push_path_bench PUSHES
#include "crypto/primitives/random.h"
#include "server/push_endpoint.h"
#include "server/request_reader.h"
#include "tests/bench/sample_push.h"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>

using namespace wxpush;

namespace {

std::string request_bytes() {
  const auto encrypted = bench::encrypted();
  const auto body = bench::envelope_of(encrypted);
  return "POST /wx/shop?signature=x&timestamp=" + std::string(bench::timestamp) +
         "&nonce=" + std::string(bench::nonce) +
         "&openid=oWeChatTeam&encrypt_type=aes&msg_signature=" + bench::signature_of(encrypted) +
         " HTTP/1.1\r\nHost: example.com\r\nUser-Agent: Mozilla/4.0\r\nAccept: "
         "*/*\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::shared_ptr<server::AppTable> apps(server::Metrics& metrics) {
  config::App app;
  app.name = "shop";
  app.appid = bench::appid;
  app.paths = {"/wx/shop"};
  app.keys = {{"default", config::Secret(std::string(bench::token)),
               config::Secret(std::string(bench::aes_key))}};
  return std::make_shared<server::AppTable>(std::vector{app}, metrics);
}

}  // namespace

int main(int argc, char** argv) {
  const long pushes = argc > 1 ? std::atol(argv[1]) : 100000;
  if (pushes <= 0) {
    std::cerr << "usage: push_path_bench [PUSHES], at least one\n";
    return 64;
  }
  crypto::SystemRandom random;
  server::Metrics metrics;
  server::PushEndpoint endpoint(apps(metrics), random, std::chrono::seconds(0));
  server::RequestReader reader({});
  const auto bytes = request_bytes();
  std::size_t answered = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (long i = 0; i < pushes; ++i) {
    reader.feed(bytes);
    const auto action =
        endpoint.accept(reader.request(), WallTime{std::chrono::milliseconds(1700000000000)});
    if (!action.append) {
      std::cerr << "push_path_bench: the push was not accepted\n";
      return 1;
    }
    answered += server::to_wire(action.reply, true, false, false).size();
    reader.next();
  }
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begun;
  std::cout << pushes << " pushes, " << took.count() / static_cast<double>(pushes) << " us each, "
            << answered / static_cast<std::size_t>(pushes) << " bytes answered each\n";
  return 0;
}
