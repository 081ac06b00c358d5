// What our TLS accepts and refuses, seen from the other end of a connection in memory.

#include "crypto/tls/context.h"
#include "crypto/tls/openssl.h"
#include "tests/crypto/tls_support.h"

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <string>
#include <string_view>

namespace wxpush::tests {
namespace {

using namespace std::chrono_literals;
using crypto::make_client_context;
using crypto::make_server_context;
namespace ssl = boost::asio::ssl;

struct Files {
  TemporaryDirectory directory;
  std::string certificate = directory.file("cert.pem");
  std::string key = directory.file("key.pem");
};

// A server with a fresh P-256 certificate for localhost and 127.0.0.1.
struct Server {
  Files files;
  ssl::context context = make();

  ssl::context make() {
    crypto::write_self_signed(files.directory.path(), {"localhost", "127.0.0.1"},
                              std::chrono::system_clock::now() - 1h, 24h);
    return make_server_context(files.certificate, files.key);
  }
  SSL_CTX* native() { return context.native_handle(); }
};

std::string cipher_of(const Handshake& handshake) {
  return SSL_get_cipher_name(handshake.server.get());
}

std::string alpn_of(const Handshake& handshake) {
  const unsigned char* name = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(handshake.client.get(), &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

// The handshake of a client that knows only this one cipher of TLS 1.2.
Handshake with_tls12_cipher(SSL_CTX* server, const std::string& cipher) {
  const Context client = tolerant_client();
  REQUIRE(SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION) == 1);
  REQUIRE(SSL_CTX_set_cipher_list(client.get(), (cipher + ":@SECLEVEL=0").c_str()) == 1);
  return shake_hands(client.get(), server);
}

Handshake with_alpn(SSL_CTX* server, std::string_view offered) {
  const Context client = tolerant_client();
  return shake_hands(client.get(), server, [&](SSL* connection) {
    if (offered.empty()) return;
    REQUIRE(SSL_set_alpn_protos(connection, reinterpret_cast<const unsigned char*>(offered.data()),
                                static_cast<unsigned>(offered.size())) == 0);
  });
}

}  // namespace

TEST_CASE("tls server: TLS 1.3 and 1.2 are served, older versions are refused by the server") {
  Server server;
  const auto limited_to = [&](int version) {
    const Context client = tolerant_client();
    REQUIRE(SSL_CTX_set_max_proto_version(client.get(), version) == 1);
    return shake_hands(client.get(), server.native());
  };
  for (const int version : {TLS1_3_VERSION, TLS1_2_VERSION}) {
    Handshake handshake = limited_to(version);
    REQUIRE(handshake.done);
    CHECK(SSL_version(handshake.server.get()) == version);
    CHECK(one_byte_arrives(handshake));
  }
  for (const int version : {TLS1_1_VERSION, TLS1_VERSION}) {
    const Handshake handshake = limited_to(version);
    CHECK_FALSE(handshake.done);
    CHECK(handshake.server_failure == "unsupported protocol");
  }
}

TEST_CASE("tls server: the ciphers of TLS 1.2 are forward secret and authenticated") {
  Server server;
  for (const std::string cipher : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                                   "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
    const Handshake handshake = with_tls12_cipher(server.native(), cipher);
    REQUIRE(handshake.done);
    CHECK(cipher_of(handshake) == cipher);
  }
  for (const std::string cipher :
       {"ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM",
        "AECDH-AES128-SHA", "ECDHE-ECDSA-NULL-SHA"}) {
    CAPTURE(cipher);
    const Handshake handshake = with_tls12_cipher(server.native(), cipher);
    CHECK_FALSE(handshake.done);
    CHECK(handshake.server_failure == "no shared cipher");
  }
}

TEST_CASE("tls server: with an RSA certificate, ECDHE and DHE but no RSA key exchange") {
  Files files;
  write_rsa_pair(files.certificate, files.key);
  auto context = make_server_context(files.certificate, files.key);
  for (const std::string cipher :
       {"ECDHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-CHACHA20-POLY1305"}) {
    CAPTURE(cipher);
    const Handshake handshake = with_tls12_cipher(context.native_handle(), cipher);
    REQUIRE(handshake.done);
    CHECK(cipher_of(handshake) == cipher);
  }
  for (const std::string cipher :
       {"AES128-GCM-SHA256", "DHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA"}) {
    CAPTURE(cipher);
    CHECK_FALSE(with_tls12_cipher(context.native_handle(), cipher).done);
  }
}

TEST_CASE("tls server: curves X25519, P-256 and P-384") {
  Server server;
  const auto with_curve = [&](const char* curve) {
    const Context client = tolerant_client();
    REQUIRE(SSL_CTX_set1_groups_list(client.get(), curve) == 1);
    return shake_hands(client.get(), server.native()).done;
  };
  CHECK(with_curve("X25519"));
  CHECK(with_curve("P-256"));
  CHECK(with_curve("P-384"));
  CHECK_FALSE(with_curve("P-521"));
  CHECK_FALSE(with_curve("X448"));
}

TEST_CASE("tls server: ALPN chooses http/1.1, and nobody is turned away for want of it") {
  Server server;
  const std::string_view http11 = "\x08http/1.1";
  const std::string both = "\x02h2" + std::string(http11);
  CHECK(alpn_of(with_alpn(server.native(), http11)) == "http/1.1");
  CHECK(alpn_of(with_alpn(server.native(), both)) == "http/1.1");
  for (const std::string_view offered : {std::string_view(), std::string_view("\x02h2")}) {
    Handshake handshake = with_alpn(server.native(), offered);
    CHECK(handshake.done);
    CHECK(alpn_of(handshake).empty());
    CHECK(one_byte_arrives(handshake));
  }
}

TEST_CASE("tls server: a client's renegotiation is refused") {
  Server server;
  const Context client = tolerant_client();
  REQUIRE(SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION) == 1);
  Handshake handshake = shake_hands(client.get(), server.native());
  REQUIRE(handshake.done);
  REQUIRE(SSL_renegotiate(handshake.client.get()) == 1);
  SSL_do_handshake(handshake.client.get());  // asks for it
  char byte = 0;
  SSL_read(handshake.server.get(), &byte, 1);
  CHECK(SSL_do_handshake(handshake.client.get()) == -1);
  CHECK(crypto::take_openssl_error() == "no renegotiation");
}

TEST_CASE("tls server: a session is resumed by its ticket, without early data") {
  Server server;
  const Context client = tolerant_client();
  Handshake first = shake_hands(client.get(), server.native());
  REQUIRE(first.done);
  const char byte = 'x';
  char received = 0;
  REQUIRE(SSL_write(first.server.get(), &byte, 1) == 1);
  REQUIRE(SSL_read(first.client.get(), &received, 1) == 1);  // takes the ticket in, too
  SSL_SESSION* session = SSL_get1_session(first.client.get());
  CHECK(SSL_SESSION_get_max_early_data(session) == 0);
  const Handshake second = shake_hands(client.get(), server.native(), [&](SSL* connection) {
    REQUIRE(SSL_set_session(connection, session) == 1);
  });
  SSL_SESSION_free(session);
  CHECK(second.done);
  CHECK(SSL_session_reused(second.server.get()) == 1);
}

TEST_CASE("tls server: a connection is given one ticket") {
  Server server;
  const Context client = tolerant_client();
  int tickets = 0;
  SSL_CTX_set_session_cache_mode(client.get(), SSL_SESS_CACHE_CLIENT);
  SSL_CTX_set_app_data(client.get(), &tickets);
  SSL_CTX_sess_set_new_cb(client.get(), [](SSL* connection, SSL_SESSION* /*session*/) {
    ++*static_cast<int*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
    return 0;
  });
  const Handshake handshake = shake_hands(client.get(), server.native());
  REQUIRE(handshake.done);
  const char byte = 'x';
  char received = 0;
  REQUIRE(SSL_write(handshake.server.get(), &byte, 1) == 1);
  REQUIRE(SSL_read(handshake.client.get(), &received, 1) == 1);
  CHECK(tickets == 1);
}

TEST_CASE("tls client: takes the server it was told to expect, by name or address, and no other") {
  Server server;
  auto client = make_client_context(server.files.certificate, false);
  const auto connect = [&](const std::string& host) {
    return shake_hands(client.native_handle(), server.native(),
                       [&](SSL* connection) { crypto::expect_peer(connection, host); });
  };
  CHECK(connect("localhost").done);
  CHECK(connect("127.0.0.1").done);
  CHECK(alpn_of(connect("localhost")) == "http/1.1");
  for (const std::string host : {"example.com", "127.0.0.2", "::1", "localhost.example.com"}) {
    CAPTURE(host);
    const Handshake handshake = connect(host);
    CHECK_FALSE(handshake.done);
    CHECK(handshake.client_failure == "certificate verify failed");
  }
}

TEST_CASE("tls client: a name is sent as SNI, an address is not; an empty host is an error") {
  Server server;
  auto client = make_client_context("", true);
  const auto sni_for = [&](const std::string& host) {
    const Handshake handshake =
        shake_hands(client.native_handle(), server.native(),
                    [&](SSL* connection) { crypto::expect_peer(connection, host); });
    CHECK(handshake.done);  // insecure: whatever the name
    const char* name = SSL_get_servername(handshake.server.get(), TLSEXT_NAMETYPE_host_name);
    return std::string(name == nullptr ? "" : name);
  };
  CHECK(sni_for("push.example.com") == "push.example.com");
  CHECK(sni_for("127.0.0.9").empty());
  CHECK_THROWS_AS(shake_hands(client.native_handle(), server.native(),
                              [](SSL* connection) { crypto::expect_peer(connection, ""); }),
                  std::runtime_error);
}

TEST_CASE("tls client: an authority it does not know is refused, unless it is told not to look") {
  Server server;
  Server stranger;
  auto with_ca = make_client_context(stranger.files.certificate, false);
  auto with_system = make_client_context("", false);
  auto insecure = make_client_context("", true);
  const auto connect = [&](ssl::context& client) {
    return shake_hands(client.native_handle(), server.native(),
                       [](SSL* connection) { crypto::expect_peer(connection, "localhost"); });
  };
  CHECK(connect(with_ca).client_failure == "certificate verify failed");
  CHECK(connect(with_system).client_failure == "certificate verify failed");
  CHECK(connect(insecure).done);
}

}  // namespace wxpush::tests
