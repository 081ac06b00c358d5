#include "crypto/primitives/aes256_gcm.h"

#include "crypto/primitives/cipher_call.h"

#include <openssl/evp.h>

#include <limits>
#include <stdexcept>

namespace wxpush::crypto {
namespace {

enum class Direction : int { open = 0, seal = 1 };

const EVP_CIPHER* cipher() {
  static const FetchedCipher fetched = fetch_cipher("AES-256-GCM");
  return fetched.get();
}

void check(int result) {
  if (result != 1) throw std::runtime_error("OpenSSL: AES-256-GCM failed");
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) {
  return reinterpret_cast<unsigned char*>(text.data());
}

int length_of(std::string_view text) {  // lengths are int in OpenSSL
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw std::invalid_argument("AES-GCM takes less than 2 GiB at once");
  }
  return static_cast<int>(text.size());
}

void begin(const CipherCall& call, Direction direction, const Aes256Key& key, const GcmNonce& nonce,
           std::string_view associated) {
  int none = 0;
  check(EVP_CipherInit_ex2(call.context(), cipher(), key.data(), nonce.data(),
                           static_cast<int>(direction), nullptr));
  check(EVP_CipherUpdate(call.context(), nullptr, &none, bytes_of(associated),
                         length_of(associated)));
}

void run(const CipherCall& call, std::string_view from, std::string& into) {
  int written = 0;
  check(
      EVP_CipherUpdate(call.context(), bytes_of(into), &written, bytes_of(from), length_of(from)));
}

}  // namespace

std::string aes256_gcm_seal(const Aes256Key& key, const GcmNonce& nonce,
                            std::string_view associated, std::string_view plain) {
  const CipherCall call;
  begin(call, Direction::seal, key, nonce, associated);
  std::string sealed(plain.size() + gcm_tag_size, '\0');
  run(call, plain, sealed);
  int none = 0;
  unsigned char* tag = bytes_of(sealed) + plain.size();
  check(EVP_CipherFinal_ex(call.context(), tag, &none));
  check(EVP_CIPHER_CTX_ctrl(call.context(), EVP_CTRL_AEAD_GET_TAG, gcm_tag_size, tag));
  return sealed;
}

std::optional<std::string> aes256_gcm_open(const Aes256Key& key, const GcmNonce& nonce,
                                           std::string_view associated, std::string_view sealed) {
  if (sealed.size() < gcm_tag_size) return std::nullopt;
  const std::string_view text = sealed.substr(0, sealed.size() - gcm_tag_size);
  std::string tag(sealed.substr(text.size()));
  const CipherCall call;
  begin(call, Direction::open, key, nonce, associated);
  std::string plain(text.size(), '\0');
  run(call, text, plain);
  check(EVP_CIPHER_CTX_ctrl(call.context(), EVP_CTRL_AEAD_SET_TAG, gcm_tag_size, tag.data()));
  int none = 0;
  unsigned char nothing[gcm_tag_size];
  if (EVP_CipherFinal_ex(call.context(), nothing, &none) != 1) return std::nullopt;
  return plain;
}

}  // namespace wxpush::crypto
