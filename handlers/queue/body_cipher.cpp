#include "handlers/queue/body_cipher.h"

#include "crypto/primitives/aes256_gcm.h"
#include "crypto/primitives/constant_time.h"
#include "crypto/primitives/hash.h"
#include "crypto/primitives/random.h"
#include "handlers/queue/store_files.h"

#include <algorithm>
#include <span>

namespace wxpush::queue {
namespace {

constexpr std::string_view mark_purpose = "wxpush body key mark";
constexpr std::string_view body_purpose = "wxpush event body 1";
constexpr std::size_t mark_bytes = 6;

std::string_view text_of(const event::EventId& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

// Whose body it is: a body that was put into another row does not open.
std::string owner(std::string_view appid, const event::EventId& id) {
  std::string text(body_purpose);
  text.append(1, '\0').append(appid).append(1, '\0').append(text_of(id));
  return text;
}

// The key of one event.
class EventKey {
 public:
  EventKey(const BodyKey& key, std::string_view owner)
      : bytes_(crypto::hmac_sha256(key.bytes(), {owner})) {}
  ~EventKey() { crypto::cleanse(bytes_.data(), bytes_.size()); }
  EventKey(const EventKey&) = delete;
  EventKey& operator=(const EventKey&) = delete;
  const crypto::Aes256Key& bytes() const noexcept { return bytes_; }

 private:
  crypto::Aes256Key bytes_;
};

}  // namespace

BodyKey::BodyKey(std::string_view bytes) {
  if (bytes.size() != size) throw std::invalid_argument("a key of bodies has 32 bytes");
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
  const auto digest = crypto::hmac_sha256(bytes, {mark_purpose});
  mark_ = crypto::to_hex(std::span(digest).first(mark_bytes));
}

BodyKey::~BodyKey() {
  crypto::cleanse(bytes_.data(), bytes_.size());
}

std::string_view BodyKey::bytes() const noexcept {
  return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
}

BodyCipher::BodyCipher(const std::vector<BodyKey>& keys,
                       const std::map<std::string, std::uint32_t>& numbers, crypto::Random* random)
    : random_(random) {
  for (const BodyKey& one : keys) {
    const auto number = numbers.find(one.mark());
    if (number != numbers.end()) keys_.emplace(number->second, one);
  }
  if (keys.empty()) return;
  const auto first = numbers.find(keys.front().mark());
  if (first != numbers.end()) sealing_key_ = first->second;
}

const BodyKey& BodyCipher::key(std::uint32_t number) const {
  const auto found = keys_.find(number);
  if (found == keys_.end()) {
    throw BodyError(exit_unusable,
                    "is sealed with a key that is not among store.encryption_key_file and "
                    "store.old_encryption_key_files");
  }
  return found->second;
}

StoredBody BodyCipher::seal(std::string_view appid, const event::EventId& id, std::string_view body,
                            std::string& memory) const {
  if (sealing_key_ == 0) return {.bytes = body};
  const std::string associated = owner(appid, id);
  const EventKey own(key(sealing_key_), associated);
  crypto::GcmNonce nonce{};
  random_->fill(nonce);
  memory.assign(nonce.begin(), nonce.end());
  memory += crypto::aes256_gcm_seal(own.bytes(), nonce, associated, body);
  return {.codec = StoredBody::sealed, .key_number = sealing_key_, .bytes = memory};
}

std::string BodyCipher::open(std::string_view appid, const event::EventId& id,
                             const StoredBody& body) const {
  if (body.codec == StoredBody::plain) return std::string(body.bytes);
  if (body.codec != StoredBody::sealed) {
    throw BodyError(exit_unusable, "is stored in a form that this program does not know");
  }
  const std::string associated = owner(appid, id);
  const EventKey own(key(body.key_number), associated);
  crypto::GcmNonce nonce{};
  if (body.bytes.size() >= nonce.size()) {
    std::copy_n(body.bytes.begin(), nonce.size(), nonce.begin());
    auto opened =
        crypto::aes256_gcm_open(own.bytes(), nonce, associated, body.bytes.substr(nonce.size()));
    if (opened) return std::move(*opened);
  }
  throw BodyError(exit_store_failed, "is damaged: its body does not open");
}

}  // namespace wxpush::queue
