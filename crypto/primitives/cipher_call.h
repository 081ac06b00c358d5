#pragma once
// What the ciphers of this folder share. Only for its .cpp files, since it needs OpenSSL.

#include <openssl/evp.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace wxpush::crypto {

struct FreeCipher {
  void operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using FetchedCipher = std::unique_ptr<EVP_CIPHER, FreeCipher>;

// To be kept: EVP_aes_…() would search the providers again for every message.
inline FetchedCipher fetch_cipher(const char* name) {
  FetchedCipher fetched(EVP_CIPHER_fetch(nullptr, name, nullptr));
  if (!fetched) throw std::runtime_error(std::string("OpenSSL offers no ") + name);
  return fetched;
}

// One call's use of this thread's context, so that no lock and no allocation of it is on the way of
// a push. It holds no key between two calls: resetting overwrites the key schedule, on every way
// out.
class CipherCall {
 public:
  CipherCall() : context_(thread_context()) {}
  CipherCall(const CipherCall&) = delete;
  CipherCall& operator=(const CipherCall&) = delete;
  ~CipherCall() { EVP_CIPHER_CTX_reset(context_); }

  EVP_CIPHER_CTX* context() const noexcept { return context_; }

 private:
  static EVP_CIPHER_CTX* thread_context() {
    thread_local const std::unique_ptr<EVP_CIPHER_CTX, FreeCipher> context(EVP_CIPHER_CTX_new());
    if (!context) throw std::runtime_error("OpenSSL: no memory for a cipher context");
    return context.get();
  }

  EVP_CIPHER_CTX* context_;
};

}  // namespace wxpush::crypto
