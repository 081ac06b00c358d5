#pragma once
// What became of one attempt to hand an event to a handler.

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>

namespace wxpush::sink {

// Whose fault a failed attempt was, as far as its answer tells.
enum class Blame : std::uint8_t {
  event,    // it was judged and refused: another attempt will hardly help
  handler,  // it was not judged: no answer, overload, a rule of access
  place,    // nor was it, and nothing is wrong with the event: no connection, a queue that is full
  part,     // the same, of one place of several: it says nothing about the others
};

struct Failure {
  Blame blame = Blame::handler;
  bool permanent = false;                                // never again
  std::optional<std::chrono::milliseconds> retry_after;  // as the handler asked
  std::string error;                                     // for people; never empty
};

using Outcome = std::optional<Failure>;  // nothing: delivered
// What an exception that left a callback says: not now. Never empty.
Failure failure_of(const std::exception_ptr& thrown);

using Done = std::function<void(Outcome)>;

}  // namespace wxpush::sink
