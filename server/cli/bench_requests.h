#pragma once
// The requests of a load, as bytes: sealed before they are needed, as far as they were prepared.

#include "server/cli/pushing.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>

namespace wxpush::cli {

class BenchRequests {
 public:
  BenchRequests(const PushTarget& target, std::string_view greeting_query,
                std::function<SealedPush()> next_push);

  // The GET that a connection begins with.
  const std::string& greeting() const { return greeting_; }
  void prepare(std::uint64_t count);
  std::string next();

 private:
  std::string make();

  std::function<SealedPush()> next_push_;
  std::string greeting_;
  std::string head_, tail_;  // of a push, before and behind its signed query
  std::deque<std::string> prepared_;
};

}  // namespace wxpush::cli
