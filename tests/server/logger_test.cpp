#include "server/logger.h"

#include "handlers/event/json.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <unistd.h>

using namespace wxpush;

namespace {

// What a logger writes to standard output.
using MakeLogger = std::unique_ptr<Log> (*)(const config::Logging&);
std::string logged(config::Logging settings, void (*use)(Log&),
                   MakeLogger make = server::make_logger) {
  std::fflush(stdout);
  std::string path = "/tmp/wxpush-logger-test-XXXXXX";
  const int file = mkstemp(path.data());
  REQUIRE(file >= 0);
  const int saved = dup(STDOUT_FILENO);
  dup2(file, STDOUT_FILENO);
  {
    const auto log = make(settings);
    use(*log);
  }
  std::fflush(stdout);
  dup2(saved, STDOUT_FILENO);
  close(saved);
  std::string text(4096, '\0');
  const auto size = pread(file, text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  close(file);
  unlink(path.c_str());
  return text;
}

}  // namespace

TEST_CASE("a JSON line is one object: numbers bare, empty fields absent, hostile text harmless") {
  const auto text = logged({config::Level::info, config::LogFormat::json}, [](Log& log) {
    log.info("push", {{"ms", 12}, {"app", "shop\n{\"level\":\"error\"}"}, {"empty", ""}});
  });
  CHECK(text.find('\n') == text.size() - 1);
  const auto line = event::JsonDocument::parse(text);
  REQUIRE(line);
  CHECK(line->root()["level"].string() == "info");
  CHECK(line->root()["message"].string() == "push");
  CHECK(line->root()["ms"].is_number());
  CHECK(line->root()["app"].string() == "shop\n{\"level\":\"error\"}");
  CHECK_FALSE(line->root()["empty"].exists());
  CHECK(line->root()["time"].string()->size() ==
        std::string_view("2026-01-01T00:00:00.000Z").size());
}

TEST_CASE("a text value cannot begin a line or pass for a field") {
  const auto text = logged({config::Level::info, config::LogFormat::text}, [](Log& log) {
    log.warning("push", {{"a", "plain"}, {"b", "two words\nx=y"}});
  });
  CHECK(text.ends_with(" warning push a=plain b=\"two words\\nx=y\"\n"));
}

TEST_CASE("what is below the level is not written") {
  const auto text = logged({config::Level::warning, config::LogFormat::text}, [](Log& log) {
    log.info("quiet");
    log.error("loud");
  });
  CHECK(text.find("quiet") == std::string::npos);
  CHECK(text.find("loud") != std::string::npos);
}

TEST_CASE("a logger without a thread writes the same lines") {
  const auto text = logged(
      {config::Level::info, config::LogFormat::text},
      [](Log& log) {
        log.debug("quiet");
        log.info("loud", {{"worker", 12}});
      },
      server::make_plain_logger);
  CHECK(text.ends_with(" info loud worker=12\n"));
  CHECK(text.find("quiet") == std::string::npos);
}
