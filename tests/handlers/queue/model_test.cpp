// Random work against a naive model: appends, repeats, settles, time, full disks and restarts. One
// seed is one exact run.

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

namespace wxpush::queue {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
constexpr std::int64_t retention_ms = 7LL * 24 * 3'600'000;
constexpr std::int64_t slack_ms = 120'000;  // passes come once a minute

class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed) {
    store_.settings.recent_ids = 24;
    store_.settings.generation_ids = 64;
    store_.settings.batch_events = 8;
    store_.settings.wal_checkpoint_pages = 40;
    store_.options.filing_rows = 16;
    open();
  }

  void step() {
    switch (below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        append_some();
        break;
      case 5:
      case 6:
        append(known_or_not());
        break;
      case 7:
        settle();
        break;
      case 8:
        store_.pass(hours{below(30)});
        break;
      case 9:
        fill_for_a_while();
        break;
      case 10:
        if (below(4) == 0) open();
        break;
      default:
        compare();
    }
  }

  // What the store shows is what must be there, and nothing of what must have gone.
  void compare() {
    store_.pass(minutes{2});
    const std::int64_t now = stored(store_.clock.wall());
    RowId last = 0;
    std::map<std::string, RowId> found;
    for (const StoredEvent& event : store_.all()) {
      REQUIRE(event.id > last);
      last = event.id;
      REQUIRE(found.emplace(event.body, event.id).second);
    }
    std::size_t expected = 0;
    for (const auto& [n, entry] : entries_) {
      const std::int64_t age = now - entry.received_at;
      const bool may_go = age > retention_ms && entry.id <= settled_;
      const bool must_go = age > retention_ms + slack_ms && entry.id <= settled_;
      const auto at = found.find(numbered(n).body);
      if (at != found.end()) {
        ++expected;
        REQUIRE(at->second == entry.id);
        REQUIRE(!must_go);
      } else {
        REQUIRE(may_go);
      }
    }
    REQUIRE(found.size() == expected);
    REQUIRE(store_.reader()->figures().events == expected);
  }

 private:
  struct Entry {
    RowId id = 0;
    std::int64_t received_at = 0;
  };

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  std::uint64_t known_or_not() { return 1 + below(newest_ + 5); }

  void open() {
    store_.close();
    store_.open(false);
    handler_ = store_.queue->register_handler("backend", {}, {}, true, "");
    REQUIRE(handler_.cursor == settled_);
    store_.queue->start({});
  }

  void append_some() {
    const std::uint64_t count = 1 + below(20);
    std::vector<std::pair<std::uint64_t, std::future<Appended>>> waiting;
    for (std::uint64_t i = 0; i < count; ++i) {
      ++newest_;
      waiting.emplace_back(newest_, store_.append_later(numbered(newest_)));
    }
    for (auto& [n, future] : waiting) judge(n, future.get());
  }

  void append(std::uint64_t n) { judge(n, store_.append(n)); }

  void judge(std::uint64_t n, const Appended& done) {
    REQUIRE(!done.error);
    const std::int64_t now = stored(store_.clock.wall());
    const auto known = entries_.find(n);
    if (done.duplicate) {
      REQUIRE(known != entries_.end());
      REQUIRE(known->second.id == done.id);
      return;
    }
    REQUIRE(done.id > last_id_);
    last_id_ = done.id;
    if (known != entries_.end()) {  // only what was erased can be new again
      REQUIRE(now - known->second.received_at > retention_ms);
      REQUIRE(known->second.id <= settled_);
    }
    entries_[n] = {.id = done.id, .received_at = now};
    newest_ = std::max(newest_, n);
  }

  void settle() {
    if (last_id_ == settled_) return;
    settled_ += 1 + below(last_id_ - settled_);
    store_.queue->settle(handler_.number, settled_);
    store_.pass(std::chrono::milliseconds{100});
  }

  void fill_for_a_while() {
    store_.disk.on_write(fail_from(1 + below(20), ENOSPC));
    std::vector<std::pair<std::uint64_t, std::future<Appended>>> waiting;
    for (std::uint64_t i = 0; i < 5; ++i) {
      const std::uint64_t n = known_or_not();
      waiting.emplace_back(n, store_.append_later(numbered(n)));
      store_.queue->wait_until_idle();
    }
    store_.disk.on_write({});
    store_.pass(std::chrono::seconds{1});
    store_.pass(std::chrono::seconds{1});
    for (auto& [n, future] : waiting) judge(n, future.get());
  }

  std::mt19937_64 random_;
  StoreFixture store_;
  HandlerRecord handler_;
  std::map<std::uint64_t, Entry> entries_;
  std::uint64_t newest_ = 0;
  RowId last_id_ = 0, settled_ = 0;
};

}  // namespace

TEST_CASE("a store under random work is what the model says") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    Model model(seed);
    for (int step = 0; step < 150; ++step) model.step();
    model.compare();
  }
}

}  // namespace wxpush::queue
