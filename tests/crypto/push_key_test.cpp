#include "crypto/wechat/push_codec.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace wxpush::crypto {
namespace {

const std::string aes_text = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
const std::string short_token = "s3cretT0ken";  // lies inside the std::string object
const std::string long_token = "s3cretT0ken-of-32-characters-xyz";  // lies outside of it

PushKey make(const std::string& token) {
  return PushKey::make("2026-05", token, aes_text).value();
}

// A PushKey in memory that can be looked at after its end.
class Grave {
 public:
  explicit Grave(PushKey&& key) : key_(::new(memory_.data()) PushKey(std::move(key))) {}
  PushKey& key() { return *key_; }
  void bury() { std::destroy_at(key_); }
  bool contains(std::string_view secret) const {
    const auto* begin = reinterpret_cast<const char*>(memory_.data());
    return std::string_view(begin, memory_.size()).find(secret) != std::string_view::npos;
  }

 private:
  alignas(PushKey) std::array<std::byte, sizeof(PushKey)> memory_{};
  PushKey* key_;
};

std::string aes_bytes_of(const PushKey& key) {
  return {key.aes_key().begin(), key.aes_key().end()};
}

}  // namespace

TEST_CASE("PushKey: keeps its name, token and the 32 bytes of its EncodingAESKey") {
  const PushKey key = make(short_token);
  CHECK(key.name() == "2026-05");
  CHECK(key.token() == short_token);
  CHECK(key.aes_key()[0] == 0x69);  // "abcd" is 69 b7 1d
  CHECK(key.aes_key()[1] == 0xb7);
  CHECK(key.aes_key()[2] == 0x1d);
}

TEST_CASE("PushKey: an EncodingAESKey is 43 characters of base64, a token at least one") {
  for (const std::string& text : {std::string(), aes_text + "=", aes_text + "A", aes_text.substr(1),
                                  aes_text.substr(1) + "=", aes_text.substr(1) + "-"}) {
    CAPTURE(text);
    CHECK(PushKey::make("k", "token", text).error() == CodecError::bad_key);
  }
  CHECK(PushKey::make("k", "", aes_text).error() == CodecError::bad_key);
  CHECK(PushKey::make("k", "t", std::string(42, '/') + "+").has_value());
}

TEST_CASE("PushKey: is never copied, only moved") {
  static_assert(!std::is_copy_constructible_v<PushKey> && !std::is_copy_assignable_v<PushKey>);
  static_assert(std::is_nothrow_move_constructible_v<PushKey>);  // so that a vector moves it
  for (const std::string& token : {short_token, long_token}) {
    PushKey first = make(token);
    const std::string bytes = aes_bytes_of(first);
    PushKey second(std::move(first));
    CHECK(second.token() == token);
    CHECK(aes_bytes_of(second) == bytes);
    PushKey third = PushKey::make("other", "other-token", std::string(43, 'A')).value();
    third = std::move(second);
    CHECK(third.name() == "2026-05");
    CHECK(third.token() == token);
    CHECK(aes_bytes_of(third) == bytes);
    PushKey& itself = third;
    third = std::move(itself);
    CHECK(third.token() == token);
    CHECK(aes_bytes_of(third) == bytes);
  }
}

TEST_CASE("PushKey: leaves nothing in memory when it ends") {
  Grave grave(make(short_token));
  const std::string bytes = aes_bytes_of(grave.key());
  REQUIRE(grave.contains(short_token));
  REQUIRE(grave.contains(bytes));
  grave.bury();
  CHECK_FALSE(grave.contains(short_token));
  CHECK_FALSE(grave.contains(bytes.substr(0, 8)));
  CHECK_FALSE(grave.contains(bytes.substr(24)));
}

TEST_CASE("PushKey: leaves nothing in memory when it was moved away") {
  for (const bool by_assignment : {false, true}) {
    CAPTURE(by_assignment);
    Grave grave(make(short_token));
    const std::string bytes = aes_bytes_of(grave.key());
    PushKey elsewhere = PushKey::make("other", "other-token", std::string(43, 'A')).value();
    if (by_assignment) {
      elsewhere = std::move(grave.key());
    } else {
      const PushKey constructed(std::move(grave.key()));
      CHECK(constructed.token() == short_token);
    }
    CHECK_FALSE(grave.contains(short_token));
    CHECK_FALSE(grave.contains(bytes.substr(0, 8)));
    grave.bury();
  }
}

TEST_CASE("PushKey: a token that is replaced is overwritten first") {
  Grave grave(make(short_token));
  grave.key() = PushKey::make("other", "t", std::string(43, 'A')).value();
  CHECK_FALSE(grave.contains(short_token.substr(2)));
  grave.bury();
}

}  // namespace wxpush::crypto
