#pragma once
// The store alone, driven by a script and looked into afterwards: for the campaigns of this folder,
// which need thousands of lives of a store, small enough that checkpoints, filing and pruning come
// every few pushes. It is the product's own store from its start procedure on; only the clock, the
// free space and the sizes are ours.

#include "handlers/queue/store_queue.h"
#include "tests/handlers/queue/fake_clock.h"
#include "tests/handlers/queue/fake_disk.h"

#include <iosfwd>
#include <map>
#include <string>

namespace wxpush::queue {

// What a line says: words with a name, and those without.
struct Words {
  explicit Words(const std::string& line);
  std::int64_t number(const std::string& name, std::int64_t otherwise) const;
  std::map<std::string, std::string> named;
  std::vector<std::string> plain;
};

struct Subject {
  // salt=, clock= and the sizes, each with a default.
  Subject(const std::filesystem::path& directory, const Words& words);

  // Event number n of this salt, the same in every process. received_at is now.
  NewEvent event(std::uint64_t n) const;

  std::int64_t salt;
  FakeClock clock;
  FakeDisk disk;
  NullLog log;
  QueueSettings settings;
  StoreOptions options;
};

// Carries the script out on the store in `directory`; answers the exit code that wxpush would give.
int drive(const std::filesystem::path& directory, std::istream& script);
// For each line (a directory and words), one line of JSON that tells what is in that store.
int verify(std::istream& requests);

}  // namespace wxpush::queue
