#pragma once
// The store alone, driven by a script and looked into afterwards: for the campaigns of this folder,
// which need thousands of lives of a store, small enough that checkpoints, filing and pruning come
// every few pushes. It is the product's own store from its start procedure on; only the clock, the
// free space and the sizes are ours.

#include "crypto/primitives/random.h"
#include "handlers/queue/store_queue.h"
#include "tests/handlers/queue/fake_clock.h"
#include "tests/handlers/queue/fake_disk.h"

#include <iosfwd>
#include <map>
#include <string>
#include <vector>

namespace wxpush::queue {

// What a line says: words with a name, and those without.
struct Words {
  explicit Words(const std::string& line);
  std::int64_t number(const std::string& name, std::int64_t otherwise) const;
  std::string text(const std::string& name) const;  // empty where nobody said it
  std::map<std::string, std::string> named;
  std::vector<std::string> plain;
};

struct Subject {
  // salt=, clock= and the sizes, each with a default. keys=21: two keys that seal bodies, key 2
  // first.
  Subject(const std::filesystem::path& directory, const Words& words);

  // Event number n of this salt, the same in every process. received_at is now.
  NewEvent event(std::uint64_t n) const;

  std::int64_t salt;
  FakeClock clock;
  FakeDisk disk;
  NullLog log;
  crypto::SystemRandom random;
  QueueSettings settings;
  StoreOptions options;
};

// The trace of disk_recorder.c, if there is one: what is promised to somebody is marked in it.
class Trace {
 public:
  Trace();
  void mark(const std::string& text) const;

 private:
  int descriptor_ = -1;
};

std::vector<StoredEvent> all_events(const QueueSettings& settings);
void back_up_to(const std::filesystem::path& target, Subject& subject);
// Restores it, unless there is a store, and promises what is in it.
void restore_from(const std::filesystem::path& backup, Subject& subject, const Trace& trace);
void promise_what_is_stored(const Subject& subject, const Trace& trace);

// Carries the script out on the store in `directory`; answers the exit code that wxpush would give.
int drive(const std::filesystem::path& directory, std::istream& script);
// For each line (a directory and words), one line of JSON that tells what is in that store.
int verify(std::istream& requests);

}  // namespace wxpush::queue
