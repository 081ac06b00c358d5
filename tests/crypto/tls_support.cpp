#include "tests/crypto/tls_support.h"

#include "crypto/tls/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace wxpush::tests {
namespace {

void demand(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

// One step of a handshake: true when this end is done; a failure is put into words.
bool step(SSL* connection, std::string& failure) {
  if (!failure.empty()) return false;  // the first failure counts
  ERR_clear_error();
  const int outcome = SSL_do_handshake(connection);
  if (outcome == 1) return true;
  const int reason = SSL_get_error(connection, outcome);
  if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) {
    failure = crypto::take_openssl_error();
  }
  return false;
}

}  // namespace

TemporaryDirectory::TemporaryDirectory()
    : path_((std::filesystem::temp_directory_path() / "wxpush-test-XXXXXX").string()) {
  demand(::mkdtemp(path_.data()) != nullptr, "mkdtemp");
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

void write_file(const std::string& path, const std::string& content) {
  demand(static_cast<bool>(std::ofstream(path, std::ios::binary) << content), "write_file");
}

void write_rsa_pair(const std::string& certificate_file, const std::string& key_file,
                    const std::string& passphrase) {
  const crypto::OpensslOwned<EVP_PKEY> key(EVP_RSA_gen(2048));
  const crypto::OpensslOwned<X509> certificate(X509_new());
  demand(key && certificate, "RSA");
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const std::string host = "localhost";
  demand(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>(host.c_str()), -1, -1,
                                    0) == 1 &&
             X509_set_issuer_name(certificate.get(), name) == 1 &&
             X509_set_pubkey(certificate.get(), key.get()) == 1 &&
             X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0,
         "RSA certificate");
  const crypto::OpensslOwned<BIO> certificate_out(BIO_new_file(certificate_file.c_str(), "wb"));
  const crypto::OpensslOwned<BIO> key_out(BIO_new_file(key_file.c_str(), "wb"));
  const bool encrypted = !passphrase.empty();
  demand(PEM_write_bio_X509(certificate_out.get(), certificate.get()) == 1 &&
             PEM_write_bio_PKCS8PrivateKey(
                 key_out.get(), key.get(), encrypted ? EVP_aes_256_cbc() : nullptr,
                 encrypted ? passphrase.data() : nullptr, static_cast<int>(passphrase.size()),
                 nullptr, nullptr) == 1,
         "writing the RSA pair");
}

Context tolerant_client() {
  Context context(SSL_CTX_new(TLS_client_method()));
  demand(context && SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION) == 1 &&
             SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0") == 1,
         "tolerant client");
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  return context;
}

Handshake shake_hands(SSL_CTX* client, SSL_CTX* server, const std::function<void(SSL*)>& prepare) {
  Handshake both;
  both.client.reset(SSL_new(client));
  both.server.reset(SSL_new(server));
  BIO* client_end = nullptr;
  BIO* server_end = nullptr;
  demand(both.client && both.server && BIO_new_bio_pair(&client_end, 0, &server_end, 0) == 1,
         "connection in memory");
  SSL_set_bio(both.client.get(), client_end, client_end);
  SSL_set_bio(both.server.get(), server_end, server_end);
  SSL_set_connect_state(both.client.get());
  SSL_set_accept_state(both.server.get());
  if (prepare) prepare(both.client.get());
  constexpr int more_than_enough = 20;
  for (int round = 0; round < more_than_enough && !both.done; ++round) {
    const bool client_done = step(both.client.get(), both.client_failure);
    const bool server_done = step(both.server.get(), both.server_failure);
    both.done = client_done && server_done;
  }
  return both;
}

bool one_byte_arrives(Handshake& handshake) {
  char byte = 'x';
  if (SSL_write(handshake.client.get(), &byte, 1) != 1) return false;
  byte = 0;
  return SSL_read(handshake.server.get(), &byte, 1) == 1 && byte == 'x';
}

}  // namespace wxpush::tests
