#pragma once
// Every metric of ours, by name and meaning (docs/operations.md lists them). prometheus-cpp stays
// behind this header. Thread-safe. Labels are bounded: app and handler are configured names, types
// are of the known table or "other".

#include "server/handshake_result.h"
#include "server/verdict.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::server {

constexpr std::size_t no_app = static_cast<std::size_t>(-1);

struct MetricApp {
  std::string name;
  std::vector<std::string> keys;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();

  // Rows for an app and its keys, or those that it has already: so a reload goes on counting. The
  // push path looks up by number alone. Not at once with another enrol; whoever uses the numbers
  // must have got them afterwards.
  struct AppRow {
    std::size_t app = 0;
    std::vector<std::size_t> keys;  // in the order given
  };
  AppRow enrol_app(const MetricApp& app);
  void enrol_handler(const std::string& name);
  void retire_handler(const std::string& name);

  void push(std::size_t app, Verdict verdict, Cause cause);  // app: its row, or no_app
  void acknowledged(std::chrono::nanoseconds took);
  void push_age(std::int64_t seconds);
  void event_stored(std::size_t app, const std::string& type);
  void event_marked(std::string_view app, std::string_view mark);
  void key_used(std::size_t app, std::size_t key, std::int64_t unix_seconds,
                std::uint64_t uses = 1);
  void accepted(std::size_t app, std::int64_t unix_seconds);
  void repeated_after_ack(std::size_t app);
  void retry_gap(std::chrono::nanoseconds gap);
  void commit(std::chrono::nanoseconds took, std::size_t events);
  void delivery(std::string_view handler, std::string_view outcome, std::chrono::nanoseconds took);
  void unoffered(std::string_view handler, std::string_view outcome, std::size_t events);
  void reloaded(bool succeeded);
  void tls_handshake(HandshakeResult result);
  void turned_away(bool by_address);

  // What is read rather than counted: filled in at each scrape.
  struct Gauges {
    std::size_t connections = 0;
    std::uint64_t store_bytes = 0, free_bytes = 0, wal_bytes = 0, quarantined = 0;
    std::int64_t certificate_not_after = 0;  // Unix seconds; 0 = no TLS
    struct Handler {
      std::string name;
      // Not a number where the store could not be read.
      double pending = 0, oldest_pending_seconds = 0, dead_letters = 0;
      bool readable = true;
      int breaker = 0;  // 0 closed, 1 open, 2 probing
    };
    std::vector<Handler> handlers;
  };
  std::string scrape(const Gauges& gauges);  // the text exposition format

  // For `wxpush status`: what was counted so far.
  std::uint64_t pushes(std::size_t app, Verdict verdict) const;
  std::uint64_t key_uses(std::size_t app, std::size_t key) const;
  std::int64_t last_accepted(std::size_t app) const;  // Unix seconds, 0 = never since the start
  std::int64_t key_last_used(std::size_t app, std::size_t key) const;
  std::uint64_t deliveries(std::string_view handler, std::string_view outcome) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wxpush::server
