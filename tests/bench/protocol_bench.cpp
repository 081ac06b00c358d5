// The steps of one push between socket and store, each by itself.

#include "handlers/event/event_id.h"
#include "handlers/event/message.h"
#include "tests/bench/sample_push.h"

#include <array>
#include <benchmark/benchmark.h>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace wxpush::bench {
namespace {

crypto::PushCodec codec() {
  std::vector<crypto::PushKey> keys;
  keys.push_back(push_key());
  return {std::string(appid), std::move(keys)};
}

void expect(bool good) {
  if (!good) throw std::runtime_error("the sample push is not taken");
}

void signature(benchmark::State& state) {
  const std::string encrypt = encrypted();
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(crypto::message_signature(token, timestamp, nonce, encrypt));
}
BENCHMARK(signature);

// Verifies, and decrypts.
void open(benchmark::State& state) {
  const auto ours = codec();
  const std::string encrypt = encrypted();
  const std::string signed_by = signature_of(encrypt);
  for ([[maybe_unused]] auto _ : state)
    expect(ours.open(timestamp, nonce, signed_by, encrypt).has_value());
}
BENCHMARK(open);

// Encrypts a reply and signs it.
void seal(benchmark::State& state) {
  const auto ours = codec();
  const std::array<std::uint8_t, 16> random{};
  const auto reply = event::reply_object(event::read_message(appid, message), 1700000000);
  expect(reply.has_value());
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(ours.seal(ours.keys().front(), random, *reply, timestamp, nonce));
}
BENCHMARK(seal);

void envelope(benchmark::State& state) {
  const std::string body = envelope_of(encrypted());
  for ([[maybe_unused]] auto _ : state) expect(event::read_envelope(body).has_value());
}
BENCHMARK(envelope);

// What is read before a push is stored.
void event_head(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state)
    expect(!event::read_message_head(appid, message).order_key.empty());
}
BENCHMARK(event_head);

// And what a handler is told.
void event_whole(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state)
    expect(event::read_message(appid, message).waybill_status.has_value());
}
BENCHMARK(event_whole);

void event_id(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state)
    benchmark::DoNotOptimize(event::make_event_id(appid, message));
}
BENCHMARK(event_id);

}  // namespace
}  // namespace wxpush::bench
