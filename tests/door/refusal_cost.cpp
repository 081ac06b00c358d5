// What it costs to refuse a push, by the reason for it.
//   refusal_cost count            under callgrind: one dump of counts for each reason and way
//   refusal_cost time N SEED      N timings of each, interleaved at random; a table, and exit 1 if
//                                 the product's can be told apart or the careless one's cannot
#include "crypto/wechat/push_codec.h"
#include "server/push_endpoint.h"
#include "tests/door/refused_pushes.h"
#include "tests/door/two_samples.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(name) static_cast<void>(name)
#endif

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <random>
#include <span>
#include <string>

using namespace wxpush;
using namespace wxpush::door;

namespace {

class NoRandom final : public crypto::Random {
 public:
  void fill(std::span<std::uint8_t> out) override { std::fill(out.begin(), out.end(), 0); }
};

config::App app() {
  config::App made;
  made.name = "shop";
  made.appid = appid;
  made.paths = {"/wx/shop"};
  made.keys = {{"default", config::Secret(std::string(token)),
                config::Secret(std::string(encoding_aes_key))}};
  return made;
}

crypto::PushCodec codec() {
  std::vector<crypto::PushKey> keys;
  keys.push_back(crypto::PushKey::make("k", std::string(token), encoding_aes_key).value());
  return {std::string(appid), std::move(keys)};
}

// One way to refuse. Each is called with every push.
struct Way {
  std::string name;
  std::function<void(const RefusedPush&)> refuse;
};

void must(bool holds) {
  if (!holds) std::abort();
}

std::vector<Way> ways() {
  static server::Metrics metrics;
  static NoRandom random;
  static server::PushEndpoint endpoint(
      std::make_shared<server::AppTable>(std::vector{app()}, metrics), random,
      std::chrono::seconds(0));
  static const crypto::PushCodec ours = codec();
  return {{"codec",
           [](const RefusedPush& push) {
             must(!ours.open(timestamp, nonce, push.msg_signature, push.encrypt));
           }},
          {"endpoint",
           [](const RefusedPush& push) {
             const server::Request request{
                 server::Method::post, "/wx/shop", push.query, push.body, {}, "application/json"};
             must(endpoint.accept(request, {}).reply.status == 403);
           }},
          {"careless", [](const RefusedPush& push) { must(!careless_open(push)); }}};
}

int count() {
  const auto pushes = refused_pushes();
  for (const auto& way : ways()) {
    for (const auto& push : pushes) way.refuse(push);  // what is done once only
    for (const auto& push : pushes) {
      const std::string label = way.name + "/" + std::string(push.name);
      CALLGRIND_ZERO_STATS;
      for (int i = 0; i < 10; ++i) way.refuse(push);
      CALLGRIND_DUMP_STATS_AT(label.c_str());
    }
  }
  return 0;
}

double nanoseconds(const Way& way, const RefusedPush& push) {
  const auto begin = std::chrono::steady_clock::now();
  way.refuse(push);
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count();
}

// The largest |t| between two of one group, told line by line.
double tell(const Way& way, RefusedPush::Group group, const std::vector<RefusedPush>& pushes,
            std::vector<std::vector<double>>& times) {
  double largest = 0;
  for (std::size_t a = 0; a < pushes.size(); ++a) {
    for (std::size_t b = a + 1; b < pushes.size(); ++b) {
      if (pushes[a].group != group || pushes[b].group != group) continue;
      const double t = welch_t(times[a], times[b]);
      std::printf("%-9s %8.2f  %s | %s\n", way.name.c_str(), t, pushes[a].name.data(),
                  pushes[b].name.data());
      largest = std::max(largest, std::abs(t));
    }
  }
  return largest;
}

int measure(std::size_t rounds, unsigned seed) {
  const auto pushes = refused_pushes();
  std::mt19937 order(seed);
  bool good = true;
  for (const auto& way : ways()) {
    std::vector<std::vector<double>> times(pushes.size());
    std::vector<std::size_t> turn(pushes.size());
    std::iota(turn.begin(), turn.end(), std::size_t{0});
    for (std::size_t round = 0; round < rounds; ++round) {
      std::shuffle(turn.begin(), turn.end(), order);
      for (const auto i : turn) times[i].push_back(nanoseconds(way, pushes[i]));
    }
    crop(times);
    for (const auto group : {RefusedPush::Group::bad_signature, RefusedPush::Group::not_for_us}) {
      const double largest = tell(way, group, pushes, times);
      const bool careless = way.name == "careless";
      std::printf("%s: largest |t| %.2f: %s\n", way.name.c_str(), largest,
                  largest < told_apart ? "not told apart" : "told apart");
      good = good && (largest >= told_apart) == careless;
    }
  }
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "count") return count();
  if (mode == "time" && argc == 4)
    return measure(std::strtoul(argv[2], nullptr, 10),
                   static_cast<unsigned>(std::strtoul(argv[3], nullptr, 10)));
  std::fprintf(stderr, "usage: %s count | time ROUNDS SEED\n", argv[0]);
  return 64;
}
