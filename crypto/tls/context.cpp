#include "crypto/tls/context.h"

#include "crypto/tls/openssl.h"

#include <boost/asio/ip/address.hpp>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>
#include <stdexcept>
#include <string_view>

namespace wxpush::crypto {
namespace {

// Mozilla's "intermediate" profile, version 5.7.
constexpr const char* tls12_ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305";
constexpr const char* tls13_ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* curves = "X25519:prime256v1:secp384r1";

// ALPN's form: each name with its length before it.
constexpr std::array<unsigned char, 9> http11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

void set_versions_and_ciphers(SSL_CTX* context) {
  require(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1, "TLS 1.2");
  require(SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1, "TLS 1.3");
  require(SSL_CTX_set_cipher_list(context, tls12_ciphers) == 1, "TLS 1.2 ciphers");
  require(SSL_CTX_set_ciphersuites(context, tls13_ciphers) == 1, "TLS 1.3 ciphers");
  require(SSL_CTX_set1_groups_list(context, curves) == 1, "TLS curves");
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

void set_dh_group(SSL_CTX* context) {
  const OpensslOwned<EVP_PKEY_CTX> generator(EVP_PKEY_CTX_new_from_name(nullptr, "DH", nullptr));
  std::string group = "ffdhe2048";
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string("group", group.data(), group.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* made = nullptr;
  require(generator && EVP_PKEY_paramgen_init(generator.get()) == 1 &&
              EVP_PKEY_CTX_set_params(generator.get(), parameters.data()) == 1 &&
              EVP_PKEY_generate(generator.get(), &made) == 1,
          "ffdhe2048");
  OpensslOwned<EVP_PKEY> owned(made);
  require(SSL_CTX_set0_tmp_dh_pkey(context, owned.get()) == 1, "ffdhe2048");
  static_cast<void>(owned.release());  // the context owns it now
}

int choose_http11(SSL* /*connection*/, const unsigned char** chosen, unsigned char* length,
                  const unsigned char* offered, unsigned int offered_length, void* /*unused*/) {
  unsigned char* found = nullptr;
  const int outcome =
      SSL_select_next_proto(&found, length, http11.data(), http11.size(), offered, offered_length);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

// OpenSSL's own answer would be to ask on the terminal, and a service would hang there.
int note_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* wanted) {
  *static_cast<bool*>(wanted) = true;
  return -1;
}

OpensslOwned<EVP_PKEY> read_private_key(const std::string& path) {
  const auto file = open_file(path, "private key");
  bool passphrase_wanted = false;
  OpensslOwned<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(file.get(), nullptr, note_passphrase, &passphrase_wanted));
  if (passphrase_wanted) {
    static_cast<void>(take_openssl_error());
    throw std::runtime_error("the private key " + path +
                             " is protected by a passphrase; write one without, for example by "
                             "'openssl pkey -in OLD -out NEW', readable for this service alone");
  }
  if (!key) {
    throw_openssl_error("no private key in " + path +
                        " (expected PEM, beginning with -----BEGIN PRIVATE KEY-----)");
  }
  return key;
}

void load_identity(SSL_CTX* context, const std::string& certificate_file,
                   const std::string& private_key_file) {
  const auto certificate = read_certificate(certificate_file);
  const auto key = read_private_key(private_key_file);
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    static_cast<void>(take_openssl_error());
    throw std::runtime_error("the private key " + private_key_file +
                             " does not belong to the certificate " + certificate_file +
                             " (the first one in the file must be the server's own)");
  }
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
    throw_openssl_error("cannot use the certificates in " + certificate_file);
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    throw_openssl_error("cannot use the private key " + private_key_file);
  }
}

}  // namespace

boost::asio::ssl::context make_server_context(const std::string& certificate_file,
                                              const std::string& private_key_file) {
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_server);
  SSL_CTX* native = context.native_handle();
  set_versions_and_ciphers(native);
  set_dh_group(native);
  load_identity(native, certificate_file, private_key_file);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  // Each costs as much as all else that is sealed in a handshake, and a packet.
  require(SSL_CTX_set_num_tickets(native, 1) == 1, "session tickets");
  SSL_CTX_set_alpn_select_cb(native, choose_http11, nullptr);
  return context;
}

boost::asio::ssl::context make_client_context(const std::string& ca_file, bool insecure) {
  boost::asio::ssl::context context(boost::asio::ssl::context::tls_client);
  SSL_CTX* native = context.native_handle();
  set_versions_and_ciphers(native);
  // Zero is success for this one function.
  require(SSL_CTX_set_alpn_protos(native, http11.data(), http11.size()) == 0, "ALPN");
  SSL_CTX_set_verify(native, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (ca_file.empty()) {
    require(SSL_CTX_set_default_verify_paths(native) == 1, "the system's certificate authorities");
  } else {
    static_cast<void>(read_certificate(ca_file));  // for its better error
    if (SSL_CTX_load_verify_file(native, ca_file.c_str()) != 1) {
      throw_openssl_error("cannot use the certificate authorities in " + ca_file);
    }
  }
  return context;
}

void use_identity(boost::asio::ssl::context& context, const std::string& certificate_file,
                  const std::string& private_key_file) {
  load_identity(context.native_handle(), certificate_file, private_key_file);
}

void expect_peer(SSL* connection, const std::string& host) {
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(host, not_an_address);
  X509_VERIFY_PARAM* check = SSL_get0_param(connection);
  bool good = false;
  if (!not_an_address) {
    good = X509_VERIFY_PARAM_set1_ip_asc(check, host.c_str()) == 1;
  } else {
    X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    good = !host.empty() && X509_VERIFY_PARAM_set1_host(check, host.c_str(), host.size()) == 1 &&
           SSL_set_tlsext_host_name(connection, host.c_str()) == 1;
  }
  if (!good) throw_openssl_error("'" + host + "' cannot be verified as a host name");
}

}  // namespace wxpush::crypto
