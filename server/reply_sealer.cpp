#include "server/reply_sealer.h"

#include <array>
#include <cstdint>

namespace wxpush::server {

std::string ReplySealer::encrypt(const crypto::PushKey& key, const std::string& object,
                                 const std::string& receive_id, crypto::Random& random) {
  const std::lock_guard lock(mutex_);
  if (key_ != &key || object_ != object) {
    std::array<std::uint8_t, 16> random16{};
    random.fill(random16);
    encrypted_ = crypto::encrypt(key, random16, object, receive_id);
    key_ = &key;
    object_ = object;
  }
  return encrypted_;
}

}  // namespace wxpush::server
