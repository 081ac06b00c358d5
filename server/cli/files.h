#pragma once
// Files as the commands use them. Every failure is a CommandError that names the file: 77 where the
// operating system forbids it, else the code told here.

#include "config/secret.h"

#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wxpush::cli {

// The whole file, or all of `in` if the name is "-". 65 if it cannot be read or is above 64 MiB.
std::string read_input(const std::string& file, std::istream& in);

// A secret in a file of its own, without the white space around it. 65 if it is missing or empty.
config::Secret read_secret(const std::filesystem::path& file);

// Creates the file with this mode; whatever the umask, a secret is never readable in between. 1 if
// it exists already: nothing is ever overwritten.
void write_new(const std::filesystem::path& file, std::string_view content, unsigned mode);

// Files that are made together: those listed are removed again unless all came to a good end.
class NewFiles {
 public:
  NewFiles() = default;
  ~NewFiles();
  NewFiles(const NewFiles&) = delete;
  NewFiles& operator=(const NewFiles&) = delete;
  void add(std::filesystem::path file) { files_.push_back(std::move(file)); }
  void keep() noexcept { files_.clear(); }

 private:
  std::vector<std::filesystem::path> files_;
};

}  // namespace wxpush::cli
