#pragma once
// tests/vectors.json as a table: the ground truth of the protocol, from official pages and public
// SDKs, and some derived by two independent implementations. A field that the JSON has not is
// empty.

#include <span>
#include <string_view>

namespace wxpush::tests {

struct Vector {
  std::string_view id;        // v001 …
  std::string_view category;  // public, derived
  std::string_view kind;      // push, reply, echostr, encrypt-only, signature-only, url-verify,
                              // plain-signature, negative
  std::string_view token;
  std::string_view encoding_aes_key;
  std::string_view appid;
  std::string_view timestamp;
  std::string_view nonce;
  std::string_view encrypt;
  std::string_view msg_signature;  // over token, timestamp, nonce, encrypt
  std::string_view signature;      // over token, timestamp, nonce
  std::string_view plaintext;
  std::string_view receive_id;  // at the tail of the plain text
  std::string_view random16;    // 16 bytes at its head
  int pad;                      // how many bytes of padding
  bool decrypt_verified;        // opens, to `plaintext`
  bool signature_verified;      // msg_signature and signature, where there are any, are right
  bool reencrypt_verified;      // sealing with `random16` gives `encrypt` again
};

std::span<const Vector> vectors();

}  // namespace wxpush::tests
