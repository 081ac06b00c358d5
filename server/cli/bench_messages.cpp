#include "server/cli/bench_messages.h"

#include "server/cli/test_message.h"

namespace wxpush::cli {
namespace {

constexpr std::size_t digits = 12;
const std::string order_mark(digits, '#');
const std::string waybill_mark(digits, '%');

}  // namespace

BenchMessages::BenchMessages(std::string_view run, std::uint64_t orders, std::int64_t now)
    : orders_(orders) {
  TestMessage message("update_waybill_status", "", now);
  const std::string name = std::string(test_prefix) + "bench-" + std::string(run) + '-';
  message.set("shop_order_id=\"" + name + order_mark + '"');
  message.set("waybill_id=\"" + name + waybill_mark + '"');
  text_ = message.text();
  order_place_ = text_.find(order_mark);
  waybill_place_ = text_.find(waybill_mark);
}

const std::string& BenchMessages::next() {
  write(order_place_, orders_ == 0 ? count_ : count_ % orders_);
  write(waybill_place_, count_);
  ++count_;
  return text_;
}

void BenchMessages::write(std::size_t place, std::uint64_t number) {
  for (std::size_t i = digits; i > 0; --i, number /= 10) {
    text_[place + i - 1] = static_cast<char>('0' + number % 10);
  }
}

}  // namespace wxpush::cli
