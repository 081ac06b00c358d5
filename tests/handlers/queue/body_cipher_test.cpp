#include "handlers/queue/body_cipher.h"

#include "crypto/primitives/random.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <set>

using namespace wxpush;
using namespace wxpush::queue;

namespace {

const BodyKey first(std::string(32, 'a'));
const BodyKey second(std::string(32, 'b'));
const std::map<std::string, std::uint32_t> numbers{{first.mark(), 1}, {second.mark(), 2}};

struct Body {
  StoredBody stored;
  std::string memory;
};

std::string sealed(const BodyCipher& cipher, const std::string& body) {
  std::string memory;
  const StoredBody stored = cipher.seal("wx1", id_of(1), body, memory);
  CHECK(stored.codec == StoredBody::sealed);
  CHECK(stored.key_number == cipher.sealing_key());
  return std::string(stored.bytes);
}

StoredBody of(const std::string& bytes, std::uint32_t key) {
  return {.codec = StoredBody::sealed, .key_number = key, .bytes = bytes};
}

}  // namespace

TEST_CASE("a key's mark tells keys apart, and is short") {
  CHECK(first.mark() != second.mark());
  CHECK(first.mark() == BodyKey(std::string(32, 'a')).mark());
  CHECK(first.mark().size() == 12);
  CHECK_THROWS_AS(BodyKey(std::string(31, 'a')), std::invalid_argument);
}

TEST_CASE("without a key bodies are stored as they are") {
  const BodyCipher cipher({}, {}, nullptr);
  std::string memory;
  const StoredBody stored = cipher.seal("wx1", id_of(1), "body", memory);
  CHECK(stored.codec == StoredBody::plain);
  CHECK(stored.bytes == "body");
  CHECK(cipher.open("wx1", id_of(1), stored) == "body");
}

TEST_CASE("a sealed body opens for its own event alone, and never looks the same") {
  crypto::SystemRandom random;
  const BodyCipher cipher({first}, numbers, &random);
  const std::string bytes = sealed(cipher, "13800000000");
  CHECK(bytes.find("138") == std::string::npos);
  CHECK(bytes != sealed(cipher, "13800000000"));
  CHECK(cipher.open("wx1", id_of(1), of(bytes, 1)) == "13800000000");
  CHECK_THROWS_AS(cipher.open("wx2", id_of(1), of(bytes, 1)), BodyError);
  CHECK_THROWS_AS(cipher.open("wx1", id_of(2), of(bytes, 1)), BodyError);
}

TEST_CASE("the first key seals, and all of them open") {
  crypto::SystemRandom random;
  const BodyCipher old({first}, numbers, &random);
  const BodyCipher both({second, first}, numbers, &random);
  const BodyCipher only_new({second}, numbers, &random);
  const std::string bytes = sealed(old, "body");
  CHECK(both.sealing_key() == 2);
  CHECK(both.open("wx1", id_of(1), of(bytes, 1)) == "body");
  try {
    only_new.open("wx1", id_of(1), of(bytes, 1));
    FAIL("opened without its key");
  } catch (const BodyError& error) {
    CHECK(error.exit_code() == 78);
    CHECK(std::string(error.what()).find("encryption_key_file") != std::string::npos);
  }
}

TEST_CASE("a damaged body is told, not given") {
  crypto::SystemRandom random;
  const BodyCipher cipher({first}, numbers, &random);
  const std::string bytes = sealed(cipher, "body");
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x80);
    CHECK_THROWS_AS(cipher.open("wx1", id_of(1), of(changed, 1)), BodyError);
    CHECK_THROWS_AS(cipher.open("wx1", id_of(1), of(bytes.substr(0, i), 1)), BodyError);
  }
  StoredBody unknown = of(bytes, 1);
  unknown.codec = 2;
  CHECK_THROWS_AS(cipher.open("wx1", id_of(1), unknown), BodyError);
}
