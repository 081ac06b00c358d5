#pragma once
// Opens and seals the messages of one mini program in secure mode. No clock, no log, no randomness
// of its own; immutable after construction, so any thread may use it.

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::crypto {

enum class CodecError {
  bad_signature = 1,  // no token of the app signed this (untrusted)
  not_opened,     // a token signed it, but no key opens it: length, padding or layout (untrusted)
  foreign_appid,  // opened, but the message was sealed for another appid (untrusted)
  bad_key,        // an EncodingAESKey that is not 43 base64 characters, or no token (permanent)
};
const boost::system::error_category& codec_category() noexcept;
inline boost::system::error_code make_error_code(CodecError e) noexcept {
  return {static_cast<int>(e), codec_category()};
}

// One pair of Token and EncodingAESKey. Copies are counted copies of secrets: it is move-only, and
// its memory is overwritten when it ends.
class PushKey {
 public:
  // `token`: not empty, or anyone could sign. `encoding_aes_key`: exactly 43 characters of
  // [A-Za-z0-9+/]; the two unused bits of the last one are ignored (official samples have them
  // set). `name` is what logs and metrics call this key.
  static boost::system::result<PushKey> make(std::string name, std::string token,
                                             std::string_view encoding_aes_key);
  PushKey(PushKey&&) noexcept;
  PushKey& operator=(PushKey&&) noexcept;
  PushKey(const PushKey&) = delete;
  PushKey& operator=(const PushKey&) = delete;
  ~PushKey();

  const std::string& name() const noexcept { return name_; }
  const std::string& token() const noexcept { return token_; }
  const std::array<std::uint8_t, 32>& aes_key() const noexcept { return aes_key_; }

 private:
  PushKey() = default;
  std::string name_;
  std::string token_;
  std::array<std::uint8_t, 32> aes_key_{};
};

struct Opened {
  std::string message;     // the decrypted bytes, as they came
  const PushKey* matched;  // owned by the codec
};

struct Sealed {
  std::string encrypt;        // base64
  std::string msg_signature;  // over the token of the key, timestamp, nonce, encrypt
};

// The two primitive halves, for tools that work on one key and for tests.
// AES-256-CBC, IV = first 16 bytes of the key, PKCS#7 over blocks of 32 (1..32 bytes).
// Layout of the plain text: 16 random bytes, 4 bytes big-endian length, message, receive id.
struct Plain {
  std::string message;
  std::string receive_id;
};
// decrypt: `encrypt` is strict base64 of one or more 16-byte blocks; else, or if padding, length or
// layout are wrong, not_opened. encrypt: std::length_error if the message is longer than 4 GiB.
boost::system::result<Plain> decrypt(const PushKey& key, std::string_view encrypt);
std::string encrypt(const PushKey& key, const std::array<std::uint8_t, 16>& random16,
                    std::string_view message, std::string_view receive_id);

class PushCodec {
 public:
  // `keys` in order of preference (newest first); any of them may match. std::invalid_argument if
  // there is no key or no appid.
  PushCodec(std::string appid, std::vector<PushKey> keys);

  const std::string& appid() const noexcept { return appid_; }
  const std::vector<PushKey>& keys() const noexcept { return keys_; }

  // The key whose token signed this handshake, or null.
  const PushKey* verify_handshake(std::string_view signature, std::string_view timestamp,
                                  std::string_view nonce) const;

  // msg_signature first, in constant time and as it is (upper-case hex is refused); then every key
  // whose token made it is tried (several may share a token): padding, lengths, and the appid at
  // the tail, which must be ours exactly. The error is the furthest any key came: bad_signature,
  // not_opened, foreign_appid.
  boost::system::result<Opened> open(std::string_view timestamp, std::string_view nonce,
                                     std::string_view msg_signature,
                                     std::string_view encrypt) const;

  // A reply for WeChat under the key that opened the request.
  Sealed seal(const PushKey& key, const std::array<std::uint8_t, 16>& random16,
              std::string_view message, std::string_view timestamp, std::string_view nonce) const;

 private:
  std::string appid_;
  std::vector<PushKey> keys_;
};

}  // namespace wxpush::crypto

template <>
struct boost::system::is_error_code_enum<wxpush::crypto::CodecError> : std::true_type {};
