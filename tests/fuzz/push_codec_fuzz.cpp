// The layout inside the cipher: whoever knows no key cannot reach it, so the input is encrypted
// here.
#include "crypto/primitives/aes256_cbc.h"
#include "crypto/primitives/base64.h"
#include "crypto/wechat/push_codec.h"
#include "tests/fuzz/target.h"

#include <algorithm>
#include <string>

using namespace wxpush;

namespace {

crypto::PushKey key() {
  return crypto::PushKey::make("fuzz", "AAAAA", std::string(43, 'A')).value();
}

// Encrypts the bytes as they are, cut to whole blocks: any layout and any padding.
std::string encrypt_raw(std::string bytes) {
  bytes.resize(bytes.size() / 16 * 16);
  crypto::aes256_cbc_encrypt({}, {}, {reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  return crypto::base64_encode(bytes);
}

void opens_only_what_was_laid_out(const crypto::PushKey& with, std::string_view bytes) {
  const auto plain = crypto::decrypt(with, encrypt_raw(std::string(bytes)));
  if (!plain) return;
  const std::string all = plain->message + plain->receive_id;
  fuzz::require(bytes.size() >= 20 + all.size() + 1 && bytes.substr(20, all.size()) == all);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  static const crypto::PushKey single = key();
  static const crypto::PushCodec codec = [] {
    std::vector<crypto::PushKey> keys;
    keys.push_back(key());
    return crypto::PushCodec("wx1", std::move(keys));
  }();

  static_cast<void>(crypto::decrypt(single, input));
  opens_only_what_was_laid_out(single, input);

  crypto::Sealed sealed = codec.seal(codec.keys().front(), {}, input, "1700000000", "7");
  const auto opened = codec.open("1700000000", "7", sealed.msg_signature, sealed.encrypt);
  fuzz::require(opened && opened->message == input);
  sealed.encrypt[size % sealed.encrypt.size()] ^= 1;
  fuzz::require(!codec.open("1700000000", "7", sealed.msg_signature, sealed.encrypt));
  return 0;
}
