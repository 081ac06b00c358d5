#include "config/files.h"

#include "config/section.h"
#include "config/values.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <glob.h>
#include <memory>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace wxpush::config {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  // O_NONBLOCK: opening a pipe that nobody writes to must not hang; regular files do not care.
  explicit Descriptor(const fs::path& path)
      : number_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

std::string error_text(int number) {
  return std::generic_category().message(number);
}

// Nothing of it stays in memory that is given back: it may hold secrets.
void enlarge(std::string& bytes, std::size_t size) {
  std::string larger(size, '\0');
  std::copy(bytes.begin(), bytes.end(), larger.begin());
  wipe(bytes);
  bytes.swap(larger);
}

std::optional<File> read_one(Loading& loading, const fs::path& path) {
  const std::string shown = path.string();
  loading.files_shown.push_back(shown);
  std::string why;
  auto document = read_file(path, largest_file, why);
  SyntaxError error;
  std::optional<Node> root;
  if (!document) {
    loading.problem({shown, 0, "", {}}, "cannot be read: " + why);
  } else if (root = parse_toml(*document, error); !root) {
    loading.problem({shown, error.line, "", {}}, "not valid TOML: " + error.text);
  }
  if (document) wipe(*document);  // it may hold secrets
  if (!root) {
    loading.complete = false;
    return std::nullopt;
  }
  return File{shown, fs::absolute(path).parent_path().lexically_normal(), std::move(*root)};
}

std::string escape_for_glob(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\*?[]").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// The files that match, in byte order (glob's own order follows the locale). Empty and an error
// text if a folder cannot be searched.
std::vector<std::string> find_matches(const std::string& pattern, std::string& error) {
  const auto is_serious = [](const char*, int number) {
    return number != ENOENT && number != ENOTDIR ? 1 : 0;
  };
  glob_t found{};
  const std::unique_ptr<glob_t, void (*)(glob_t*)> release(&found, ::globfree);
  const int result = ::glob(pattern.c_str(), GLOB_NOSORT, is_serious, &found);
  if (result != 0 && result != GLOB_NOMATCH) error = "a folder of it cannot be searched";
  std::vector<std::string> paths;
  if (result == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

// Adds what one pattern finds to `paths`, each file once.
void expand(Loading& loading, const fs::path& main_file, const Section::Text& pattern,
            std::vector<std::string>& paths) {
  const bool is_absolute = pattern.value.starts_with('/');
  const std::string folder =
      main_file.has_parent_path() ? main_file.parent_path().string() + "/" : "";
  std::string error;
  const auto found =
      find_matches((is_absolute ? "" : escape_for_glob(folder)) + pattern.value, error);
  const bool has_wildcard = pattern.value.find_first_of("*?[") != std::string::npos;
  if (error.empty() && found.empty() && !has_wildcard) error = "there is no such file";
  if (!error.empty()) {
    loading.problem(pattern.origin, quote_short(pattern.value) + ": " + error +
                                        "; patterns are relative to " + main_file.string());
    loading.complete = false;
  }
  for (const auto& path : found) {
    if (is_same_file(path, main_file)) {
      loading.problem(pattern.origin, quote_short(pattern.value) +
                                          " finds this file itself; keep the others in a folder of "
                                          "their own, such as \"apps/*.toml\"");
    } else if (std::find(paths.begin(), paths.end(), path) == paths.end()) {
      paths.push_back(path);
    }
  }
}

}  // namespace

std::optional<std::string> read_file(const fs::path& path, std::size_t most, std::string& error) {
  const Descriptor file(path);
  struct stat status {};
  if (file.number() < 0 || ::fstat(file.number(), &status) != 0) {
    error = error_text(errno);
    return std::nullopt;
  }
  if (!S_ISREG(status.st_mode)) {
    error = "it is no regular file";
    return std::nullopt;
  }
  // One more than it says it has, so that the end is seen; one that has more after all is read,
  // too.
  std::string bytes(std::min(most, static_cast<std::size_t>(status.st_size)) + 1, '\0');
  std::size_t size = 0;
  while (size <= most) {
    if (size == bytes.size()) enlarge(bytes, most + 1);
    const auto n = ::read(file.number(), bytes.data() + size, bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) error = error_text(errno);
    if (n <= 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > most) error = "it is larger than " + format_bytes(most);
  if (!error.empty()) {
    wipe(bytes);
    return std::nullopt;
  }
  bytes.resize(size);
  return bytes;
}

std::vector<File> read_files(Loading& loading, const fs::path& main_file) {
  std::vector<File> files;
  auto first = read_one(loading, main_file);
  if (!first) return files;
  files.push_back(std::move(*first));
  std::vector<std::string> paths;
  Section top(loading, files.front());
  if (const auto patterns = top.list("include", "an array of file names or patterns", most_files)) {
    for (const auto& pattern : patterns->items) expand(loading, main_file, pattern, paths);
    if (paths.size() > most_files) {
      loading.problem(patterns->origin, "finds " + std::to_string(paths.size()) +
                                            " files; it may find at most " +
                                            std::to_string(most_files));
      paths.resize(most_files);
    }
  }
  for (const auto& path : paths) {
    if (auto file = read_one(loading, path)) files.push_back(std::move(*file));
  }
  return files;
}

}  // namespace wxpush::config
