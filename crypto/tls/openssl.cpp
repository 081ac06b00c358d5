#include "crypto/tls/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace wxpush::crypto {

std::string take_openssl_error() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason != nullptr ? reason : "unknown OpenSSL error " + std::to_string(code);
}

void throw_openssl_error(const std::string& what) {
  throw std::runtime_error(what + ": " + take_openssl_error());
}

void require(bool good, const char* what) {
  if (!good) throw_openssl_error(what);
}

OpensslOwned<BIO> open_file(const std::string& path, const char* role) {
  errno = 0;
  OpensslOwned<BIO> file(BIO_new_file(path.c_str(), "rb"));
  if (!file) {
    const int cause = errno;
    ERR_clear_error();
    throw std::runtime_error("cannot open the " + std::string(role) + " " + path + ": " +
                             std::strerror(cause));
  }
  return file;
}

OpensslOwned<X509> read_certificate(const std::string& path) {
  const auto file = open_file(path, "certificate");
  OpensslOwned<X509> certificate(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    throw_openssl_error("no certificate in " + path +
                        " (expected PEM, beginning with -----BEGIN CERTIFICATE-----)");
  }
  return certificate;
}

}  // namespace wxpush::crypto
