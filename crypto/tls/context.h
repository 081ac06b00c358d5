#pragma once
// TLS contexts for both sides. The only headers that show OpenSSL types to others are in this
// folder.

#include <boost/asio/ssl/context.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace wxpush::crypto {

// TLS 1.2 and 1.3 as in Mozilla's "intermediate" profile (version 5.7,
// https://ssl-config.mozilla.org/guidelines/5.7.json): its ciphers, curves and ffdhe2048, the
// client's order of ciphers, no compression, no renegotiation. Session tickets live as long as the
// context (their keys are never on disk), no session is kept in the server's memory, and there is
// no early data, which could be replayed. SSL_MODE_RELEASE_BUFFERS. ALPN: http/1.1 is chosen if the
// client offers it; a client without it, or without ALPN, is served all the same.
// `certificate_file`: PEM, the server's own certificate first, then its chain. `private_key_file`:
// PEM, without a passphrase. Throws std::runtime_error that names the file and the remedy if one
// cannot be read, does not parse, or if key and certificate do not belong together.
boost::asio::ssl::context make_server_context(const std::string& certificate_file,
                                              const std::string& private_key_file);

// A client with the same versions that offers http/1.1 by ALPN and verifies the peer's certificate
// against the system's authorities, or against `ca_file` (PEM) if it is not empty. Which name the
// certificate must carry is known per connection only: expect_peer. `insecure` verifies nothing (a
// development server's own certificate). Throws like make_server_context.
boost::asio::ssl::context make_client_context(const std::string& ca_file, bool insecure);

// A client's own certificate and key, for peers that ask for one. Throws std::runtime_error.
void use_identity(boost::asio::ssl::context& context, const std::string& certificate_file,
                  const std::string& private_key_file);

// Before the handshake of a client connection: the certificate must be for `host` (a DNS name, or
// an IP address without brackets), and a DNS name is sent as SNI. With an insecure context only the
// SNI matters. Throws std::runtime_error if OpenSSL refuses the name.
void expect_peer(SSL* connection, const std::string& host);

// When the first certificate in the file expires. Throws like make_server_context.
std::chrono::system_clock::time_point certificate_not_after(const std::string& certificate_file);

// Writes a fresh self-signed P-256 certificate (cert.pem, key.pem with mode 0600) into `directory`,
// which must exist, for the given DNS names and IP addresses (at least one; the first is also the
// subject), valid from `now` for `valid`. Refuses to overwrite either file; leaves none behind if
// it fails. Throws std::runtime_error naming file and cause.
void write_self_signed(const std::string& directory, const std::vector<std::string>& names,
                       std::chrono::system_clock::time_point now, std::chrono::hours valid);

}  // namespace wxpush::crypto
