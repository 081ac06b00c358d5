// Reading a certificate's end, and making one for development.

#include "crypto/tls/context.h"
#include "crypto/tls/openssl.h"

#include <boost/asio/ip/address.hpp>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <stdexcept>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace wxpush::crypto {
namespace {

using Clock = std::chrono::system_clock;

// A file that did not exist before; removed again unless kept, so that a failure leaves no half
// pair.
class NewFile {
 public:
  NewFile(std::string path, mode_t mode) : path_(std::move(path)) {
    const int descriptor = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor < 0) {
      const int cause = errno;
      throw std::runtime_error(
          "cannot create " + path_ + ": " + std::strerror(cause) +
          (cause == EEXIST ? "; move it away first, it is never overwritten" : ""));
    }
    bio_.reset(BIO_new_fd(descriptor, BIO_CLOSE));
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (!kept_) ::unlink(path_.c_str());
  }

  BIO* bio() const noexcept { return bio_.get(); }
  void check(bool written) const {
    if (!written) throw_openssl_error("cannot write " + path_ + ": " + std::strerror(errno));
  }
  void keep() noexcept { kept_ = true; }

 private:
  std::string path_;
  OpensslOwned<BIO> bio_;
  bool kept_ = false;
};

std::string subject_alternative_names(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    // The list has a syntax of its own, in which a comma would begin another entry.
    if (name.empty() || name.find_first_of(", \t\r\n") != std::string::npos) {
      throw std::runtime_error("'" + name + "' is neither a host name nor an IP address");
    }
    boost::system::error_code not_an_address;
    boost::asio::ip::make_address(name, not_an_address);
    list += (list.empty() ? "" : ",") + std::string(not_an_address ? "DNS:" : "IP:") + name;
  }
  return list;
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const OpensslOwned<X509_EXTENSION> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
    throw_openssl_error("cannot put '" + value + "' into the certificate");
  }
}

void set_random_serial(X509* certificate) {
  std::uint64_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1, "serial");
  serial >>= 1U;  // positive in every reader's eyes
  require(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1, "serial");
}

void set_validity(X509* certificate, Clock::time_point now, std::chrono::hours valid) {
  const std::time_t from = Clock::to_time_t(now);
  const std::time_t until = Clock::to_time_t(now + valid);
  require(ASN1_TIME_set(X509_getm_notBefore(certificate), from) != nullptr &&
              ASN1_TIME_set(X509_getm_notAfter(certificate), until) != nullptr,
          "validity of the certificate");
}

void set_subject(X509* certificate, const std::string& first_name) {
  constexpr std::size_t longest = 64;  // X.520's bound for a common name; who checks reads the SAN
  const std::string common_name = first_name.substr(0, longest);
  X509_NAME* subject = X509_get_subject_name(certificate);
  require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(common_name.data()),
                                     static_cast<int>(common_name.size()), -1, 0) == 1 &&
              X509_set_issuer_name(certificate, subject) == 1,
          "subject of the certificate");
}

OpensslOwned<X509> make_certificate(EVP_PKEY* key, const std::vector<std::string>& names,
                                    Clock::time_point now, std::chrono::hours valid) {
  OpensslOwned<X509> certificate(X509_new());
  require(certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1, "certificate");
  set_random_serial(certificate.get());
  set_validity(certificate.get(), now, valid);
  set_subject(certificate.get(), names.front());
  require(X509_set_pubkey(certificate.get(), key) == 1, "public key of the certificate");
  add_extension(certificate.get(), NID_subject_key_identifier, "hash");
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), NID_ext_key_usage, "serverAuth");
  add_extension(certificate.get(), NID_subject_alt_name, subject_alternative_names(names));
  require(X509_sign(certificate.get(), key, EVP_sha256()) > 0, "signing the certificate");
  return certificate;
}

}  // namespace

Clock::time_point certificate_not_after(const std::string& certificate_file) {
  const auto certificate = read_certificate(certificate_file);
  std::tm broken_down{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &broken_down) != 1) {
    throw_openssl_error("the certificate " + certificate_file + " has no readable end date");
  }
  return Clock::from_time_t(::timegm(&broken_down));
}

void write_self_signed(const std::string& directory, const std::vector<std::string>& names,
                       Clock::time_point now, std::chrono::hours valid) {
  if (names.empty()) throw std::runtime_error("a certificate needs at least one name");
  const OpensslOwned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  require(key != nullptr, "making a P-256 key");
  const auto certificate = make_certificate(key.get(), names, now, valid);
  NewFile key_file(directory + "/key.pem", 0600);
  NewFile certificate_file(directory + "/cert.pem", 0644);
  key_file.check(PEM_write_bio_PrivateKey(key_file.bio(), key.get(), nullptr, nullptr, 0, nullptr,
                                          nullptr) == 1);
  certificate_file.check(PEM_write_bio_X509(certificate_file.bio(), certificate.get()) == 1);
  key_file.keep();
  certificate_file.keep();
}

}  // namespace wxpush::crypto
