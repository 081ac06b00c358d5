#pragma once
// The stores that store_flips.cpp damages, and what they say.

#include "handlers/queue/queue.h"
#include "handlers/queue/reader.h"

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

struct Content {
  std::map<RowId, StoredEvent> events;
  std::string marks;  // of all handlers, as text
};
Content content_of(Reader& reader);
bool same(const StoredEvent& one, const StoredEvent& other);

// `older`: as the store was some commits before.
enum class Answer { told, same, older, wrong };
Answer compare(const Content& found, const Content& stored);

}  // namespace wxpush::queue
