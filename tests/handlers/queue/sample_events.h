#pragma once
// Events as pushes bring them, and what a bad disk does to files.

#include "handlers/queue/event_record.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace wxpush::queue {

// Number n; one that proves itself: its event_id is that of its body, which says the rest.
NewEvent genuine(std::uint64_t n, const std::string& order = "A1");

// All but its id.
bool same(const NewEvent& one, const NewEvent& other);

// Changes a file that nobody has open. Throws std::runtime_error if it cannot.
void flip_bit(const std::filesystem::path& file, std::uint64_t byte, unsigned bit);

}  // namespace wxpush::queue
