#include "server/cli/bench_messages.h"

#include "server/cli/test_message.h"

#include <array>

namespace wxpush::cli {
namespace {

constexpr std::size_t digits = 12;
const std::string order_mark(digits, '#');
const std::string waybill_mark(digits, '%');
constexpr std::string_view status_name = "\"order_status\":";
// A delivery that goes well.
constexpr std::array<std::string_view, BenchMessages::most_statuses> statuses = {
    "101", "102", "201", "202", "301", "302"};

}  // namespace

BenchMessages::BenchMessages(std::string_view run, const Plan& plan, std::int64_t now)
    : plan_(plan) {
  TestMessage message("update_waybill_status", "", now);
  const std::string name = std::string(test_prefix) + "bench-" + std::string(run) + '-';
  message.set("shop_order_id=\"" + name + order_mark + '"');
  message.set("waybill_id=\"" + name + waybill_mark + '"');
  text_ = message.text();
  order_place_ = text_.find(order_mark);
  waybill_place_ = text_.find(waybill_mark);
  status_place_ = text_.find(status_name) + status_name.size();
}

const std::string& BenchMessages::next() {
  owed_ += count_ == 0 ? 0 : plan_.duplicates;
  if (owed_ >= 100) {
    owed_ -= 100;
    return text_;
  }
  const bool round = plan_.orders != 0;
  write(order_place_, round ? count_ % plan_.orders : count_ / plan_.statuses);
  write(waybill_place_, count_);
  const std::uint64_t step = round ? count_ / plan_.orders : count_;
  const auto status = plan_.statuses == 1 ? statuses[1] : statuses.at(step % plan_.statuses);
  text_.replace(status_place_, status.size(), status);
  ++count_;
  return text_;
}

void BenchMessages::write(std::size_t place, std::uint64_t number) {
  for (std::size_t i = digits; i > 0; --i, number /= 10) {
    text_[place + i - 1] = static_cast<char>('0' + number % 10);
  }
}

}  // namespace wxpush::cli
