#include "server/cli/push_check.h"

#include "crypto/primitives/aes256_cbc.h"
#include "crypto/primitives/base64.h"
#include "crypto/wechat/signature.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace wxpush;
using namespace wxpush::cli;

namespace {

const std::string aes_key(43, 'A');  // all zero
const std::string appid = "wx0123456789abcdef";

crypto::PushKey key(const std::string& name, const std::string& token,
                    const std::string& encoded = aes_key) {
  return crypto::PushKey::make(name, token, encoded).value();
}

crypto::PushCodec codec(const std::string& token = "token", const std::string& encoded = aes_key) {
  std::vector<crypto::PushKey> keys;
  keys.push_back(key("first", token, encoded));
  return {appid, std::move(keys)};
}

Capture sign(const std::string& encrypt, const std::string& token = "token") {
  return {"1700000000", "42", crypto::message_signature(token, "1700000000", "42", encrypt),
          encrypt};
}

// Sealed by hand, so that every part can be wrong: `plain` must be whole blocks of 16.
Capture seal_raw(std::string plain) {
  crypto::aes256_cbc_encrypt({}, {}, {reinterpret_cast<std::uint8_t*>(plain.data()), plain.size()});
  return sign(crypto::base64_encode(plain));
}

std::string failing_step(const PushCheck& check) {
  return check.good() ? "none" : check.steps.back().name;
}

}  // namespace

TEST_CASE("the official sample push is genuine, and the steps are told in order") {
  std::vector<crypto::PushKey> keys;
  keys.push_back(key("k", "AAAAA"));
  const crypto::PushCodec official("wxba5fad812f8e6fb9", std::move(keys));
  const PushCheck check = check_push(
      official,
      {"1714112445", "415670741", "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
       "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/"
       "ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsX"
       "UnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+"
       "l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajA"
       "sjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04="});
  CHECK(check.good());
  CHECK(check.message.find("debug_demo") != std::string::npos);
  std::string names;
  for (const CheckStep& step : check.steps) names += step.name + ' ';
  CHECK(names == "signature base64 length padding layout appid ");
}

TEST_CASE("each check that fails is named") {
  const std::string header(16, 'r');
  const std::string good_length("\0\0\0\x02", 4);
  SUBCASE("signature") {
    Capture capture = sign("AAAA");
    capture.nonce = "43";
    CHECK(failing_step(check_push(codec(), capture)) == "signature");
  }
  SUBCASE("base64") {
    CHECK(failing_step(check_push(codec(), sign("A!=="))) == "base64");
  }
  SUBCASE("length: not whole blocks") {
    CHECK(failing_step(check_push(codec(), sign("AAAA"))) == "length");
  }
  SUBCASE("length: nothing") {
    CHECK(failing_step(check_push(codec(), sign(""))) == "length");
  }
  SUBCASE("padding of 0") {
    CHECK(failing_step(check_push(codec(), seal_raw(std::string(32, '\0')))) == "padding");
  }
  SUBCASE("padding of 33") {
    CHECK(failing_step(check_push(codec(), seal_raw(std::string(48, '\x21')))) == "padding");
  }
  SUBCASE("padding longer than all there is") {
    CHECK(failing_step(check_push(codec(), seal_raw(std::string(16, '\x20')))) == "padding");
  }
  SUBCASE("padding of unequal bytes") {
    CHECK(failing_step(check_push(codec(), seal_raw(std::string(30, 'x') + "\x01\x02"))) ==
          "padding");
  }
  SUBCASE("too short for its header") {
    CHECK(failing_step(check_push(codec(), seal_raw(std::string(15, 'x') + '\x01'))) == "layout");
  }
  SUBCASE("a length beyond the buffer") {
    CHECK(failing_step(check_push(codec(), seal_raw(header + "\xff\xff\xff\xff" + "{}" +
                                                    std::string(10, '\x0a')))) == "layout");
  }
  SUBCASE("another appid") {
    const PushCheck check =
        check_push(codec(), seal_raw(header + good_length + "{}" + "wxforeign" + '\x01'));
    CHECK(failing_step(check) == "appid");
    CHECK(check.message.empty());  // what is not ours is not shown
    CHECK(check.steps.back().words.find("wxforeign") != std::string::npos);
  }
}

TEST_CASE(
    "another EncodingAESKey under the right Token fails at the padding, not at the signature") {
  const Capture capture = sign(crypto::encrypt(key("k", "token"), {}, "{}", appid));
  const PushCheck check = check_push(codec("token", std::string(42, 'B') + 'A'), capture);
  CHECK(check.steps.front().good);
  CHECK(failing_step(check) == "padding");
}

TEST_CASE("of several keys with one token, the one that opens it counts") {
  std::vector<crypto::PushKey> keys;
  keys.push_back(key("new", "token", std::string(42, 'B') + 'A'));
  keys.push_back(key("old", "token"));
  const crypto::PushCodec both(appid, std::move(keys));
  const PushCheck check =
      check_push(both, sign(crypto::encrypt(key("k", "token"), {}, "{}", appid)));
  CHECK(check.good());
  CHECK(check.message == "{}");
  CHECK(check.steps.front().words == "made with the token of key old");
}
