#include "crypto/primitives/random.h"

#include "crypto/primitives/constant_time.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <pthread.h>
#include <stdexcept>

namespace wxpush::crypto {
namespace {

void fill_from_openssl(std::span<std::uint8_t> out) {
  constexpr std::size_t most_at_once = std::numeric_limits<int>::max();
  while (!out.empty()) {
    const auto piece = out.first(std::min(out.size(), most_at_once));
    if (RAND_bytes(piece.data(), static_cast<int>(piece.size())) != 1) {
      throw std::runtime_error("the system's random generator failed");
    }
    out = out.subspan(piece.size());
  }
}

// Counts the forks this process came out of: a child must not hand out what its parent drew.
std::atomic<unsigned> forks{0};

// A sealed reply needs two small draws, and RAND_bytes costs 6,600 instructions whatever the size:
// each thread draws ahead. Bytes handed out are wiped here, the rest when the thread ends.
class Pool {
 public:
  Pool() {
    static const int registered = pthread_atfork(nullptr, nullptr, [] { ++forks; });
    if (registered != 0) throw std::runtime_error("pthread_atfork failed");
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() { cleanse(bytes_.data(), bytes_.size()); }

  static constexpr std::size_t capacity = 1024;
  static constexpr std::size_t largest_draw = 32;

  void fill(std::span<std::uint8_t> out) {
    const unsigned now = forks.load(std::memory_order_relaxed);
    if (left_ < out.size() || drawn_in_ != now) {
      left_ = 0;
      fill_from_openssl(bytes_);
      left_ = bytes_.size();
      drawn_in_ = now;
    }
    left_ -= out.size();
    const auto from = std::span(bytes_).subspan(left_, out.size());
    std::copy(from.begin(), from.end(), out.begin());
    cleanse(from.data(), from.size());
  }

 private:
  std::array<std::uint8_t, capacity> bytes_{};
  std::size_t left_ = 0;
  unsigned drawn_in_ = 0;
};

}  // namespace

void SystemRandom::fill(std::span<std::uint8_t> out) {
  if (out.size() > Pool::largest_draw) return fill_from_openssl(out);
  thread_local Pool pool;
  pool.fill(out);
}

std::string random_text(Random& random, std::size_t length, std::string_view alphabet) {
  if (alphabet.empty() || alphabet.size() > 256) {
    throw std::invalid_argument("random_text: the alphabet must have 1 to 256 characters");
  }
  // Bytes from the last, incomplete round of the alphabet are thrown away: they would favour its
  // start.
  const std::size_t fair = 256 - 256 % alphabet.size();
  std::string text;
  text.reserve(length);
  std::array<std::uint8_t, 32> draw{};
  while (text.size() < length) {
    const auto wanted = std::span(draw).first(std::min(draw.size(), length - text.size()));
    random.fill(wanted);
    for (const std::uint8_t byte : wanted) {
      if (byte < fair) text.push_back(alphabet[byte % alphabet.size()]);
    }
  }
  cleanse(draw.data(), draw.size());
  return text;
}

}  // namespace wxpush::crypto
