// A store whose files were mutilated. The first byte of the input says which store, who looks at
// it, and whether the checksums are made right again afterwards (store_damage.h):
//
// Broken sums are a bad disk: it is refused, or what is served was stored, under that very id, byte
// for byte; and unless LOCK is changed, too, nothing is left out without a word.
//
// Right sums are somebody who owns the disk, so that every reader meets what he made up. Nothing
// crashes, waits for ever or grows without bounds; what `store check` calls whole has no event that
// its event_id does not name; and none such comes out of a salvage.

#include "crypto/primitives/random.h"
#include "handlers/event/event_id.h"
#include "handlers/queue/log_witness.h"
#include "handlers/queue/store_check.h"
#include "handlers/queue/store_files.h"
#include "handlers/queue/store_queue.h"
#include "handlers/queue/store_salvage.h"
#include "tests/fuzz/store_world.h"
#include "tests/fuzz/target.h"
#include "tests/handlers/queue/sample_events.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>
#include <string>

using namespace wxpush;
using namespace wxpush::queue;

namespace {

constexpr std::size_t longest = 81;
constexpr std::uint64_t most_bytes = 64ULL << 20;
const Progress silent = [](const std::string&, std::uint64_t, std::uint64_t) {};

struct Plan {
  explicit Plan(unsigned byte)
      : sums_are_right((byte & 3U) != 0),
        sealed((byte & 4U) != 0),
        look(static_cast<Look>(byte >> 3U & 3U)) {}

  bool sums_are_right, sealed;
  enum class Look { read, serve, check, salvage } look;
};

template <class Body>
void tolerantly(const Body& body) {
  try {
    body();
  } catch (const std::runtime_error&) {  // refused, with a reason
  }
}

// What is read is there also when it breaks off; true: it came to the end.
bool read_events(Reader& reader, fuzz::Events& found) {
  bool end = false;
  tolerantly([&] {
    EventFilter filter;
    while (!end) {
      Reader::Page page = reader.events(filter);
      for (StoredEvent& event : page.events) found[event.id] = std::move(event);
      fuzz::require(page.end || page.next_after > filter.after);  // it comes to an end
      filter.after = page.next_after;
      end = page.end;
    }
  });
  return end;
}

void read_the_rest(Reader& reader) {
  for (const RowId id : {RowId{3}, RowId{9}, RowId{20}}) {
    if (const auto event = reader.find(id)) reader.deliveries(*event);
  }
  reader.events({.order_key = fuzz::event_of(1).order_key});
  reader.find_by_event_id(event::to_string(fuzz::event_of(3).event_id));
  for (const auto& handler : reader.handlers()) {
    reader.lane_state(handler.number, true);
    reader.dead_letters(handler.number, 0);
    reader.parked(handler.number, 1, 0, 10);
    reader.pending(handler);
    reader.oldest_pending(handler);
  }
  reader.quarantined(0);
  reader.repeats(0);
  reader.remembered("");
  reader.figures();
}

bool proves_itself(const NewEvent& event) {
  return event::make_event_id(event.appid, event.body) == event.event_id;
}

class Look {
 public:
  // `strictly`: what is served has to be what was stored; `all`: and all of that.
  Look(fuzz::StoreWorld& world, bool strictly, bool all)
      : world_(world), strictly_(strictly), all_(strictly && all), stored_(world.events) {}

  void read() {
    const auto reader = Reader::open(world_.settings.directory, world_.settings.body_keys);
    judge(read_events(*reader, found_));
    read_the_rest(*reader);
  }

  // A known event of the database, one of the log, and a new one.
  void serve() {
    std::array<std::pair<std::uint64_t, Appended>, 3> pushes{
        {{3, {}}, {fuzz::stored_events - 1, {}}, {fuzz::stored_events + 1, {}}}};
    std::atomic<std::size_t> decided{0};
    StoreQueue queue(world_.settings, world_.clock, world_.disk, world_.log);
    queue.start({});
    for (auto& [number, answer] : pushes) {
      queue.append(fuzz::event_of(number), [&](const Appended& done) {
        answer = done;
        ++decided;
      });
    }
    bool to_the_end = false;
    tolerantly([&] {
      const auto reader = queue.reader();
      to_the_end = read_events(*reader, found_);
      read_the_rest(*reader);
    });
    queue.stop();
    fuzz::require(decided == pushes.size());
    for (const auto& [number, answer] : pushes) judge_answer(number, answer);
    judge(to_the_end);
  }

  void check() {
    const CheckReport report =
        check_store(world_.settings.directory, world_.settings.body_keys, silent);
    const auto reader = Reader::open(world_.settings.directory, world_.settings.body_keys);
    const bool to_the_end = read_events(*reader, found_);
    judge(to_the_end);
    if (!report.whole()) return;
    // Bodies whose key is not at hand cannot be read: told beside, and no fault of the store's.
    fuzz::require(report.sealed > 0 || (to_the_end && report.events == found_.size()));
    for (const auto& [id, event] : found_) fuzz::require(proves_itself(event));
  }

  void salvage() {
    static crypto::SystemRandom random;
    const auto& keys = world_.settings.body_keys;
    queue::salvage(world_.settings.directory, world_.saved, keys, world_.clock, world_.disk, random,
                   silent);
    read_events(*Reader::open(world_.saved, keys), found_);
    for (const auto& [id, event] : found_) fuzz::require(proves_itself(event));
  }

 private:
  void judge(bool to_the_end) const {
    if (!strictly_) return;
    for (const auto& [id, event] : found_) {
      const auto was = stored_.find(id);
      fuzz::require(was != stored_.end() && same(event, was->second));
    }
    if (!all_ || !to_the_end) return;
    for (const auto& [id, event] : world_.events) fuzz::require(found_.contains(id));
  }

  void judge_answer(std::uint64_t number, const Appended& answer) {
    if (answer.error || !strictly_) return;
    const bool was_stored = number <= fuzz::stored_events;
    if (answer.duplicate) {
      fuzz::require(was_stored && answer.id == number);
    } else {
      fuzz::require(!all_ || !was_stored);
      stored_[answer.id] = fuzz::event_of(number);
    }
  }

  fuzz::StoreWorld& world_;
  bool strictly_, all_;
  fuzz::Events stored_, found_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static fuzz::StoreWorld plain(false);
  static fuzz::StoreWorld sealed(true);
  const Plan plan(size == 0 ? 0 : data[0]);
  fuzz::StoreWorld& world = plan.sealed ? sealed : plain;
  fuzz::StoreBytes store = world.bytes;
  if (size > 0) fuzz::damage(store, {data + 1, std::min(size, longest) - 1});
  bool strictly = false;
  if (plan.sums_are_right) {
    fuzz::put_sums_right(store, world.bytes);
  } else {
    strictly = !fuzz::log_hides_change(store, world.bytes);
  }
  world.lay_out(store);
  if (plan.sums_are_right) {
    const StoreFiles files(world.settings.directory);
    const Lock lock(files.lock);
    LogWitness(files, lock).saw(fuzz::frames_of(store));
  }
  Look look(world, strictly, store.lock == world.bytes.lock);
  tolerantly([&] {
    switch (plan.look) {
      case Plan::Look::read:
        return look.read();
      case Plan::Look::serve:
        return look.serve();
      case Plan::Look::check:
        return look.check();
      case Plan::Look::salvage:
        return look.salvage();
    }
  });
  fuzz::require(world.bytes_on_disk() <= most_bytes);
  return 0;
}
