#pragma once
// What a callback answers.
//
//   returns nothing, or done()             the event is done: it is never offered to it again
//   throws, or returns retry("why")        not now: it is offered again, later and later (Options)
//   throws Permanent, or permanent("why")  never: it becomes a dead letter (`wxpush dlq list`), and
//                                          its order goes on with the next event
//
// `why` is for people: it stands in the log and in `wxpush events show`. No personal data in it.

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace wxpush {

class [[nodiscard]] Result {
 public:
  enum class Kind { done, retry, permanent };

  Result() = default;  // done
  Result(Kind kind, std::string why, std::optional<std::chrono::milliseconds> after = {})
      : kind_(kind), why_(std::move(why)), after_(after) {}

  Kind kind() const noexcept { return kind_; }
  const std::string& why() const noexcept { return why_; }
  std::optional<std::chrono::milliseconds> after() const noexcept { return after_; }

 private:
  Kind kind_ = Kind::done;
  std::string why_;
  std::optional<std::chrono::milliseconds> after_;
};

inline Result done() {
  return {};
}
// `after`: not before this time has passed; honoured up to Options::retry_max.
inline Result retry(std::string why, std::optional<std::chrono::milliseconds> after = {}) {
  return {Result::Kind::retry, std::move(why), after};
}
inline Result permanent(std::string why) {
  return {Result::Kind::permanent, std::move(why)};
}

// The same as permanent(), thrown.
class Permanent : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace wxpush
