#include "crypto/primitives/aes256_cbc.h"

#include "crypto/primitives/cipher_call.h"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

namespace wxpush::crypto {
namespace {

enum class Direction : int { decrypt = 0, encrypt = 1 };

const EVP_CIPHER* cipher() {
  static const FetchedCipher fetched = fetch_cipher("AES-256-CBC");
  return fetched.get();
}

void run(Direction direction, const Aes256Key& key, const AesBlock& iv,
         std::span<std::uint8_t> data) {
  if (data.size() % iv.size() != 0) {
    throw std::invalid_argument("AES-CBC without padding takes whole blocks of 16 bytes");
  }
  const CipherCall call;
  EVP_CIPHER_CTX* context = call.context();
  if (EVP_CipherInit_ex2(context, cipher(), key.data(), iv.data(), static_cast<int>(direction),
                         nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(context, 0) != 1) {
    throw std::runtime_error("OpenSSL: AES-256-CBC could not be set up");
  }
  constexpr std::size_t most_at_once = std::size_t{1} << 30;  // lengths are int in OpenSSL
  while (!data.empty()) {
    const auto piece = data.first(std::min(data.size(), most_at_once));
    int written = 0;
    if (EVP_CipherUpdate(context, piece.data(), &written, piece.data(),
                         static_cast<int>(piece.size())) != 1 ||
        static_cast<std::size_t>(written) != piece.size()) {
      throw std::runtime_error("OpenSSL: AES-256-CBC failed");
    }
    data = data.subspan(piece.size());
  }
}

}  // namespace

void aes256_cbc_encrypt(const Aes256Key& key, const AesBlock& iv, std::span<std::uint8_t> data) {
  run(Direction::encrypt, key, iv, data);
}

void aes256_cbc_decrypt(const Aes256Key& key, const AesBlock& iv, std::span<std::uint8_t> data) {
  run(Direction::decrypt, key, iv, data);
}

}  // namespace wxpush::crypto
