// What a handler's lanes cost for an event: taken in, claimed, delivered, its mark handed on. With
// as many events waiting as there are lanes.

#include "handlers/dispatch/lanes.h"

#include <benchmark/benchmark.h>
#include <optional>
#include <stdexcept>

namespace wxpush::bench {
namespace {

void lane_claim(benchmark::State& state) {
  const auto lanes = static_cast<queue::RowId>(state.range(0));
  const SteadyTime now{};
  dispatch::Lanes handler({}, {}, {}, now);
  queue::RowId last = 0;
  const auto take_in = [&] {
    ++last;
    handler.read(last, static_cast<queue::ShortHash>(last % lanes + 1));
  };
  const auto hand_on = [&] {
    if (handler.take_marks()) handler.committed(handler.sequence());
  };
  for (queue::RowId i = 0; i < lanes; ++i) take_in();
  for ([[maybe_unused]] auto _ : state) {
    const std::optional<dispatch::Offer> offer = handler.next(now);
    if (!offer) throw std::runtime_error("there is nothing to claim");
    handler.delivered(offer->id);
    take_in();
    if (last % 64 == 0) hand_on();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(lane_claim)->Arg(1)->Arg(16)->Arg(1000);

}  // namespace
}  // namespace wxpush::bench
