#include "crypto/primitives/cipher_call.h"

#include <openssl/evp.h>

#include <stdexcept>
#include <string>

namespace wxpush::crypto {
namespace {

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};

EVP_CIPHER_CTX* thread_context() {
  thread_local const std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(EVP_CIPHER_CTX_new());
  if (!context) throw std::runtime_error("OpenSSL: no memory for a cipher context");
  return context.get();
}

}  // namespace

void FreeCipher::operator()(evp_cipher_st* cipher) const noexcept {
  EVP_CIPHER_free(cipher);
}

FetchedCipher fetch_cipher(const char* name) {
  FetchedCipher fetched(EVP_CIPHER_fetch(nullptr, name, nullptr));
  if (!fetched) throw std::runtime_error(std::string("OpenSSL offers no ") + name);
  return fetched;
}

CipherCall::CipherCall() : context_(thread_context()) {}

CipherCall::~CipherCall() {
  EVP_CIPHER_CTX_reset(context_);
}

}  // namespace wxpush::crypto
