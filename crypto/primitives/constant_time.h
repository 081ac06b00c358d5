#pragma once
// Comparing and forgetting secrets.

#include <cstddef>
#include <string>
#include <string_view>

namespace wxpush::crypto {

// Takes the same time wherever the two differ; a difference in length is not hidden.
bool constant_time_equal(std::string_view a, std::string_view b) noexcept;

// Overwrites memory in a way that the compiler does not remove.
void cleanse(void* memory, std::size_t size) noexcept;
// Overwrites the whole capacity of a string, then empties it.
void cleanse(std::string& text) noexcept;

}  // namespace wxpush::crypto
