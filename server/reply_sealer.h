#pragma once
// Encrypts what answers an app's events. Pushes of one second are answered with the same object, so
// that it is encrypted once; nonce and signature are each answer's own.

#include "crypto/primitives/random.h"
#include "crypto/wechat/push_codec.h"

#include <mutex>
#include <string>

namespace wxpush::server {

class ReplySealer {
 public:
  // As crypto::encrypt(), for this key and receive id. Any thread. `key` lives as long as this, and
  // `receive_id` is the same with every call.
  std::string encrypt(const crypto::PushKey& key, const std::string& object,
                      const std::string& receive_id, crypto::Random& random);

 private:
  std::mutex mutex_;
  const crypto::PushKey* key_ = nullptr;
  std::string object_, encrypted_;  // the last one
};

}  // namespace wxpush::server
