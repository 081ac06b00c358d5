// The commands as they are typed, in this process: what they print, where, and with which code.
#include "server/cli/cli.h"

#include "handlers/event/json.h"
#include "tests/server/cli/support.h"

#include <doctest/doctest.h>

#include <sys/stat.h>

using namespace wxpush;
using namespace wxpush::cli;
using namespace wxpush::cli::test;

TEST_CASE("misuse is 64, told on stderr alone") {
  const std::vector<std::vector<std::string>> misuses{{},
                                                      {"no-such-command"},
                                                      {"check", "--no-such-option"},
                                                      {"sign"},
                                                      {"events"},
                                                      {"events", "show"},
                                                      {"trigger"},
                                                      {"completion", "fish"},
                                                      {"status", "--format", "xml"},
                                                      {"bench", "--connections", "0"},
                                                      {"keygen", "--host", "a"},
                                                      {"verify", "--token-file", "t"}};
  for (const auto& arguments : misuses) {
    const Ran ran = run_command(arguments);
    CAPTURE(ran.err);
    CHECK(ran.code == exit_usage);
    CHECK(ran.out.empty());
    CHECK_FALSE(ran.err.empty());
  }
  CHECK(holds(run_command({"no-such-command"}).err, "no-such-command"));
}

TEST_CASE("help and version go to stdout; every command's help has an example") {
  CHECK(run_command({"--version"}).out.starts_with("wxpush "));
  const std::vector<std::vector<std::string>> commands{{},
                                                       {"init"},
                                                       {"serve"},
                                                       {"check"},
                                                       {"status"},
                                                       {"health"},
                                                       {"keygen"},
                                                       {"keys", "status"},
                                                       {"trigger"},
                                                       {"bench"},
                                                       {"events", "list"},
                                                       {"events", "show"},
                                                       {"events", "tail"},
                                                       {"quarantine", "list"},
                                                       {"quarantine", "retry"},
                                                       {"verify"},
                                                       {"decrypt"},
                                                       {"encrypt"},
                                                       {"sign"},
                                                       {"completion"}};
  for (auto command : commands) {
    command.push_back("--help");
    const Ran ran = run_command(command);
    CAPTURE(command.front());
    CHECK(ran.code == exit_ok);
    CHECK(ran.err.empty());
    CHECK(holds(ran.out, "Example"));
  }
}

TEST_CASE("completion knows every command and its options") {
  for (const char* shell : {"bash", "zsh"}) {
    const Ran ran = run_command({"completion", shell});
    CHECK(ran.code == exit_ok);
    CHECK(holds(ran.out, "'events list'*) words='"));
    CHECK(holds(ran.out, "--msg-signature"));
    CHECK(holds(ran.out, "quarantine"));
  }
}

TEST_CASE("init writes settings that are good, secrets that are private, and says what to paste") {
  const Directory directory;
  const Ran ran =
      run_command({"init", "--dir", directory.path(), "--appid", "wx0123456789abcdef", "--url",
                   "https://push.example.com:8443/wechat/", "--store", "store", "--name", "shop"});
  REQUIRE_MESSAGE(ran.code == exit_ok, ran.err);
  CHECK(holds(ran.out, "https://push.example.com:8443/wechat\n"));
  CHECK(holds(ran.err, "ports 80 and 443"));
  const std::string token = directory.read("secrets/shop_token");
  CHECK(token.size() == 33);
  CHECK(holds(ran.out, token));
  CHECK(holds(ran.out, directory.read("secrets/shop_aes_key")));
  CHECK(holds(ran.out, "安全模式"));
  for (const char* file : {"secrets/shop_token", "secrets/shop_aes_key", "tls/key.pem"}) {
    struct stat facts {};
    REQUIRE(stat((directory / file).c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777U) == 0600U);
  }
  CHECK(run_command({"check", "-c", directory / "wxpush.toml"}).code == exit_ok);
  CHECK(holds(directory.read("wxpush.toml"), "paths = [\"/wechat\"]"));
  CHECK_FALSE(holds(directory.read("wxpush.toml"), token.substr(0, 32)));
}

TEST_CASE("init overwrites nothing, and a refusal writes nothing") {
  const Directory directory;
  const std::vector<std::string> arguments{"init",
                                           "--dir",
                                           directory.path(),
                                           "--appid",
                                           "wx0123456789abcdef",
                                           "--url",
                                           "https://push.example.com",
                                           "--store",
                                           "store"};
  std::filesystem::create_directory(directory / "tls");
  directory.write("tls/cert.pem", "mine");
  const Ran refused = run_command(arguments);
  CHECK(refused.code == exit_no);
  CHECK(holds(refused.err, "cert.pem"));
  CHECK(directory.read("tls/cert.pem") == "mine");
  CHECK_FALSE(std::filesystem::exists(directory / "secrets"));
}

TEST_CASE("init asks nobody where nobody is, and takes no URL that is none") {
  const Directory directory;
  CHECK(run_command({"init", "--dir", directory.path()}).code == exit_usage);
  CHECK(run_command(
            {"init", "--dir", directory.path(), "--appid", "wx0123456789abcdef", "--url", "push"})
            .code == exit_usage);
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("check: every problem a line, 78; --effective prints no secret") {
  const Directory directory;
  const std::string file = init(directory);
  const Ran effective = run_command({"check", "--effective", "-c", file});
  CHECK(effective.code == exit_ok);
  CHECK(holds(effective.out, "[server]"));
  CHECK_FALSE(holds(effective.out, directory.read("secrets/shop_token").substr(0, 32)));
  directory.write("wxpush.toml", directory.read("wxpush.toml") + "\n[unknown]\n[log]\n");
  const Ran broken = run_command({"check", "-c", file});
  CHECK(broken.code == exit_configuration);
  CHECK(broken.out.empty());
  CHECK(holds(broken.err, "wxpush.toml:"));
  CHECK(run_command({"check", "-c", directory / "missing.toml"}).code == exit_configuration);
}

TEST_CASE("which app is meant: the only one, or the one that is named") {
  const Directory directory;
  const std::string file = init(directory);
  CHECK(run_command({"encrypt", "-c", file}, "{}").code == exit_ok);
  CHECK(run_command({"encrypt", "-c", file, "--app", "shop"}, "{}").code == exit_ok);
  const Ran other = run_command({"encrypt", "-c", file, "--app", "other"}, "{}");
  CHECK(other.code == exit_usage);
  CHECK(holds(other.err, "shop"));
}

TEST_CASE("what encrypt seals, verify proves and decrypt gives back byte for byte") {
  const Directory directory;
  const std::string file = init(directory);
  const std::string message("{\"Event\":\"x\"}\n\0\xff", 16);
  const Ran sealed = run_command({"encrypt", "-c", file, "--url", "https://a/wx/shop"}, message);
  REQUIRE(sealed.code == exit_ok);
  const std::string body = directory.write("push.json", sealed.out);
  const std::string url = sealed.err.substr(0, sealed.err.size() - 1);
  CHECK(url.starts_with("https://a/wx/shop?signature="));

  const Ran opened = run_command({"decrypt", "-c", file, "--url", url, "--body", body});
  CHECK(opened.code == exit_ok);
  CHECK(opened.out == message);
  CHECK(opened.err.empty());
  CHECK(run_command({"verify", "-c", file, "--url", url, "--body", "-"}, sealed.out).code ==
        exit_ok);

  const Ran changed =
      run_command({"verify", "-c", file, "--url", url, "--body", body, "--nonce", "1"});
  CHECK(changed.code == exit_no);
  CHECK(holds(changed.out, "FAILED  signature"));
  const Ran refused =
      run_command({"decrypt", "-c", file, "--url", url, "--body", body, "--nonce", "1"});
  CHECK(refused.code == exit_no);
  CHECK(refused.out.empty());
}

TEST_CASE("encrypt as JSON: query and body in one object") {
  const Directory directory;
  const Ran sealed = run_command(
      {"encrypt", "-c", init(directory), "--format", "json", "--timestamp", "5", "--nonce", "7"},
      "{}");
  const auto document = event::JsonDocument::parse(sealed.out);
  REQUIRE(document);
  CHECK(holds(std::string(*document->root()["url_query"].string()), "&timestamp=5&nonce=7&"));
  CHECK(event::JsonDocument::parse(*document->root()["body"].string()));
  CHECK(sealed.err.empty());
}

TEST_CASE("keys from files: the official sample, and what is unusable is 65") {
  const Directory directory;
  const std::string token = directory.write("token", "AAAAA\n");
  const std::string key = directory.write("key", std::string(43, 'A') + "\n");
  const auto with = [&](const std::string& command, const std::string& key_file) {
    return run_command({command, "--token-file", token, "--encoding-aes-key-file", key_file,
                        "--appid", "wxba5fad812f8e6fb9", "--timestamp", "1713424427", "--nonce",
                        "415670741", "--msg-signature", "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1",
                        "--encrypt",
                        "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/"
                        "5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="});
  };
  CHECK(with("decrypt", key).out == "{\"demo_resp\":\"good luck\"}");
  CHECK(with("verify", key).code == exit_ok);
  CHECK(with("verify", directory / "missing").code == exit_unusable);
  CHECK(with("verify", directory.write("short", "abc")).code == exit_unusable);
  CHECK(with("verify", directory.write("empty", " \n")).code == exit_unusable);
}

TEST_CASE("a body that is no push is unusable; a query with a part missing is misuse") {
  const Directory directory;
  const std::string file = init(directory);
  const std::string url = "/wx/shop?timestamp=1&nonce=2&msg_signature=3";
  CHECK(run_command({"verify", "-c", file, "--url", url, "--body", "-"}, "hello").code ==
        exit_unusable);
  const Ran plain =
      run_command({"verify", "-c", file, "--url", url, "--body", "-"}, "{\"Event\":\"x\"}");
  CHECK(plain.code == exit_unusable);
  CHECK(holds(plain.err, "plaintext"));
  CHECK(run_command({"verify", "-c", file, "--url", "/wx/shop?timestamp=1&nonce=2", "--body", "-"},
                    "{}")
            .code == exit_usage);
  CHECK(run_command({"verify", "-c", file, "--url", url}).code == exit_usage);
}

TEST_CASE("sign gives the delivery_sign of the official sample") {
  const Directory directory;
  const std::string secret = directory.write("secret", "test_app_secrect\n");
  const Ran ran = run_command({"sign", "--shopid", "test_shop_id", "--shop-order-id",
                               "test_shop_order_id", "--app-secret-file", secret});
  CHECK(ran.code == exit_ok);
  CHECK(ran.out == "a93d8d6bae9a9483c1b1d4e8670e7f6226ec94cb\n");
  CHECK(run_command({"sign", "--shopid", "s", "--app-secret-file", directory / "missing"}).code ==
        exit_unusable);
}

TEST_CASE("keygen prints fresh keys in the console's form, or writes a certificate") {
  const Ran first = run_command({"keygen"});
  CHECK(first.code == exit_ok);
  CHECK(first.out.starts_with("Token           "));
  CHECK(first.out != run_command({"keygen"}).out);
  const Directory directory;
  CHECK(run_command({"keygen", "--certificate", directory / "tls", "--host", "push.example.com"})
            .code == exit_ok);
  CHECK(holds(directory.read("tls/cert.pem"), "BEGIN CERTIFICATE"));
}

TEST_CASE("without a store there is nothing to list, and without a server nothing to ask: 69") {
  const Directory directory;
  const std::string file = init(directory);
  const std::vector<std::vector<std::string>> commands{{"events", "list"},
                                                       {"events", "show", "1"},
                                                       {"events", "tail"},
                                                       {"quarantine", "list"},
                                                       {"quarantine", "retry"},
                                                       {"status"},
                                                       {"health"},
                                                       {"keys", "status"}};
  for (auto command : commands) {
    command.insert(command.end(), {"-c", file});
    CAPTURE(command.front());
    const Ran ran = run_command(command);
    CHECK(ran.code == exit_unavailable);
    CHECK_FALSE(ran.err.empty());
  }
}

TEST_CASE("a push that nobody takes: three tries, exit code 1") {
  const Directory directory;
  const Ran ran = run_command({"trigger", "update_waybill_status", "-c", init(directory), "--url",
                               "unix:" + (directory / "none")});
  CHECK(ran.code == exit_no);
  std::size_t tries = 0;
  for (std::size_t at = 0; (at = ran.out.find("<-- [", at)) != std::string::npos; ++at) ++tries;
  CHECK(tries == 3);
}

TEST_CASE("output that cannot be written is no success") {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  std::ostringstream err;
  std::istringstream in;
  CHECK(run({"keygen"}, out, err, in) == exit_no);
}
