#include "tests/config/scratch.h"

using namespace wxpush::config;
using namespace wxpush::config::test;
using Lines = std::vector<std::string>;

namespace {

std::string app_named(const std::string& name) {
  return "[[app]]\nname = \"" + name + "\"\nappid = \"wx-" + name +
         "\"\ntoken = \"t\"\nencoding_aes_key = \"" + aes_key + "\"\n";
}

Lines names_of(const Settings& settings) {
  Lines names;
  for (const App& app : settings.apps) names.push_back(app.name);
  return names;
}

}  // namespace

TEST_CASE(
    "patterns are relative to the file and found in byte order, after the file's own entries") {
  const Scratch scratch;
  scratch.write("apps/b.toml", app_named("b"));
  scratch.write("apps/B.toml", app_named("upper-b"));
  scratch.write("apps/a.toml", app_named("a"));
  scratch.write("apps/not-one.txt", "this is not read");
  scratch.write("apps/.hidden.toml", "neither is this");
  scratch.write("extra.toml", "[[handler]]\nname = \"print\"\ntype = \"log\"\napps = [\"b\"]");
  const auto settings =
      scratch.settings("include = [\"extra.toml\", \"apps/*.toml\", \"apps/a.toml\"]\n" + minimal);
  CHECK(names_of(settings) == Lines{"shop", "upper-b", "a", "b"});
  CHECK(settings.handlers.size() == 1);
}

TEST_CASE("one pattern needs no array, and a folder's name may hold wildcards") {
  const Scratch scratch;
  scratch.write("con[f]*/apps/a.toml", app_named("a"));
  scratch.write("con[f]*/wxpush.toml", "include = \"apps/*.toml\"\n" + server_without_tls);
  const auto loaded = load(scratch.folder() / "con[f]*/wxpush.toml", {});
  REQUIRE(std::holds_alternative<Settings>(loaded));
  CHECK(names_of(std::get<Settings>(loaded)) == Lines{"a"});
}

TEST_CASE("paths in an included file are relative to that file") {
  const Scratch scratch;
  scratch.write("apps/secret", "from-apps");
  scratch.write("secret", "from-main");
  scratch.write(
      "apps/a.toml",
      "[[app]]\nname = \"a\"\nappid = \"wx\"\ntoken_file = \"secret\"\nencoding_aes_key = \"" +
          aes_key + "\"\n");
  const auto settings = scratch.settings("include = [\"apps/a.toml\"]\n" + server_without_tls);
  CHECK(settings.apps.at(0).keys.at(0).token.reveal() == "from-apps");
}

TEST_CASE("a wildcard may find nothing, a plain name may not") {
  const Scratch scratch;
  CHECK(scratch.problems("include = [\"apps/*.toml\"]\n" + minimal).empty());
  CHECK(scratch.problems("include = [\n\"apps/a.toml\"]\n" + minimal) ==
        Lines{"wxpush.toml:2: include: \"apps/a.toml\": there is no such file; patterns are "
              "relative to wxpush.toml"});
}

TEST_CASE("a pattern that finds the file itself is told") {
  const Scratch scratch;
  CHECK(scratch.problems("include = [\"*.toml\"]\n" + minimal) ==
        Lines{"wxpush.toml:1: include: \"*.toml\" finds this file itself; keep the others in a "
              "folder of their own, "
              "such as \"apps/*.toml\""});
}

TEST_CASE("included files hold apps and handlers only") {
  const Scratch scratch;
  scratch.write("a.toml", "include = [\"b.toml\"]\ncolour = 1\n[log]\nlevel = \"info\"\n");
  CHECK(scratch.problems("include = [\"a.toml\"]\n" + minimal) ==
        Lines{"a.toml:1: include: may not stand in an included file, which holds [[app]] and "
              "[[handler]] only; move it "
              "to wxpush.toml",
              "a.toml:2: colour: unknown key; known here are admin, app, handler, include, log, "
              "orders, server and store",
              "a.toml:3: log: may not stand in an included file, which holds [[app]] and "
              "[[handler]] only; move it to "
              "wxpush.toml"});
}

TEST_CASE("names are unique over all files, and each problem names its file") {
  const Scratch scratch;
  scratch.write("apps/a.toml", "\n" + app_named("shop"));
  CHECK(scratch.problems("include = [\"apps/*.toml\"]\n" + minimal) ==
        Lines{"apps/a.toml:3: app.shop.name: is taken by the [[app]] at wxpush.toml:4; names are "
              "unique"});
}

TEST_CASE(
    "a broken included file is told beside the problems of the others, and blames nothing on what "
    "it may hold") {
  const Scratch scratch;
  scratch.write("apps/a.toml", "[[app]]\nname = \"a\"\nappid = =\n");
  scratch.write("apps/b.toml",
                "[[handler]]\nname = \"print\"\ntype = \"log\"\napps = [\"a\"]\nfrom = \"then\"\n");
  const auto lines =
      scratch.problems("include = [\"apps/*.toml\"]\n" + server_without_tls + "threads = -1\n");
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == "wxpush.toml:4: server.threads: -1 is out of range; it must be from 0 to 256");
  CHECK(lines[1].starts_with("apps/a.toml:3: not valid TOML: "));
  CHECK(lines[2] ==
        "apps/b.toml:5: handler.print.from: \"then\" is unknown; it must be \"auto\", \"now\" or "
        "\"oldest\"");
}

TEST_CASE("a file that cannot be read is told") {
  const Scratch scratch;
  const auto only = [](const Loaded& loaded) {
    return std::get<std::vector<Problem>>(loaded).at(0).text;
  };
  CHECK(only(load(scratch.folder() / "gone.toml", {})) ==
        "cannot be read: No such file or directory");
  CHECK(only(load(scratch.folder(), {})) == "cannot be read: it is no regular file");
  const auto large = scratch.write("large.toml", std::string(1024 * 1024 + 1, '#'));
  CHECK(only(load(large, {})) == "cannot be read: it is larger than 1MiB");
  // One that does not say how large it is.
  CHECK(only(load("/proc/self/status", {})).starts_with("not valid TOML: "));
}
