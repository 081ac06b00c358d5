#include "crypto/primitives/constant_time.h"

#include <openssl/crypto.h>

namespace wxpush::crypto {

bool constant_time_equal(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void cleanse(void* memory, std::size_t size) noexcept {
  OPENSSL_cleanse(memory, size);
}

void cleanse(std::string& text) noexcept {
  text.resize(
      text.capacity());  // never allocates: also what once lay behind the end is overwritten
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

}  // namespace wxpush::crypto
