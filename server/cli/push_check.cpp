#include "server/cli/push_check.h"

#include "crypto/primitives/aes256_cbc.h"
#include "crypto/primitives/base64.h"
#include "crypto/primitives/constant_time.h"
#include "crypto/wechat/signature.h"

#include <algorithm>
#include <optional>

namespace wxpush::cli {
namespace {

constexpr std::size_t header_size = 20;  // 16 random bytes and the length of the message

// The checks of one key, in order; `step` notes each and answers whether to go on.
class Inspection {
 public:
  Inspection(const crypto::PushKey& key, const std::string& appid) : key_(key), appid_(appid) {}

  PushCheck run(const Capture& capture) {
    check_.steps.push_back({"signature", true, "made with the token of key " + key_.name()});
    if (decode(capture.encrypt) && unpad() && read_layout()) compare_appid();
    return std::move(check_);
  }

 private:
  bool step(const char* name, bool good, std::string words) {
    check_.steps.push_back({name, good, std::move(words)});
    return good;
  }

  bool decode(const std::string& encrypt) {
    auto decoded = crypto::base64_decode(encrypt);
    if (!step("base64", decoded.has_value(),
              decoded ? std::to_string(decoded->size()) + " bytes"
                      : "Encrypt is not strict base64")) {
      return false;
    }
    plain_ = std::move(*decoded);
    const bool whole = !plain_.empty() && plain_.size() % 16 == 0;
    return step("length", whole,
                whole ? "whole blocks of 16"
                      : std::to_string(plain_.size()) + " bytes are not whole blocks of 16");
  }

  bool unpad() {
    crypto::AesBlock iv{};
    std::copy_n(key_.aes_key().begin(), iv.size(), iv.begin());
    crypto::aes256_cbc_decrypt(key_.aes_key(), iv,
                               {reinterpret_cast<std::uint8_t*>(plain_.data()), plain_.size()});
    const std::size_t count = static_cast<unsigned char>(plain_.back());
    const std::string_view end =
        std::string_view(plain_).substr(plain_.size() - std::min(count, plain_.size()));
    const bool good = count >= 1 && count <= 32 && count <= plain_.size() &&
                      end.find_first_not_of(plain_.back()) == std::string_view::npos;
    if (!step("padding", good,
              good ? std::to_string(count) + " bytes"
                   : "not 1 to 32 equal bytes: another EncodingAESKey sealed this, or it was "
                     "changed")) {
      return false;
    }
    plain_.resize(plain_.size() - count);
    return true;
  }

  bool read_layout() {
    std::size_t size = 0;
    for (std::size_t i = 16; i < std::min(header_size, plain_.size()); ++i) {
      size = size << 8U | static_cast<unsigned char>(plain_[i]);
    }
    const bool good = plain_.size() >= header_size && size <= plain_.size() - header_size;
    if (!step("layout", good,
              good ? "a message of " + std::to_string(size) + " bytes"
                   : "the message's length, " + std::to_string(size) + ", does not fit")) {
      return false;
    }
    receive_id_ = plain_.substr(header_size + size);
    check_.message = plain_.substr(header_size, size);
    return true;
  }

  void compare_appid() {
    if (!step(
            "appid", receive_id_ == appid_,
            receive_id_ == appid_ ? appid_ : "sealed for " + receive_id_ + ", not for " + appid_)) {
      check_.message.clear();
    }
  }

  const crypto::PushKey& key_;
  const std::string& appid_;
  std::string plain_;
  std::string receive_id_;
  PushCheck check_;
};

}  // namespace

PushCheck check_push(const crypto::PushCodec& codec, const Capture& capture) {
  std::optional<PushCheck> furthest;  // of several keys with one token, the one that came furthest
  for (const crypto::PushKey& key : codec.keys()) {
    const std::string expected =
        crypto::message_signature(key.token(), capture.timestamp, capture.nonce, capture.encrypt);
    if (!crypto::constant_time_equal(expected, capture.msg_signature)) continue;
    PushCheck check = Inspection(key, codec.appid()).run(capture);
    if (check.good()) return check;
    if (!furthest || check.steps.size() > furthest->steps.size()) furthest = std::move(check);
  }
  if (furthest) return *furthest;
  return {{{"signature", false,
            "msg_signature was not made with our Token over this timestamp, nonce and Encrypt: "
            "another Token, or one of them was changed"}},
          {}};
}

}  // namespace wxpush::cli
