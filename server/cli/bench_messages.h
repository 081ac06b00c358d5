#pragma once
// Delivery-status messages for a load, each different from every other one, made cheaply: what
// differs has a fixed place and width in a text that is written once.

#include <cstdint>
#include <string>
#include <string_view>

namespace wxpush::cli {

class BenchMessages {
 public:
  // `run` tells this load from earlier ones; `now` in Unix seconds. `orders` = 0: each message is
  // an order of its own; else they go round that many orders.
  BenchMessages(std::string_view run, std::uint64_t orders, std::int64_t now);

  // The next message; valid until the call after it.
  const std::string& next();

 private:
  void write(std::size_t place, std::uint64_t number);

  std::uint64_t orders_;
  std::uint64_t count_ = 0;
  std::string text_;
  std::size_t order_place_ = 0;
  std::size_t waybill_place_ = 0;
};

}  // namespace wxpush::cli
