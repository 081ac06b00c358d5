#pragma once
// Handshakes in memory, and the files they need.

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <string>

namespace wxpush::tests {

// A directory of its own under the system's temporary one, gone with the object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();
  const std::string& path() const noexcept { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& content);

// A self-signed RSA certificate for "localhost" and its key (encrypted if a passphrase is given).
void write_rsa_pair(const std::string& certificate_file, const std::string& key_file,
                    const std::string& passphrase = "");

struct SslFree {
  void operator()(SSL* connection) const noexcept { SSL_free(connection); }
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using Connection = std::unique_ptr<SSL, SslFree>;
using Context = std::unique_ptr<SSL_CTX, SslFree>;

// A client without any opinion of its own (all versions, all ciphers, no verification): what it is
// refused, the server refused.
Context tolerant_client();

// Two ends of one connection, joined in memory.
struct Handshake {
  Connection client;
  Connection server;
  bool done = false;           // at both ends
  std::string client_failure;  // OpenSSL's reason, or empty
  std::string server_failure;
};

// `prepare` is called with the client's end before the handshake.
Handshake shake_hands(SSL_CTX* client, SSL_CTX* server,
                      const std::function<void(SSL*)>& prepare = nullptr);

// One byte from the client to the server; false if it does not arrive as such.
bool one_byte_arrives(Handshake& handshake);

}  // namespace wxpush::tests
