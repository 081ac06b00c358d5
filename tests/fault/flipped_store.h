#pragma once
// The stores that store_flips.cpp damages, and what they say.

#include "handlers/queue/queue.h"
#include "handlers/queue/reader.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace wxpush::queue {

// The keys that seal the bodies of a store whose name says so; else none.
std::vector<BodyKey> keys_of(const std::filesystem::path& directory);

// Of a small store, so that everything that a store can hold is in it.
QueueSettings settings_of(const std::filesystem::path& directory);

// Stores with the same events, their bodies in the clear and sealed; of each one that was killed,
// its newest commits in the log, and one that was stopped.
void make_stores(const std::filesystem::path& directory);

// Waits until it is stored. True: it was known.
bool append(Queue& queue, const NewEvent& event);

// How far the log goes that LOCK knows of, in bytes. What lies beyond was answered to nobody.
struct KnownLog {
  std::uint64_t bytes = 0;
  std::uint64_t commits_beyond = 0;
};
KnownLog known_log(const std::filesystem::path& directory);

// What a bad disk did: a bit flipped, the file cut off, or a sector overwritten.
struct Damage {
  std::string file, kind;
  std::uint64_t at = 0;
  unsigned bit = 0;
  std::string text() const;
};
void apply(const Damage& damage, const std::filesystem::path& directory);

struct Content {
  std::map<RowId, StoredEvent> events;
  std::string marks;  // of all handlers, as text
  std::string rest;   // dead letters' reasons, the quarantine and facts, as text
};
// Adds to `content`, so that what was read before an exception is there.
void read_content(Reader& reader, Content& content);
Content content_of(Reader& reader);
// Whether each of these events was stored, and is as it was stored.
bool all_stored(const Content& found, const Content& stored);

// `older`: as the store was some commits before.
enum class Answer { told, same, older, wrong };
Answer compare(const Content& found, const Content& stored);

}  // namespace wxpush::queue
