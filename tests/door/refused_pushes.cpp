#include "tests/door/refused_pushes.h"

#include "crypto/primitives/aes256_cbc.h"
#include "crypto/primitives/base64.h"
#include "crypto/wechat/push_codec.h"
#include "crypto/wechat/signature.h"
#include "handlers/event/envelope.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace wxpush::door {
namespace {

using Group = RefusedPush::Group;

constexpr std::size_t message_size = 400;
constexpr std::size_t whole_size = 16 + 4 + message_size + 18 + 10;  // 448: blocks of 32

const crypto::PushKey& key() {
  static const auto made = crypto::PushKey::make("k", std::string(token), encoding_aes_key).value();
  return made;
}

crypto::AesBlock iv() {
  crypto::AesBlock block{};
  std::copy_n(key().aes_key().begin(), block.size(), block.begin());
  return block;
}

std::span<std::uint8_t> bytes_of(std::string& text) {
  return {reinterpret_cast<std::uint8_t*>(text.data()), text.size()};
}

// A text as it should be, for this appid.
std::string whole(std::string_view receive_id) {
  std::string text(16, 'r');
  for (const std::size_t shift : {24U, 16U, 8U, 0U})
    text += static_cast<char>(message_size >> shift & 0xFFU);
  text.append(message_size, 'm').append(receive_id);
  return text.append(whole_size - text.size(), '\x0A');
}

std::string changed(std::string text, std::size_t at, char to) {
  text[at] = to;
  return text;
}

RefusedPush signed_push(std::string_view name, std::string text) {
  crypto::aes256_cbc_encrypt(key().aes_key(), iv(), bytes_of(text));
  const std::string encrypt = crypto::base64_encode(text);
  return {name,
          Group::not_for_us,
          crypto::message_signature(token, timestamp, nonce, encrypt),
          encrypt,
          event::write_envelope(event::Format::json, "gh_97417a04a28d", encrypt),
          {}};
}

RefusedPush badly_signed(std::string_view name, std::size_t first_wrong, std::size_t last_wrong) {
  RefusedPush push = signed_push(name, whole(appid));
  push.group = Group::bad_signature;
  for (std::size_t i = first_wrong; i <= last_wrong; ++i)
    push.msg_signature[i] = push.msg_signature[i] == 'a' ? 'b' : 'a';
  return push;
}

}  // namespace

std::vector<RefusedPush> refused_pushes() {
  const std::string ours = whole(appid);
  const std::size_t tail = ours.size() - 10;  // where the padding begins
  std::vector<RefusedPush> pushes = {
      badly_signed("signature: first character", 0, 0),
      badly_signed("signature: last character", 39, 39),
      badly_signed("signature: all characters", 0, 39),
      signed_push("padding: none", changed(ours, ours.size() - 1, '\0')),
      signed_push("padding: too long", changed(ours, ours.size() - 1, '\x21')),
      signed_push("padding: first byte", changed(ours, tail, 'x')),
      signed_push("padding: last but one", changed(ours, ours.size() - 2, 'x')),
      signed_push("length: beyond the end", changed(ours, 16, '\x7F')),
      signed_push("length: one too many", changed(ours, 19, static_cast<char>(0x91))),
      signed_push("appid: first character", whole("xxba5fad812f8e6fb9")),
      signed_push("appid: last character", whole("wxba5fad812f8e6fb8"))};
  for (auto& push : pushes) {
    push.query = "signature=x&timestamp=" + std::string(timestamp) +
                 "&nonce=" + std::string(nonce) +
                 "&openid=o&encrypt_type=aes&msg_signature=" + push.msg_signature;
  }
  return pushes;
}

bool careless_open(const RefusedPush& push) {
  const auto expected = crypto::message_signature(token, timestamp, nonce, push.encrypt);
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (push.msg_signature[i] != expected[i]) return false;
  std::string text = crypto::base64_decode(push.encrypt).value();
  crypto::aes256_cbc_decrypt(key().aes_key(), iv(), bytes_of(text));
  const auto padding = static_cast<unsigned char>(text.back());
  if (padding < 1 || padding > 32) return false;
  for (std::size_t i = 1; i <= padding; ++i)
    if (static_cast<unsigned char>(text[text.size() - i]) != padding) return false;
  text.resize(text.size() - padding);
  std::size_t size = 0;
  for (std::size_t i = 16; i < 20; ++i) size = size << 8U | static_cast<unsigned char>(text[i]);
  if (size > text.size() - 20) return false;
  const std::string message = text.substr(20, size);  // what a caller would be given
  return text.substr(20 + size) == appid && !message.empty();
}

}  // namespace wxpush::door
