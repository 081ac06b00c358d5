#include "tests/config/scratch.h"

#include <cstdlib>

using namespace wxpush::config;
using namespace wxpush::config::test;
using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

TEST_CASE("variables take the place of what the file says, and of what it leaves out") {
  const Scratch scratch;
  const auto settings = scratch.settings(server_without_tls + "threads = 1\n" + shop,
                                         {{"WXPUSH__SERVER__LISTEN", "127.0.0.1:0, [::1]:0"},
                                          {"WXPUSH__SERVER__THREADS", "4"},
                                          {"WXPUSH__SERVER__TRUSTED_PROXIES", ""},
                                          {"WXPUSH__SERVER__IDLE_TIMEOUT", "90s"},
                                          {"WXPUSH__SERVER__MAX_BODY", "2MiB"},
                                          {"WXPUSH__STORE__MAX_SIZE", "50%"},
                                          {"WXPUSH__STORE__MIN_FREE", "1024"},
                                          {"WXPUSH__LOG__FORMAT", "text"},
                                          {"WXPUSH__APP__SHOP__REPLY", "empty"},
                                          {"UNRELATED", "x"},
                                          {"WXPUSH_HOME", "x"}});
  CHECK(settings.server.listen ==
        std::vector<ListenAddress>{TcpAddress{"127.0.0.1", 0}, TcpAddress{"::1", 0}});
  CHECK(settings.server.threads == 4);
  CHECK(settings.server.trusted_proxies.empty());
  CHECK(settings.server.idle_timeout == 90s);
  CHECK(settings.server.max_body == 2U << 20);
  CHECK(settings.store.max_size == SizeLimit{0, 50});
  CHECK(settings.store.min_free == 1024);
  CHECK(settings.log.format == LogFormat::text);
  CHECK(settings.apps.at(0).reply == Reply::empty);
}

TEST_CASE("an entry's name is written in capitals, with _ for -") {
  const Scratch scratch;
  const auto settings = scratch.settings(
      minimal + "[[handler]]\nname = \"to-log\"\ntype = \"log\"\nfrom = \"now\"\n",
      {{"WXPUSH__HANDLER__TO_LOG__EVENTS", "a,b"}, {"WXPUSH__HANDLER__TO_LOG__FROM", "oldest"}});
  CHECK(settings.handlers.at(0).events == Lines{"a", "b"});
  CHECK(settings.handlers.at(0).from == From::oldest);
}

TEST_CASE(
    "a secret's file given by a variable takes the place of the secret in the file, and the other "
    "way round") {
  const Scratch scratch;
  const auto token_file = scratch.write("token", "from-variable\n").string();
  const auto token_of = [](const Settings& settings) {
    return settings.apps.at(0).keys.at(0).token.reveal();
  };
  CHECK(token_of(scratch.settings(minimal, {{"WXPUSH__APP__SHOP__TOKEN_FILE", token_file}})) ==
        "from-variable");
  const std::string with_file =
      server_without_tls + "[[app]]\nname = \"shop\"\nappid = \"wx1\"\ntoken_file = \"gone\"\n" +
      "encoding_aes_key = \"" + aes_key + "\"\n";
  CHECK(token_of(scratch.settings(with_file, {{"WXPUSH__APP__SHOP__TOKEN", "direct"}})) ==
        "direct");
}

TEST_CASE("relative paths in variables are relative to the current folder") {
  const Scratch scratch;
  const auto settings = scratch.settings(minimal, {{"WXPUSH__STORE__PATH", "data"}});
  CHECK(settings.store.path == std::filesystem::current_path() / "data");
}

TEST_CASE("what is wrong with a variable is told under its name, after the files' problems") {
  const Scratch scratch;
  CHECK(
      scratch.problems(minimal + "[log]\nlevel = \"loud\"\n",
                       {{"WXPUSH__APP__FOO_BAR__TOKEN", "x"},
                        {"WXPUSH__APP__SHOP__NAME", "other"},
                        {"WXPUSH__APP__SHOP__KEYS", "x"},
                        {"WXPUSH__SERVER__LISTEN", "localhost:1"},
                        {"WXPUSH__SERVER__LISTENS", "x"},
                        {"WXPUSH__SERVER__THREADS", "many"},
                        {"WXPUSH__WEATHER", "x"}}) ==
      Lines{
          "wxpush.toml:9: log.level: \"loud\" is unknown; it must be \"debug\", \"info\", "
          "\"warning\" or \"error\"",
          "environment: WXPUSH__SERVER__LISTEN: \"localhost:1\" is no address to listen on; write "
          "a numeric one such "
          "as \"0.0.0.0:8443\", \"[::]:8443\" or \"unix:/run/wxpush/push.sock\"",
          "environment: WXPUSH__SERVER__THREADS: \"many\" is no integer; it must be from 0 to 256",
          "environment: WXPUSH__APP__SHOP__NAME: cannot be set by a variable; set it in the file",
          "environment: WXPUSH__APP__SHOP__KEYS: cannot be set by a variable; set it in the file",
          "environment: WXPUSH__APP__FOO_BAR__TOKEN: there is no [[app]] named \"foo-bar\" in the "
          "files; variables "
          "only change entries that are there",
          "environment: WXPUSH__SERVER__LISTENS: no setting has this variable; did you mean "
          "WXPUSH__SERVER__LISTEN?",
          "environment: WXPUSH__WEATHER: no setting has this variable; write WXPUSH__SECTION__KEY "
          "or "
          "WXPUSH__APP__NAME__KEY in capitals"});
}

TEST_CASE("of the process's environment only WXPUSH__ is taken") {
  REQUIRE(::setenv("WXPUSH__TEST__ONE", "a=b", 1) == 0);
  const auto environment = process_environment();
  ::unsetenv("WXPUSH__TEST__ONE");
  CHECK(environment.at("WXPUSH__TEST__ONE") == "a=b");
  for (const auto& [name, value] : environment) CHECK(name.starts_with("WXPUSH__"));
}
