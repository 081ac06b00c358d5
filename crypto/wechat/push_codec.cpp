#include "crypto/wechat/push_codec.h"

#include "crypto/primitives/aes256_cbc.h"
#include "crypto/primitives/base64.h"
#include "crypto/primitives/condition.h"
#include "crypto/primitives/constant_time.h"
#include "crypto/wechat/signature.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

namespace wxpush::crypto {
namespace {

constexpr std::size_t random_size = 16;
constexpr std::size_t header_size = random_size + 4;
constexpr std::size_t padding_block = 32;
constexpr std::size_t cipher_block = 16;

class CodecCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "wxpush.codec"; }
  std::string message(int code) const override {
    switch (static_cast<CodecError>(code)) {
      case CodecError::bad_signature:
        return "msg_signature was made with none of the app's tokens";
      case CodecError::not_opened:
        return "signed with a token of the app, but none of its keys opens it";
      case CodecError::foreign_appid:
        return "sealed for another appid";
      case CodecError::bad_key:
        return "EncodingAESKey must be 43 characters of A-Z, a-z, 0-9, + and /, and Token not "
               "empty";
    }
    return "unknown codec error " + std::to_string(code);
  }
  boost::system::error_condition default_error_condition(int code) const noexcept override {
    const bool about_settings = static_cast<CodecError>(code) == CodecError::bad_key;
    return make_error_condition(about_settings ? Condition::permanent : Condition::untrusted);
  }
};

std::span<std::uint8_t> bytes_of(std::string& text) noexcept {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

AesBlock iv_of(const PushKey& key) noexcept {
  AesBlock iv;
  std::copy_n(key.aes_key().begin(), iv.size(), iv.begin());
  return iv;
}

std::size_t big_endian(std::string_view four) noexcept {
  std::size_t value = 0;
  for (const char c : four) value = (value << 8U) | static_cast<unsigned char>(c);
  return value;
}

// What is left without the padding, or nullopt if that is not 1 to 32 equal bytes of its own
// number.
std::optional<std::size_t> unpadded_size(std::string_view plain) noexcept {
  const std::size_t count = static_cast<unsigned char>(plain.back());
  if (count < 1 || count > padding_block || count > plain.size()) return std::nullopt;
  const std::string_view padding = plain.substr(plain.size() - count);
  if (padding.find_first_not_of(plain.back()) != std::string_view::npos) return std::nullopt;
  return plain.size() - count;
}

// A plain text whose layout was checked: header, message, receive id, without the padding.
struct Layout {
  std::string bytes;
  std::size_t message_size;

  std::string_view receive_id() const noexcept {
    return std::string_view(bytes).substr(header_size + message_size);
  }
  // In place: the message is not copied into a new buffer.
  std::string take_message() && {
    bytes.resize(header_size + message_size);
    bytes.erase(0, header_size);
    return std::move(bytes);
  }
};

std::optional<std::size_t> message_size_of(std::string_view plain) noexcept {
  if (plain.size() < header_size) return std::nullopt;
  const std::size_t size = big_endian(plain.substr(random_size, header_size - random_size));
  if (size > plain.size() - header_size) return std::nullopt;
  return size;
}

boost::system::result<Layout> unlock(const PushKey& key, std::string_view encrypt) {
  std::optional<std::string> bytes = base64_decode(encrypt);
  // Not "% 32": some producers pad to 16 only, and what they seal opens just as well.
  if (!bytes || bytes->empty() || bytes->size() % cipher_block != 0) return CodecError::not_opened;
  aes256_cbc_decrypt(key.aes_key(), iv_of(key), bytes_of(*bytes));
  if (const auto size = unpadded_size(*bytes)) {
    bytes->resize(*size);
    if (const auto message_size = message_size_of(*bytes)) {
      return Layout{std::move(*bytes), *message_size};
    }
  }
  cleanse(*bytes);
  return CodecError::not_opened;
}

}  // namespace

const boost::system::error_category& codec_category() noexcept {
  static const CodecCategory category;
  return category;
}

boost::system::result<Plain> decrypt(const PushKey& key, std::string_view encrypt) {
  auto layout = unlock(key, encrypt);
  if (!layout) return layout.error();
  std::string receive_id(layout->receive_id());
  return Plain{std::move(*layout).take_message(), std::move(receive_id)};
}

std::string encrypt(const PushKey& key, const std::array<std::uint8_t, 16>& random16,
                    std::string_view message, std::string_view receive_id) {
  if (message.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw std::length_error("a message longer than 4 GiB has no length field");
  }
  const std::size_t content = header_size + message.size() + receive_id.size();
  const std::size_t padding = padding_block - content % padding_block;
  std::string bytes;  // becomes the ciphertext in place: no copy of the plain text remains
  bytes.reserve(content + padding);
  bytes.append(reinterpret_cast<const char*>(random16.data()), random16.size());
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    bytes.push_back(static_cast<char>((message.size() >> shift) & 0xFFU));
  }
  bytes.append(message).append(receive_id).append(padding, static_cast<char>(padding));
  aes256_cbc_encrypt(key.aes_key(), iv_of(key), bytes_of(bytes));
  return base64_encode(bytes);
}

PushCodec::PushCodec(std::string appid, std::vector<PushKey> keys)
    : appid_(std::move(appid)), keys_(std::move(keys)) {
  if (appid_.empty()) throw std::invalid_argument("PushCodec: no appid");
  if (keys_.empty()) throw std::invalid_argument("PushCodec: no key for appid " + appid_);
}

const PushKey* PushCodec::verify_handshake(std::string_view signature, std::string_view timestamp,
                                           std::string_view nonce) const {
  for (const PushKey& key : keys_) {
    if (constant_time_equal(signature, handshake_signature(key.token(), timestamp, nonce))) {
      return &key;
    }
  }
  return nullptr;
}

boost::system::result<Opened> PushCodec::open(std::string_view timestamp, std::string_view nonce,
                                              std::string_view msg_signature,
                                              std::string_view encrypt) const {
  CodecError why = CodecError::bad_signature;
  for (const PushKey& key : keys_) {
    if (!constant_time_equal(msg_signature,
                             message_signature(key.token(), timestamp, nonce, encrypt))) {
      continue;
    }
    auto layout = unlock(key, encrypt);
    if (layout && layout->receive_id() == appid_) {
      return Opened{std::move(*layout).take_message(), &key};
    }
    if (layout) {
      why = CodecError::foreign_appid;
      cleanse(layout->bytes);
    } else if (why == CodecError::bad_signature) {
      why = CodecError::not_opened;
    }
  }
  return why;
}

Sealed PushCodec::seal(const PushKey& key, const std::array<std::uint8_t, 16>& random16,
                       std::string_view message, std::string_view timestamp,
                       std::string_view nonce) const {
  Sealed sealed;
  sealed.encrypt = crypto::encrypt(key, random16, message, appid_);
  sealed.msg_signature = message_signature(key.token(), timestamp, nonce, sealed.encrypt);
  return sealed;
}

}  // namespace wxpush::crypto
