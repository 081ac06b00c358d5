#include "handlers/base/clock.h"
#include "handlers/event/json.h"
#include "server/cli/bench_load.h"
#include "server/cli/bench_messages.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/settings_source.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <ostream>

namespace wxpush::cli {
namespace {

constexpr const char* clock_starts = "all connections are open: the clock starts\n";
constexpr const char* what_latency_is =
    "latency: from handing a push to its open connection until the whole answer was read.\n"
    "Sealing the push, connecting and the TLS handshake are not in it. Closed loop: a slow answer\n"
    "also delays the pushes behind it, which are then not sent, and not counted as waiting.\n";
constexpr const char* what_latency_is_when_connecting =
    "latency: from the time at which a push was meant to be sent until its whole answer was read:\n"
    "connecting and the TLS handshake are in it.\n";
constexpr const char* what_latency_is_at_a_rate =
    "latency: from the time at which a push was meant to be sent until its whole answer was read, "
    "so\n"
    "that waiting for a free connection behind a slow answer counts. More connections offer the "
    "rate\n"
    "longer; connecting and the TLS handshake are not in it.\n";

struct BenchOptions {
  std::string config;
  std::string app;
  TargetOptions target;
  unsigned connections = 64;
  double seconds = 10;
  std::string rate = "max";
  std::uint64_t events = 0;
  BenchMessages::Plan messages;
  bool new_connections = false;
  std::uint64_t prepared = 0;
  bool deliver = false;
  Format format = Format::table;
};

// Made-up orders must not reach anything that takes them for real.
void refuse_routes(const config::App& app, const BenchOptions& options) {
  if (options.deliver || app.routes.empty()) return;
  throw CommandError(exit_usage, "app " + app.name +
                                     " has routes, which may forward these made-up events; "
                                     "--deliver says that they may");
}

void refuse_real_handlers(const config::Settings& settings, const BenchOptions& options) {
  const auto& handlers = settings.handlers;
  const auto real = std::find_if(
      handlers.begin(), handlers.end(),
      [](const config::Handler& handler) { return handler.type != config::HandlerType::log; });
  if (options.deliver || real == handlers.end()) return;
  throw CommandError(exit_usage, "handler " + real->name +
                                     " would get these made-up events; --deliver says that it may");
}

double milliseconds(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

double per_second(const LoadResult& result) {
  return result.took.count() > 0 ? static_cast<double>(result.acknowledged) / result.took.count()
                                 : 0;
}

double processor_share(const LoadResult& result) {
  return result.took.count() > 0 ? 100 * result.processor.count() / result.took.count() : 0;
}

constexpr std::pair<const char*, double> percentiles[] = {
    {"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}};

void print_table(std::ostream& out, const LoadResult& result) {
  std::vector<std::pair<std::string, std::string>> facts{
      {"acknowledged", std::to_string(result.acknowledged)},
      {"seconds", fmt::format("{:.2f}", result.took.count())},
      {"acknowledged/s", fmt::format("{:.0f}", per_second(result))},
      {"generator", fmt::format("{:.0f} % of a core", processor_share(result))}};
  for (const auto& [name, percent] : percentiles) {
    facts.emplace_back(name,
                       fmt::format("{:.3f} ms", milliseconds(result.latency.percentile(percent))));
  }
  facts.emplace_back("max", fmt::format("{:.3f} ms", milliseconds(result.latency.max())));
  for (const auto& [kind, count] : result.failures) {
    facts.emplace_back("failed", fmt::format("{} × {}", count, kind));
  }
  if (result.failures.empty()) facts.emplace_back("failed", "0");
  print_facts(out, facts);
}

void print_json(std::ostream& out, const LoadResult& result) {
  event::JsonWriter json;
  json.begin_object();
  json.key("acknowledged").integer(static_cast<std::int64_t>(result.acknowledged));
  json.key("seconds").number(result.took.count());
  json.key("generator_processor_seconds").number(result.processor.count());
  json.key("acknowledged_per_second").number(per_second(result));
  json.key("latency_ms").begin_object();
  for (const auto& [name, percent] : percentiles) {
    json.key(name).number(milliseconds(result.latency.percentile(percent)));
  }
  json.key("max").number(milliseconds(result.latency.max())).end_object();
  json.key("protocol").string(result.protocol);
  json.key("failures").begin_object();
  for (const auto& [kind, count] : result.failures) {
    json.key(kind).integer(static_cast<std::int64_t>(count));
  }
  json.end_object().end_object();
  out << json.take() << '\n';
}

// 0: as fast as they are answered.
double rate_of(const std::string& text) {
  if (text == "max") return 0;
  double rate = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rate);
  if (error != std::errc() || end != text.data() + text.size() || !(rate >= 0.01 && rate <= 1e6))
    throw CommandError(exit_usage, "--rate: pushes a second, such as 500, or max: " + text);
  return rate;
}

const char* what_latency(const LoadPlan& plan) {
  if (plan.new_connections) return what_latency_is_when_connecting;
  return plan.rate == 0 ? what_latency_is : what_latency_is_at_a_rate;
}

int bench(const BenchOptions& options, Streams& io) {
  const config::Settings settings = load_settings(options.config);
  const config::App& app = select_app(settings, options.app);
  refuse_real_handlers(settings, options);
  refuse_routes(app, options);
  const crypto::PushCodec codec = make_codec(app);
  crypto::SystemRandom random;
  const auto unix_seconds = [] {
    return std::chrono::floor<std::chrono::seconds>(SystemClock().wall())
        .time_since_epoch()
        .count();
  };
  const std::string run = crypto::random_text(random, 8, "0123456789abcdef");
  BenchMessages messages(run, options.messages, unix_seconds());
  const PushNames names = names_in(codec, BenchMessages(run, {}, unix_seconds()).next());
  LoadPlan plan;
  plan.target = push_target(options.target, settings, app);
  plan.connections = options.connections;
  plan.duration = std::chrono::milliseconds(static_cast<std::int64_t>(options.seconds * 1000));
  plan.most = options.events;
  plan.rate = rate_of(options.rate);
  plan.new_connections = options.new_connections;
  plan.prepared = options.prepared;
  const PushStamp stamp = make_stamp(random, unix_seconds());
  plan.greeting_query = handshake_query(codec, stamp, "wxpush-bench");
  plan.on_begin = [&io] { io.err << clock_starts << std::flush; };
  plan.next_push = [&] {
    return seal_push(codec, random, messages.next(), names, make_stamp(random, unix_seconds()));
  };
  const LoadResult result = run_load(plan);
  options.format == Format::json ? print_json(io.out, result) : print_table(io.out, result);
  io.err << what_latency(plan);
  return result.failures.empty() && result.acknowledged > 0 ? exit_ok : exit_no;
}

void add_messages(CLI::App& command, BenchMessages::Plan& plan) {
  command
      .add_option("--orders", plan.orders,
                  "go round K orders (0: each push its own, or each --statuses pushes)")
      ->type_name("K")
      ->capture_default_str();
  command
      .add_option("--statuses", plan.statuses, "of each order, one after the other (1: 102 alone)")
      ->check(CLI::Range(std::uint64_t{1}, BenchMessages::most_statuses))
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--duplicates", plan.duplicates,
                  "so many percent are the event before once more, sealed anew")
      ->check(CLI::Range(0U, 99U))
      ->type_name("P")
      ->capture_default_str();
}

}  // namespace

void add_bench(CLI::App& parent, Command& chosen) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command =
      parent.add_subcommand("bench", "Measure: pushes a second, and how long they take");
  add_config(*command, options->config);
  add_app(*command, options->app);
  add_target(*command, options->target);
  command->add_option("--connections", options->connections, "kept open, one push at a time each")
      ->check(CLI::Range(1U, 20'000U))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--duration", options->seconds, "in seconds")
      ->check(CLI::Range(0.1, 86'400.0))
      ->type_name("S")
      ->capture_default_str();
  command->add_option("--rate", options->rate, "pushes a second in all, or max")
      ->type_name("R")
      ->capture_default_str();
  command
      ->add_option("--events", options->events, "end after so many pushes (0: by duration alone)")
      ->type_name("N")
      ->capture_default_str();
  add_messages(*command, options->messages);
  command->add_flag("--new-connections", options->new_connections,
                    "a connection for each push, as many at once as --connections says");
  command
      ->add_option("--prepared", options->prepared,
                   "seal so many before the clock starts (1.2 KB of memory each)")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{10'000'000}))
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--deliver", options->deliver,
                    "although handlers other than log, or routes, are configured");
  add_format(*command, options->format);
  command->footer(
      "Sends distinct encrypted pushes as WeChat does, each connection the next one when the last\n"
      "was answered, or at a fixed --rate. They are stored and delivered like real ones, as orders "
      "wxpush-test-bench-….\n"
      "Exit code 0 if every push was acknowledged, else 1.\n"
      "Examples:\n"
      "  wxpush bench --connections 64 --duration 10\n"
      "  wxpush bench --app shop --url https://10.0.0.5:8443 --ca-file ca.pem --orders 1000");
  command->callback(
      [options, &chosen] { chosen.run = [options](Streams& io) { return bench(*options, io); }; });
}

}  // namespace wxpush::cli
