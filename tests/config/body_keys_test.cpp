// The keys that event bodies are sealed with.
#include "config/changes.h"
#include "tests/config/mistakes.h"

using namespace wxpush::config;
using namespace wxpush::config::test;

namespace {

const std::string first_digits = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
const std::string second_digits(64, 'f');

std::string with_store(const std::string& lines) {
  return server_without_tls + "[store]\n" + lines + shop;
}

}  // namespace

TEST_CASE("keys are read from files, relative to the settings, and never printed") {
  const Scratch scratch;
  scratch.write("keys/new", first_digits + "\n");
  scratch.write("keys/old", second_digits);
  const Settings settings = scratch.settings(with_store(
      "encryption_key_file = \"keys/new\"\nold_encryption_key_files = [\"keys/old\"]\n"));
  REQUIRE(settings.store.encryption_key);
  const std::string& key = settings.store.encryption_key->key.reveal();
  CHECK(key.size() == 32);
  CHECK(key.substr(0, 3) == std::string("\x00\x11\x22", 3));
  CHECK(key.substr(30) == "\xEE\xFF");
  REQUIRE(settings.store.old_encryption_keys.size() == 1);
  CHECK(settings.store.old_encryption_keys[0].key.reveal() == std::string(32, '\xFF'));
  const std::string printed = to_toml(settings);
  const std::string folder = scratch.folder().string();
  CHECK(printed.find("encryption_key_file = \"" + folder + "/keys/new\"\n") != std::string::npos);
  CHECK(printed.find("old_encryption_key_files = [\"" + folder + "/keys/old\"]\n") !=
        std::string::npos);
  CHECK(printed.find("0011") == std::string::npos);
}

TEST_CASE("without them bodies stay as they are") {
  const Scratch scratch;
  const Settings settings = scratch.settings(with_store(""));
  CHECK_FALSE(settings.store.encryption_key);
  CHECK(settings.store.old_encryption_keys.empty());
}

TEST_CASE("a key takes another's place at a restart, also in the same file") {
  const Scratch scratch;
  const std::string text = with_store("encryption_key_file = \"key\"\n");
  scratch.write("key", first_digits);
  const Settings before = scratch.settings(text);
  CHECK(changes_between(before, before).restart.empty());
  scratch.write("key", second_digits);
  CHECK(changes_between(before, scratch.settings(text)).restart ==
        std::vector<std::string>{"store.encryption_key_file"});
}

TEST_CASE("what is no key is told, without a digit of it") {
  const Scratch scratch;
  const std::string rule =
      " holds no key: it must hold 64 hexadecimal digits alone; wxpush keygen --store-key FILE "
      "makes one";
  for (const std::string& wrong :
       {first_digits + "0", first_digits.substr(2), "g" + second_digits.substr(1)}) {
    scratch.write("key", wrong);
    const auto problems = scratch.problems(with_store("encryption_key_file = \"key\"\n"));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].ends_with(rule));
    CHECK(problems[0].find(wrong.substr(0, 4)) == std::string::npos);
  }
  scratch.write("key", first_digits);
  const auto alone = scratch.problems(with_store("old_encryption_key_files = [\"key\"]\n"));
  REQUIRE(alone.size() == 1);
  CHECK(alone[0].find("store.encryption_key_file") != std::string::npos);
}
