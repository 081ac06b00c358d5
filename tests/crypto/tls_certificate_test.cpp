// The files of a certificate: made, read, and refused with a text that says what to do.

#include "crypto/tls/context.h"
#include "tests/crypto/tls_support.h"

#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/stat.h>

namespace wxpush::tests {
namespace {

using namespace std::chrono_literals;
using crypto::certificate_not_after;
using crypto::make_client_context;
using crypto::make_server_context;
using crypto::write_self_signed;

// 2026-05-01T00:00:00Z
const std::chrono::system_clock::time_point now =
    std::chrono::sys_days{std::chrono::year{2026} / 5 / 1};

// The text of what was thrown; empty if nothing was.
std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

}  // namespace

TEST_CASE("write_self_signed: the two files, the key for its owner alone, valid as long as asked") {
  const TemporaryDirectory directory;
  write_self_signed(directory.path(), {"localhost", "::1"}, now, 24h * 365);
  CHECK(mode_of(directory.file("key.pem")) == 0600);
  CHECK(certificate_not_after(directory.file("cert.pem")) == now + 24h * 365);
  CHECK_NOTHROW(make_server_context(directory.file("cert.pem"), directory.file("key.pem")));
}

TEST_CASE("write_self_signed: two are never alike") {
  const TemporaryDirectory one;
  const TemporaryDirectory two;
  write_self_signed(one.path(), {"localhost"}, now, 24h);
  write_self_signed(two.path(), {"localhost"}, now, 24h);
  CHECK(read_file(one.file("key.pem")) != read_file(two.file("key.pem")));
  CHECK(read_file(one.file("cert.pem")) != read_file(two.file("cert.pem")));
}

TEST_CASE("write_self_signed: neither file is overwritten, and no half pair is left") {
  for (const std::string name : {"key.pem", "cert.pem"}) {
    CAPTURE(name);
    const TemporaryDirectory directory;
    write_file(directory.file(name), "precious");
    const std::string error =
        error_of([&] { write_self_signed(directory.path(), {"localhost"}, now, 24h); });
    CHECK(says(error, directory.file(name)));
    CHECK(says(error, "never overwritten"));
    CHECK(read_file(directory.file(name)) == "precious");
    const std::filesystem::directory_iterator entries(directory.path());
    CHECK(std::distance(begin(entries), end(entries)) == 1);
  }
}

TEST_CASE("write_self_signed: what cannot be a name, and where nothing can be written") {
  const TemporaryDirectory directory;
  CHECK_FALSE(error_of([&] { write_self_signed(directory.path(), {}, now, 24h); }).empty());
  for (const std::string name : {"", "a b", "a,DNS:evil.example"}) {
    CAPTURE(name);
    CHECK(says(error_of([&] { write_self_signed(directory.path(), {name}, now, 24h); }), name));
  }
  CHECK(std::filesystem::is_empty(directory.path()));
  const std::string missing = directory.file("missing");
  const std::string error = error_of([&] { write_self_signed(missing, {"a"}, now, 24h); });
  CHECK(says(error, missing + "/key.pem"));
  CHECK(says(error, "No such file"));
}

TEST_CASE("write_self_signed: a long name is no obstacle") {
  const TemporaryDirectory directory;
  const std::string name = std::string(60, 'a') + "." + std::string(60, 'b') + ".example";
  CHECK_NOTHROW(write_self_signed(directory.path(), {name}, now, 24h));
}

TEST_CASE("make_server_context: a file that is missing or is something else is named") {
  const TemporaryDirectory directory;
  write_self_signed(directory.path(), {"localhost"}, now, 24h);
  const std::string certificate = directory.file("cert.pem");
  const std::string key = directory.file("key.pem");
  const std::string missing = directory.file("missing.pem");
  const std::string text = directory.file("text.pem");
  write_file(text, "not PEM\n");
  const auto error = [](const std::string& c, const std::string& k) {
    return error_of([&] { make_server_context(c, k); });
  };
  CHECK(says(error(missing, key), "certificate " + missing + ": No such file"));
  CHECK(says(error(certificate, missing), "private key " + missing + ": No such file"));
  CHECK(says(error(text, key), "no certificate in " + text));
  CHECK(says(error(certificate, text), "no private key in " + text));
  CHECK(says(error(key, key), "no certificate in " + key));
  CHECK(says(error(certificate, certificate), "no private key in " + certificate));
  CHECK(error(certificate, key).empty());
}

TEST_CASE("make_server_context: a key of another certificate, both are named") {
  const TemporaryDirectory one;
  const TemporaryDirectory two;
  write_self_signed(one.path(), {"localhost"}, now, 24h);
  write_self_signed(two.path(), {"localhost"}, now, 24h);
  write_rsa_pair(two.file("rsa-cert.pem"), two.file("rsa-key.pem"));
  for (const std::string& key : {two.file("key.pem"), two.file("rsa-key.pem")}) {
    const std::string error = error_of([&] { make_server_context(one.file("cert.pem"), key); });
    CHECK(says(error, key));
    CHECK(says(error, one.file("cert.pem")));
    CHECK(says(error, "does not belong"));
  }
}

TEST_CASE("make_server_context: a key with a passphrase is refused without asking for it") {
  const TemporaryDirectory directory;
  write_rsa_pair(directory.file("cert.pem"), directory.file("key.pem"), "secret");
  const std::string error =
      error_of([&] { make_server_context(directory.file("cert.pem"), directory.file("key.pem")); });
  CHECK(says(error, directory.file("key.pem")));
  CHECK(says(error, "passphrase"));
  CHECK(says(error, "openssl pkey"));
}

TEST_CASE("make_server_context: what follows the first certificate is sent as its chain") {
  const TemporaryDirectory one;
  const TemporaryDirectory two;
  write_self_signed(one.path(), {"localhost"}, now, 24h);
  write_self_signed(two.path(), {"localhost"}, now, 24h);
  const std::string both = one.file("both.pem");
  write_file(both, read_file(one.file("cert.pem")) + read_file(two.file("cert.pem")));
  auto server = make_server_context(both, one.file("key.pem"));
  auto client = make_client_context("", true);
  const Handshake handshake = shake_hands(client.native_handle(), server.native_handle());
  REQUIRE(handshake.done);
  CHECK(sk_X509_num(SSL_get_peer_cert_chain(handshake.client.get())) == 2);
}

TEST_CASE("make_client_context: authorities that are missing or no certificates are named") {
  const TemporaryDirectory directory;
  const std::string missing = directory.file("missing.pem");
  const std::string text = directory.file("text.pem");
  write_file(text, "not PEM\n");
  CHECK(says(error_of([&] { make_client_context(missing, false); }), missing));
  CHECK(says(error_of([&] { make_client_context(text, false); }), text));
}

TEST_CASE("certificate_not_after: the first certificate of the file counts; errors name the file") {
  const TemporaryDirectory one;
  const TemporaryDirectory two;
  write_self_signed(one.path(), {"localhost"}, now, 24h);
  write_self_signed(two.path(), {"localhost"}, now, 48h);
  const std::string both = one.file("both.pem");
  write_file(both, read_file(two.file("cert.pem")) + read_file(one.file("cert.pem")));
  CHECK(certificate_not_after(both) == now + 48h);
  const std::string missing = one.file("missing.pem");
  CHECK(says(error_of([&] { certificate_not_after(missing); }), missing));
}

}  // namespace wxpush::tests
