#pragma once
// What the ciphers of this folder share, without OpenSSL's headers.

#include <memory>

struct evp_cipher_st;
struct evp_cipher_ctx_st;

namespace wxpush::crypto {

struct FreeCipher {
  void operator()(evp_cipher_st* cipher) const noexcept;
};
using FetchedCipher = std::unique_ptr<evp_cipher_st, FreeCipher>;

// To be kept: EVP_aes_…() would search the providers again for every message. std::runtime_error if
// there is none of that name.
FetchedCipher fetch_cipher(const char* name);

// One call's use of this thread's context, so that no lock and no allocation of it is on the way of
// a push. It holds no key between two calls: resetting overwrites the key schedule, on every way
// out.
class CipherCall {
 public:
  CipherCall();  // std::runtime_error: no memory
  ~CipherCall();
  CipherCall(const CipherCall&) = delete;
  CipherCall& operator=(const CipherCall&) = delete;

  evp_cipher_ctx_st* context() const noexcept { return context_; }

 private:
  evp_cipher_ctx_st* context_;
};

}  // namespace wxpush::crypto
