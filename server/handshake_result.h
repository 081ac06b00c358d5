#pragma once
// What became of a TLS handshake, as sessions tell it and metrics count it.

namespace wxpush::server {

enum class HandshakeResult {
  ok,
  failed,
  gone,  // the peer had closed before it was begun
};

}  // namespace wxpush::server
