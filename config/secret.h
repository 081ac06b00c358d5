#pragma once
// A value that must not be printed. There is no stream operator and no formatter that shows it;
// what prints it by mistake prints ***. Every byte it held is overwritten when it goes, whichever
// way. What the value passed through before (a TOML parser, the environment) is not in its hands:
// secrets kept in files of their own (`token_file`) are the ones of which no copy stays behind.

#include <iosfwd>
#include <string>

namespace wxpush::config {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) noexcept;
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept;  // leaves the other empty
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;  // leaves the other empty
  ~Secret();                                   // overwrites the memory

  // The one way to the value: easy to search for.
  const std::string& reveal() const noexcept { return value_; }
  bool empty() const noexcept { return value_.empty(); }
  friend bool operator==(const Secret&, const Secret&) = default;

 private:
  std::string value_;
};

std::ostream& operator<<(std::ostream& out, const Secret& secret);  // "***", or nothing if empty

// Overwrites all the string's memory, also what lies behind its end, and empties it.
void wipe(std::string& text) noexcept;

}  // namespace wxpush::config
