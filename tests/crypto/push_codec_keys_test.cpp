// Several keys of one app: the console's change of a key acts at once, so that the old and the new
// one are both in use for a while, and Token and EncodingAESKey may change apart from each other.

#include "crypto/wechat/push_codec.h"
#include "crypto/wechat/signature.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace wxpush::crypto {
namespace {

const std::string appid = "wx0123456789abcdef";
const std::string timestamp = "1714112445";
const std::string nonce = "415670741";

struct KeyText {
  std::string name;
  std::string token;
  char aes;  // repeated
};

PushKey make_key(const KeyText& text) {
  return PushKey::make(text.name, text.token, std::string(43, text.aes)).value();
}

PushCodec make_codec(const std::vector<KeyText>& texts) {
  std::vector<PushKey> keys;
  keys.reserve(texts.size());
  for (const KeyText& text : texts) keys.push_back(make_key(text));
  return {appid, std::move(keys)};
}

// A push as WeChat makes it under that key.
struct Push {
  std::string msg_signature;
  std::string encrypt;
};
Push make_push(const KeyText& text, std::string_view for_appid = appid) {
  Push push;
  push.encrypt = encrypt(make_key(text), {}, "message", for_appid);
  push.msg_signature = message_signature(text.token, timestamp, nonce, push.encrypt);
  return push;
}

boost::system::result<Opened> open(const PushCodec& codec, const Push& push) {
  return codec.open(timestamp, nonce, push.msg_signature, push.encrypt);
}

const KeyText fresh = {"new", "new-token", 'N'};
const KeyText old = {"old", "old-token", 'O'};

}  // namespace

TEST_CASE("a codec has an appid and at least one key") {
  CHECK_THROWS_AS(PushCodec(appid, {}), std::invalid_argument);
  std::vector<PushKey> keys;
  keys.push_back(make_key(fresh));
  CHECK_THROWS_AS(PushCodec("", std::move(keys)), std::invalid_argument);
}

TEST_CASE(
    "rotation: pushes under the new and under the old key open, and the matching key is told") {
  const PushCodec codec = make_codec({fresh, old});
  for (const KeyText& text : {fresh, old}) {
    const auto opened = open(codec, make_push(text));
    REQUIRE(opened.has_value());
    CHECK(opened->message == "message");
    CHECK(opened->matched->name() == text.name);
  }
}

TEST_CASE("rotation: the reply is sealed with the key that opened the push") {
  const PushCodec codec = make_codec({fresh, old});
  const PushKey& matched = *open(codec, make_push(old))->matched;
  const Sealed reply = codec.seal(matched, {}, "reply", timestamp, nonce);
  CHECK(reply.msg_signature == message_signature(old.token, timestamp, nonce, reply.encrypt));
  const auto plain = decrypt(make_key(old), reply.encrypt);
  REQUIRE(plain.has_value());
  CHECK(plain->message == "reply");
  CHECK(plain->receive_id == appid);
}

TEST_CASE("rotation: only the EncodingAESKey changed, the Token is shared") {
  const KeyText shared_new = {"new", "token", 'N'};
  const KeyText shared_old = {"old", "token", 'O'};
  const PushCodec codec = make_codec({shared_new, shared_old});
  CHECK(open(codec, make_push(shared_new))->matched->name() == "new");
  CHECK(open(codec, make_push(shared_old))->matched->name() == "old");
}

TEST_CASE("rotation: only the Token changed, the EncodingAESKey is shared") {
  const KeyText shared_new = {"new", "new-token", 'S'};
  const KeyText shared_old = {"old", "old-token", 'S'};
  const PushCodec codec = make_codec({shared_new, shared_old});
  CHECK(open(codec, make_push(shared_new))->matched->name() == "new");
  CHECK(open(codec, make_push(shared_old))->matched->name() == "old");
}

TEST_CASE("halves of different keys do not make a pair") {
  const PushCodec codec = make_codec({fresh, old});
  Push mixed = make_push(old);
  mixed.msg_signature = message_signature(fresh.token, timestamp, nonce, mixed.encrypt);
  CHECK(open(codec, mixed).error() == CodecError::not_opened);
}

TEST_CASE("the error says how far the push came") {
  const KeyText unknown_token = {"", "other-token", 'N'};
  const KeyText unknown_aes = {"", "new-token", 'X'};
  const PushCodec codec = make_codec({fresh, old});
  CHECK(open(codec, make_push(unknown_token)).error() == CodecError::bad_signature);
  CHECK(open(codec, make_push(unknown_aes)).error() == CodecError::not_opened);
  CHECK(open(codec, make_push(fresh, "wxfedcba9876543210")).error() == CodecError::foreign_appid);
}

TEST_CASE("foreign_appid outweighs not_opened, in whichever order the keys stand") {
  const KeyText opens = {"opens", "token", 'N'};
  const KeyText fails = {"fails", "token", 'O'};
  const Push push = make_push(opens, "wxfedcba9876543210");
  CHECK(open(make_codec({opens, fails}), push).error() == CodecError::foreign_appid);
  CHECK(open(make_codec({fails, opens}), push).error() == CodecError::foreign_appid);
}

TEST_CASE("handshake: any token of the app signs, and the key is told") {
  const PushCodec codec = make_codec({fresh, old});
  for (const KeyText& text : {fresh, old}) {
    const std::string signature = handshake_signature(text.token, timestamp, nonce);
    const PushKey* matched = codec.verify_handshake(signature, timestamp, nonce);
    REQUIRE(matched != nullptr);
    CHECK(matched->name() == text.name);
    CHECK(codec.verify_handshake(signature, timestamp, nonce + "1") == nullptr);
    CHECK(codec.verify_handshake(signature, "1", nonce) == nullptr);
  }
}

TEST_CASE("handshake: no signature, or one over four strings as WeCom makes it, is refused") {
  const PushCodec codec = make_codec({fresh});
  CHECK(codec.verify_handshake("", timestamp, nonce) == nullptr);
  CHECK(codec.verify_handshake(message_signature(fresh.token, timestamp, nonce, "echo"), timestamp,
                               nonce) == nullptr);
  CHECK(codec.verify_handshake(handshake_signature("", timestamp, nonce), timestamp, nonce) ==
        nullptr);
}

}  // namespace wxpush::crypto
