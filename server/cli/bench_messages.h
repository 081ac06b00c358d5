#pragma once
// Delivery-status messages for a load, each different from every other one unless duplicates are
// asked for, made cheaply: what differs has a fixed place and width in a text that is written once.

#include <cstdint>
#include <string>
#include <string_view>

namespace wxpush::cli {

class BenchMessages {
 public:
  struct Plan {
    std::uint64_t orders = 0;    // the messages go round so many; 0: as many as it takes
    std::uint64_t statuses = 1;  // of an order, one after the other; at most most_statuses
    unsigned duplicates = 0;     // so many of 100 are the message before once more
  };
  static constexpr std::uint64_t most_statuses = 6;

  // `run` tells this load from earlier ones; `now` in Unix seconds.
  BenchMessages(std::string_view run, const Plan& plan, std::int64_t now);

  // The next message; valid until the call after it.
  const std::string& next();

 private:
  void write(std::size_t place, std::uint64_t number);

  Plan plan_;
  std::uint64_t count_ = 0;  // of messages that differ
  unsigned owed_ = 0;        // duplicates, in hundredths
  std::string text_;
  std::size_t order_place_ = 0;
  std::size_t waybill_place_ = 0;
  std::size_t status_place_ = 0;
};

}  // namespace wxpush::cli
