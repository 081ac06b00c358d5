#pragma once
// What the files of this folder share: owners of OpenSSL's objects, and its errors as text.

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace wxpush::crypto {

struct OpensslFree {
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const noexcept { X509_EXTENSION_free(extension); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
};
template <typename Type>
using OpensslOwned = std::unique_ptr<Type, OpensslFree>;

// The reason of the newest error of this thread; empties the thread's error queue. Never empty.
std::string take_openssl_error();

// Throws std::runtime_error("<what>: <OpenSSL's reason>").
[[noreturn]] void throw_openssl_error(const std::string& what);
void require(bool good, const char* what);

// The file, opened for reading; std::runtime_error naming it, the cause and `role` ("certificate")
// if it cannot be.
OpensslOwned<BIO> open_file(const std::string& path, const char* role);

// The first certificate of a PEM file. Throws std::runtime_error naming file and remedy.
OpensslOwned<X509> read_certificate(const std::string& path);

}  // namespace wxpush::crypto
