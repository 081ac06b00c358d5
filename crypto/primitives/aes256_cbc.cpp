#include "crypto/primitives/aes256_cbc.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace wxpush::crypto {
namespace {

enum class Direction : int { decrypt = 0, encrypt = 1 };

struct Free {
  void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

// Looked up once: EVP_aes_256_cbc() would search the providers again for every message.
const EVP_CIPHER* cipher() {
  static const std::unique_ptr<EVP_CIPHER, Free> fetched(
      EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr));
  if (!fetched) throw std::runtime_error("OpenSSL offers no AES-256-CBC");
  return fetched.get();
}

// One per thread, so that no lock and no allocation of it is on the way of a push. It holds no key
// between two calls.
EVP_CIPHER_CTX* thread_context() {
  thread_local const std::unique_ptr<EVP_CIPHER_CTX, Free> context(EVP_CIPHER_CTX_new());
  if (!context) throw std::runtime_error("OpenSSL: no memory for a cipher context");
  return context.get();
}

// Resetting overwrites the key schedule; on every way out, also by an exception.
struct WipeOnExit {
  EVP_CIPHER_CTX* context;
  explicit WipeOnExit(EVP_CIPHER_CTX* used) : context(used) {}
  WipeOnExit(const WipeOnExit&) = delete;
  WipeOnExit& operator=(const WipeOnExit&) = delete;
  ~WipeOnExit() { EVP_CIPHER_CTX_reset(context); }
};

void run(Direction direction, const Aes256Key& key, const AesBlock& iv,
         std::span<std::uint8_t> data) {
  if (data.size() % iv.size() != 0) {
    throw std::invalid_argument("AES-CBC without padding takes whole blocks of 16 bytes");
  }
  EVP_CIPHER_CTX* context = thread_context();
  const WipeOnExit wipe(context);
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
