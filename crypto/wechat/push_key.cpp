#include "crypto/primitives/base64.h"
#include "crypto/primitives/constant_time.h"
#include "crypto/wechat/push_codec.h"

#include <utility>

namespace wxpush::crypto {

boost::system::result<PushKey> PushKey::make(std::string name, std::string token,
                                             std::string_view encoding_aes_key) {
  PushKey key;
  const bool good = !token.empty() && base64_decode_key(encoding_aes_key, key.aes_key_);
  if (good) {
    key.name_ = std::move(name);
    key.token_ = std::move(token);
  }
  cleanse(token);  // a short string leaves its characters behind when it is moved
  if (!good) return CodecError::bad_key;
  return key;
}

PushKey::PushKey(PushKey&& other) noexcept
    : name_(std::move(other.name_)), token_(std::move(other.token_)), aes_key_(other.aes_key_) {
  cleanse(other.token_);
  cleanse(other.aes_key_.data(), other.aes_key_.size());
}

PushKey& PushKey::operator=(PushKey&& other) noexcept {
  if (this == &other) return *this;
  cleanse(token_);
  name_ = std::move(other.name_);
  token_ = std::move(other.token_);
  aes_key_ = other.aes_key_;
  cleanse(other.token_);
  cleanse(other.aes_key_.data(), other.aes_key_.size());
  return *this;
}

PushKey::~PushKey() {
  cleanse(token_);
  cleanse(aes_key_.data(), aes_key_.size());
}

}  // namespace wxpush::crypto
