// An app's keys: given in the file or in files of their own, one pair or several.
#include "tests/config/scratch.h"

using namespace wxpush::config;
using namespace wxpush::config::test;

namespace {

const std::string app_without_keys =
    server_without_tls + "[[app]]\nname = \"shop\"\nappid = \"wx1\"\n";

std::vector<Key> keys_of(const Settings& settings) {
  return settings.apps.at(0).keys;
}

void check_key(const Key& key, const std::string& name, const std::string& token,
               const std::string& aes) {
  CHECK(key.name == name);
  CHECK(key.token.reveal() == token);
  CHECK(key.encoding_aes_key.reveal() == aes);
}

}  // namespace

TEST_CASE("one pair is the key named default") {
  const Scratch scratch;
  const auto keys = keys_of(scratch.settings(minimal));
  REQUIRE(keys.size() == 1);
  check_key(keys[0], "default", "shop-token", aes_key);
}

TEST_CASE("secrets come from files, whose last line end does not count") {
  const Scratch scratch;
  scratch.write("secrets/token", "from-file\r\n");
  scratch.write("secrets/aes", aes_key + "\n");
  const auto keys = keys_of(
      scratch.settings(app_without_keys +
                       "token_file = \"secrets/token\"\nencoding_aes_key_file = \"secrets/aes\""));
  REQUIRE(keys.size() == 1);
  check_key(keys[0], "default", "from-file", aes_key);
}

TEST_CASE(
    "of several keys each takes the app's half for the one it lacks, and the app's own pair is the "
    "last") {
  const Scratch scratch;
  scratch.write("new-token", "new");
  const auto keys = keys_of(scratch.settings(minimal + R"(
keys = [
  { name = "2026-11", token_file = "new-token", encoding_aes_key = ")" +
                                             other_aes_key + R"(" },
  { name = "2026-08", token = "middle" },
  { name = "2026-05", encoding_aes_key = ")" +
                                             other_aes_key + R"(" },
])"));
  REQUIRE(keys.size() == 4);
  check_key(keys[0], "2026-11", "new", other_aes_key);
  check_key(keys[1], "2026-08", "middle", aes_key);
  check_key(keys[2], "2026-05", "shop-token", other_aes_key);
  check_key(keys[3], "default", "shop-token", aes_key);
}

TEST_CASE("a half above the list that is no whole pair is no key of its own") {
  const Scratch scratch;
  const auto keys = keys_of(scratch.settings(
      app_without_keys + "token = \"shared\"\nkeys = [{ name = \"a\", encoding_aes_key = \"" +
      aes_key + "\" }]"));
  REQUIRE(keys.size() == 1);
  check_key(keys[0], "a", "shared", aes_key);
}

TEST_CASE("keys may also be written as [[app.keys]]") {
  const Scratch scratch;
  const auto keys = keys_of(scratch.settings(
      app_without_keys + "[[app.keys]]\nname = \"a\"\ntoken = \"t\"\nencoding_aes_key = \"" +
      aes_key + "\""));
  REQUIRE(keys.size() == 1);
  check_key(keys[0], "a", "t", aes_key);
}

TEST_CASE("a secret file that cannot be used is told with its path") {
  const Scratch scratch;
  scratch.write("empty", "\n");
  scratch.write("large", std::string(4097, 'x'));
  scratch.write("folder/x", "");
  const auto problem_with = [&](const std::string& file) {
    const auto lines = scratch.problems(app_without_keys + "token_file = \"" + file +
                                        "\"\nencoding_aes_key = \"" + aes_key + "\"");
    REQUIRE(lines.size() == 1);
    return lines[0];
  };
  const std::string start = "wxpush.toml:6: app.shop.token_file: the file ";
  const std::string end = "; it must hold the secret alone, readable to wxpush";
  CHECK(problem_with("gone") == start + "\"gone\" cannot be used: No such file or directory" + end);
  CHECK(problem_with("empty") == start + "\"empty\" cannot be used: it is empty" + end);
  CHECK(problem_with("large") == start + "\"large\" cannot be used: it is larger than 4KiB" + end);
  CHECK(problem_with("folder") == start + "\"folder\" cannot be used: it is no regular file" + end);
}

TEST_CASE("a token of 128 characters is the longest, of one the shortest") {
  const Scratch scratch;
  const auto with = [](const std::string& token) {
    return app_without_keys + "encoding_aes_key = \"" + aes_key + "\"\ntoken = \"" + token + "\"";
  };
  CHECK(scratch.problems(with(std::string(128, 't'))).empty());
  CHECK(scratch.problems(with("t")).empty());
  CHECK(scratch.problems(with(std::string(129, 't'))) ==
        std::vector<std::string>{
            "wxpush.toml:7: app.shop.token: has 129 characters; a Token has 1 to 128"});
  CHECK(scratch.problems(with("")) ==
        std::vector<std::string>{
            "wxpush.toml:7: app.shop.token: has 0 characters; a Token has 1 to 128"});
}

TEST_CASE("no problem ever shows a secret") {
  const Scratch scratch;
  scratch.write("bad-token", "SECRET with spaces");
  const std::vector<std::string> documents{
      app_without_keys + "token = \"SECRET with space\"\nencoding_aes_key = \"SECRET\"",
      app_without_keys +
          "token = \"SECRET\"\ntoken_file = \"bad-token\"\nencoding_aes_key = [\"SECRET\"]",
      app_without_keys + "token_file = \"bad-token\"\nencoding_aes_key = \"SECRET" +
          std::string(37, '=') + "\"",
      app_without_keys + "token = \"SECRET\"\nkeys = \"SECRET\"",
      app_without_keys + "token = SECRET",
      app_without_keys + "token = tSECRET",
      app_without_keys + "token = 99999999999999999999999SECRET",
      app_without_keys + "encoding_aes_key = \"SECRET\\q\"",
      app_without_keys + "tokn = \"SECRET\"\n",
      app_without_keys +
          "keys = [{ name = \"a\", token = \"SECRET SECRET\", secret = \"SECRET\" }]",
  };
  for (const auto& document : documents) {
    CAPTURE(document);
    const auto lines =
        scratch.problems(document, {{"WXPUSH__APP__SHOP__ENCODING_AES_KEY", "SECRET"}});
    CHECK_FALSE(lines.empty());
    for (const auto& line : lines) CHECK_MESSAGE(line.find("SECRET") == std::string::npos, line);
  }
}
