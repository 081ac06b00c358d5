#pragma once
// Reading whole small files, and finding and reading the configuration files.

#include "config/loading.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace wxpush::config {

// All bytes of a regular file; nullopt, and why, if it cannot be read or is larger than `most`.
std::optional<std::string> read_file(const std::filesystem::path& path, std::size_t most,
                                     std::string& error);

constexpr std::size_t largest_file = std::size_t{1} << 20U;
constexpr std::size_t most_files = 1000;

// The main file, then those it includes, each parsed. Empty if the main file cannot be read or
// parsed. Problems with the others are recorded, and loading.complete is cleared.
std::vector<File> read_files(Loading& loading, const std::filesystem::path& main_file);

}  // namespace wxpush::config
