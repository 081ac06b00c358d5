#pragma once
// What the supervisor and a worker say to each other: single bytes over a socket pair, whose end is
// the other's end. Old supervisors talk to new workers, so a byte keeps its meaning for ever, and
// one that is not known is ignored.

namespace wxpush::server {

namespace word {
constexpr char waiting = 'w';    // worker: everything is checked; another process has the store
constexpr char serving = 's';    // worker: pushes are taken
constexpr char hand_over = 'h';  // supervisor: another worker waits; make way for it
}  // namespace word

// Never blocks. A word to somebody who has gone is dropped.
void tell(int link, char what) noexcept;

}  // namespace wxpush::server
