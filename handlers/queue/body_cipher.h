#pragma once
// Encryption at rest of the events' bodies (docs/store.md, "Sealed bodies"): each with a key of its
// own, derived from the operator's, so that no number of events wears one out.

#include "crypto/primitives/aes256_cbc.h"
#include "handlers/event/event_id.h"
#include "handlers/queue/store_error.h"

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::crypto {
class Random;
}

namespace wxpush::queue {

// One of the operator's keys. Its memory is overwritten when it goes.
class BodyKey {
 public:
  static constexpr std::size_t size = 32;

  explicit BodyKey(std::string_view bytes);  // std::invalid_argument unless 32 bytes
  BodyKey(const BodyKey&) = default;
  BodyKey& operator=(const BodyKey&) = default;
  ~BodyKey();

  std::string_view bytes() const noexcept;
  // Says which key this is, and nothing about it: 12 hexadecimal digits.
  const std::string& mark() const noexcept { return mark_; }

 private:
  crypto::Aes256Key bytes_{};
  std::string mark_;
};

// A stored body: what the columns codec, key_number and body hold.
struct StoredBody {
  static constexpr std::int64_t plain = 0;
  static constexpr std::int64_t sealed = 1;  // nonce (12 bytes), ciphertext, tag (16 bytes)

  std::int64_t codec = plain;
  std::uint32_t key_number = 0;
  std::string_view bytes;
};

// A body that cannot be given: its key is not there (78), or it is not what was stored (74).
class BodyError : public StoreError {
 public:
  using StoreError::StoreError;
};

// Immutable after construction, so any thread may use it.
class BodyCipher {
 public:
  // `numbers`: which key has which number in this store. The first of `keys` seals; without keys
  // bodies are stored as they are. `random` outlives this, and is needed only where there is a key.
  BodyCipher(const std::vector<BodyKey>& keys, const std::map<std::string, std::uint32_t>& numbers,
             crypto::Random* random);

  std::uint32_t sealing_key() const noexcept { return sealing_key_; }  // 0: none

  // The body as it is to be stored, in `memory` if it was sealed.
  StoredBody seal(std::string_view appid, const event::EventId& id, std::string_view body,
                  std::string& memory) const;
  // Throws BodyError.
  std::string open(std::string_view appid, const event::EventId& id, const StoredBody& body) const;

 private:
  const BodyKey& key(std::uint32_t number) const;

  std::map<std::uint32_t, BodyKey> keys_;
  std::uint32_t sealing_key_ = 0;
  crypto::Random* random_;
};

}  // namespace wxpush::queue
