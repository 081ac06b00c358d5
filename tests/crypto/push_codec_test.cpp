// What a push must be in order to open: the proof first, then padding, lengths and layout.

#include "crypto/wechat/push_codec.h"

#include "crypto/primitives/aes256_cbc.h"
#include "crypto/primitives/base64.h"
#include "crypto/wechat/signature.h"

#include <doctest/doctest.h>

#include <array>
#include <cctype>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace wxpush::crypto {
namespace {

const std::string appid = "wxba5fad812f8e6fb9";
const std::string token = "AAAAA";
const std::string timestamp = "1714112445";
const std::string nonce = "415670741";
constexpr std::array<std::uint8_t, 16> random16 = {'0', '1', '2', '3', '4', '5', '6', '7',
                                                   '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};

PushKey make_key() {
  return PushKey::make("k", token, std::string(42, 'q') + "Q").value();
}

PushCodec make_codec() {
  std::vector<PushKey> keys;
  keys.push_back(make_key());
  return {appid, std::move(keys)};
}

// Plain bytes, padded by whoever calls, under the key: what an attacker who has the key could send.
std::string lock(std::string bytes) {
  const PushKey key = make_key();
  AesBlock iv{};
  std::copy_n(key.aes_key().begin(), iv.size(), iv.begin());
  aes256_cbc_encrypt(key.aes_key(), iv,
                     {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return base64_encode(bytes);
}

std::string layout(std::uint32_t length, std::string_view rest) {
  std::string bytes(16, 'r');
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    bytes.push_back(static_cast<char>((length >> shift) & 0xFFU));
  }
  return bytes.append(rest);
}

std::string padded(std::string bytes) {
  const std::size_t count = 32 - bytes.size() % 32;
  return bytes.append(count, static_cast<char>(count));
}

// Opened with a right signature over whatever `encrypt` is.
boost::system::result<Opened> open_signed(const PushCodec& codec, std::string_view encrypt) {
  return codec.open(timestamp, nonce, message_signature(token, timestamp, nonce, encrypt), encrypt);
}
boost::system::error_code refusal(std::string_view encrypt) {
  return open_signed(make_codec(), encrypt).error();
}

}  // namespace

TEST_CASE("seal and open: every length of padding, and any bytes as message") {
  const PushCodec codec = make_codec();
  for (std::size_t size = 0; size < 100; ++size) {
    CAPTURE(size);
    std::string message;
    for (std::size_t i = 0; i < size; ++i) message.push_back(static_cast<char>(i * 53 + size));
    const Sealed sealed = codec.seal(codec.keys()[0], random16, message, timestamp, nonce);
    CHECK(base64_decode(sealed.encrypt)->size() % 32 == 0);
    const auto opened = codec.open(timestamp, nonce, sealed.msg_signature, sealed.encrypt);
    REQUIRE(opened.has_value());
    CHECK(opened->message == message);
    CHECK(opened->matched == &codec.keys()[0]);
  }
}

TEST_CASE("seal: the random bytes change everything that is sent") {
  const PushCodec codec = make_codec();
  const auto first = codec.seal(codec.keys()[0], random16, "m", timestamp, nonce);
  const auto second = codec.seal(codec.keys()[0], {}, "m", timestamp, nonce);
  CHECK(first.encrypt.substr(0, 16) != second.encrypt.substr(0, 16));
  CHECK(first.msg_signature != second.msg_signature);
}

TEST_CASE("open: a signature over anything else is refused before any decryption") {
  const PushCodec codec = make_codec();
  const Sealed good = codec.seal(codec.keys()[0], random16, "message", timestamp, nonce);
  const auto error = [&](std::string_view t, std::string_view n, std::string_view s,
                         std::string_view e) { return codec.open(t, n, s, e).error(); };
  CHECK(error("1714112446", nonce, good.msg_signature, good.encrypt) == CodecError::bad_signature);
  CHECK(error(timestamp, "415670742", good.msg_signature, good.encrypt) ==
        CodecError::bad_signature);
  CHECK(error(timestamp, nonce, "", good.encrypt) == CodecError::bad_signature);
  CHECK(error(timestamp, nonce, good.msg_signature.substr(1), good.encrypt) ==
        CodecError::bad_signature);
  CHECK(error(timestamp, nonce, good.msg_signature, "") == CodecError::bad_signature);
  // What would not even decode is told apart only if it is signed.
  CHECK(error(timestamp, nonce, good.msg_signature, "no base64") == CodecError::bad_signature);
  CHECK(refusal("no base64") == CodecError::not_opened);
}

TEST_CASE("open: one changed character of Encrypt, or of the signature, is one too many") {
  const PushCodec codec = make_codec();
  const Sealed good = codec.seal(codec.keys()[0], random16, "message", timestamp, nonce);
  for (std::size_t at = 0; at < good.encrypt.size(); ++at) {
    std::string changed = good.encrypt;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    CHECK(codec.open(timestamp, nonce, good.msg_signature, changed).error() ==
          CodecError::bad_signature);
  }
  for (std::size_t at = 0; at < good.msg_signature.size(); ++at) {
    std::string changed = good.msg_signature;
    changed[at] = changed[at] == '0' ? '1' : '0';
    CHECK(codec.open(timestamp, nonce, changed, good.encrypt).error() == CodecError::bad_signature);
  }
}

TEST_CASE("open: the handshake's signature proves no message; an upper-case one proves nothing") {
  const PushCodec codec = make_codec();
  const Sealed good = codec.seal(codec.keys()[0], random16, "message", timestamp, nonce);
  CHECK(codec.open(timestamp, nonce, handshake_signature(token, timestamp, nonce), good.encrypt)
            .error() == CodecError::bad_signature);
  std::string upper = good.msg_signature;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  REQUIRE(upper != good.msg_signature);
  CHECK(codec.open(timestamp, nonce, upper, good.encrypt).error() == CodecError::bad_signature);
}

TEST_CASE("open: Encrypt is strict base64 of whole AES blocks") {
  const std::string good = lock(padded(layout(1, "m" + appid)));
  REQUIRE(open_signed(make_codec(), good).has_value());
  const std::string bytes = base64_decode(good).value();
  CHECK(refusal("") == CodecError::not_opened);
  CHECK(refusal(good + "\n") == CodecError::not_opened);
  CHECK(refusal(" " + good) == CodecError::not_opened);
  CHECK(refusal(good.substr(0, good.size() - 1)) == CodecError::not_opened);
  for (const std::size_t cut : {1U, 8U, 15U, 17U}) {
    CHECK(refusal(base64_encode(bytes.substr(0, bytes.size() - cut))) == CodecError::not_opened);
  }
}

TEST_CASE("open: padding is 1 to 32 bytes, each of which says how many") {
  const PushCodec codec = make_codec();
  const auto outcome = [&](int count, std::optional<std::size_t> wrong_at) {
    std::string bytes = layout(1, "m" + appid);
    bytes.insert(20, (320 - bytes.size() - static_cast<std::size_t>(count)) % 32, 'm');
    bytes[19] = static_cast<char>(bytes.size() - 20 - appid.size());
    const std::size_t start = bytes.size();
    bytes.append(static_cast<std::size_t>(count), static_cast<char>(count));
    if (wrong_at) bytes[start + *wrong_at] = static_cast<char>(count ^ 0x40);
    return open_signed(codec, lock(bytes));
  };
  for (int count = 1; count <= 32; ++count) {
    CAPTURE(count);
    CHECK(outcome(count, std::nullopt).has_value());
    for (std::size_t at = 0; at < static_cast<std::size_t>(count); ++at) {
      CHECK(outcome(count, at).error() == CodecError::not_opened);
    }
  }
  for (const int count : {33, 48, 64}) {
    CHECK(outcome(count, std::nullopt).error() == CodecError::not_opened);
  }
  // No padding at all, that is, its last byte is zero; and more of it than there are bytes.
  CHECK(refusal(lock(std::string(64, '\0'))) == CodecError::not_opened);
  CHECK(refusal(lock(std::string(16, '\x20'))) == CodecError::not_opened);
}

TEST_CASE("open: the length of the message stays within what was sent") {
  const std::string rest = "message" + appid;
  const auto error = [&](std::uint32_t length) {
    return refusal(lock(padded(layout(length, rest))));
  };
  CHECK(open_signed(make_codec(), lock(padded(layout(7, rest))))->message == "message");
  const auto all = static_cast<std::uint32_t>(rest.size());
  CHECK(error(all) == CodecError::foreign_appid);  // well formed; the receive id is empty
  CHECK(error(all + 1) == CodecError::not_opened);
  CHECK(error(0x7FFFFFFF) == CodecError::not_opened);
  CHECK(error(0x80000000) == CodecError::not_opened);
  CHECK(error(0xFFFFFFFF) == CodecError::not_opened);
  CHECK(error(0xFFFFFFFF - 19) == CodecError::not_opened);  // 20 more would be zero in 32 bits
}

TEST_CASE("open: shorter than its own header") {
  for (std::size_t size = 0; size < 20; ++size) {
    CHECK(refusal(lock(padded(std::string(size, '\0')))) == CodecError::not_opened);
  }
  CHECK(refusal(lock(padded(layout(0, "")))) == CodecError::foreign_appid);
}

TEST_CASE("open: the appid at the tail is ours to the last byte") {
  for (const std::string& tail :
       {std::string(), appid.substr(1), appid.substr(0, appid.size() - 1), appid + "0", "x" + appid,
        appid + appid, appid + std::string(1, '\0'), "WX" + appid.substr(2),
        std::string("wx0000000000000000")}) {
    CAPTURE(tail);
    CHECK(refusal(lock(padded(layout(1, "m" + tail)))) == CodecError::foreign_appid);
  }
}

TEST_CASE("open: an appid longer than all that was sealed") {
  std::vector<PushKey> keys;
  keys.push_back(make_key());
  const std::string longest(200, 'w');
  const PushCodec codec(longest, std::move(keys));
  for (const auto& text : {layout(0, ""), layout(1, "m"), layout(0, longest.substr(1))}) {
    const std::string encrypted = lock(padded(text));
    const auto opened = codec.open(
        timestamp, nonce, message_signature(token, timestamp, nonce, encrypted), encrypted);
    CHECK(opened.error() == CodecError::foreign_appid);
  }
  const auto sealed = codec.seal(codec.keys()[0], random16, "m", timestamp, nonce);
  CHECK(codec.open(timestamp, nonce, sealed.msg_signature, sealed.encrypt)->message == "m");
}

TEST_CASE("decrypt and encrypt: one key, whatever the receive id") {
  const PushKey key = make_key();
  const auto plain = decrypt(key, encrypt(key, random16, "message", "wxcomponent"));
  REQUIRE(plain.has_value());
  CHECK(plain->message == "message");
  CHECK(plain->receive_id == "wxcomponent");
  CHECK(decrypt(key, "AAAA").error() == CodecError::not_opened);
}

TEST_CASE("a codec is shared by threads") {
  const PushCodec codec = make_codec();
  const Sealed sealed = codec.seal(codec.keys()[0], random16, "message", timestamp, nonce);
  std::array<int, 4> opened{};
  {
    std::vector<std::jthread> threads;
    threads.reserve(opened.size());
    for (int& count : opened) {
      threads.emplace_back([&] {
        for (int round = 0; round < 200; ++round) {
          const auto again = codec.seal(codec.keys()[0], random16, "message", timestamp, nonce);
          const auto result = codec.open(timestamp, nonce, again.msg_signature, again.encrypt);
          count += again.encrypt == sealed.encrypt && result && result->message == "message";
        }
      });
    }
  }
  for (const int count : opened) CHECK(count == 200);
}

}  // namespace wxpush::crypto
