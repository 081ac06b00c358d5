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

std::uint64_t byte_at(std::string_view bytes, std::size_t index) noexcept {
  return static_cast<unsigned char>(bytes[index]);
}

// 1 if a < b, else 0, without a branch. Both below 2^63.
constexpr std::uint64_t less(std::uint64_t a, std::uint64_t b) noexcept {
  return (a - b) >> 63U;
}

// What a decrypted text is divided into.
struct Frame {
  std::size_t content;  // without the padding; all of it, if it is not sound
  std::size_t message;  // bytes of it; its header and the receive id are the rest of the content
  bool sound;           // padding, header and length agree with one another
};

// Whoever can sign but not decrypt may send any ciphertext and measure the answer's time. So that
// he learns nothing of what it decrypts to, all of the frame is looked at, whatever was wrong with
// it before, and nothing branches on it. The size is his own choice.
Frame frame_of(std::string_view plain) noexcept {
  if (plain.size() < header_size) return {plain.size(), 0, false};
  const std::uint64_t padding = byte_at(plain, plain.size() - 1);
  const std::uint64_t most = std::min(plain.size(), padding_block);
  std::uint64_t wrong = less(padding, 1) | less(most, padding);
  for (std::size_t i = 0; i < most; ++i) {
    const std::uint64_t is_padding = 0 - less(i, padding);
    wrong |= is_padding & (byte_at(plain, plain.size() - 1 - i) ^ padding);
  }
  std::uint64_t message = 0;
  for (std::size_t i = random_size; i < header_size; ++i)
    message = (message << 8U) | byte_at(plain, i);
  const std::uint64_t content = plain.size() - padding;
  wrong |= less(content, header_size) | less(content - header_size, message);
  const std::uint64_t sound = less(0, wrong) - 1;  // all bits, or none
  return {plain.size() - (padding & sound), message & sound, sound != 0};
}

// Of what is no base64 of whole blocks there is none: that the sender knows anyway.
struct Unlocked {
  std::string bytes;
  Frame frame;

  std::string_view receive_id() const noexcept {
    const std::size_t before = header_size + frame.message;
    return std::string_view(bytes).substr(before, frame.content - before);
  }
  // In place: the message is not copied into a new buffer.
  std::string take_message() && {
    bytes.resize(header_size + frame.message);
    bytes.erase(0, header_size);
    return std::move(bytes);
  }
  // Sound, and sealed for `id`: likewise without a branch on what was decrypted.
  bool is_for(std::string_view id) const noexcept {
    const std::size_t size = std::min(id.size(), frame.content);
    const auto tail = std::string_view(bytes).substr(frame.content - size, size);
    const unsigned same{constant_time_equal(tail, id)};
    const unsigned alone{header_size + frame.message + id.size() == frame.content};
    return (unsigned{frame.sound} & same & alone) != 0;
  }
};

std::optional<Unlocked> unlock(const PushKey& key, std::string_view encrypt) {
  std::optional<std::string> bytes = base64_decode(encrypt);
  // Not "% 32": some producers pad to 16 only, and what they seal opens just as well.
  if (!bytes || bytes->empty() || bytes->size() % cipher_block != 0) return std::nullopt;
  aes256_cbc_decrypt(key.aes_key(), iv_of(key), bytes_of(*bytes));
  const Frame frame = frame_of(*bytes);
  return Unlocked{std::move(*bytes), frame};
}

}  // namespace

const boost::system::error_category& codec_category() noexcept {
  static const CodecCategory category;
  return category;
}

boost::system::result<Plain> decrypt(const PushKey& key, std::string_view encrypt) {
  auto text = unlock(key, encrypt);
  if (!text) return CodecError::not_opened;
  if (!text->frame.sound) {
    cleanse(text->bytes);
    return CodecError::not_opened;
  }
  std::string receive_id(text->receive_id());
  return Plain{std::move(*text).take_message(), std::move(receive_id)};
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
    auto text = unlock(key, encrypt);
    if (text && text->is_for(appid_)) return Opened{std::move(*text).take_message(), &key};
    const bool foreign = text && text->frame.sound;
    why = std::max(why, foreign ? CodecError::foreign_appid : CodecError::not_opened);
    if (text) cleanse(text->bytes);
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
