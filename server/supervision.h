#pragma once
// What the supervisor decides: which worker is started, told to make way, stopped, given up.
// A state machine without processes, sockets or a clock: it is told what happened and when, and
// answers what to do (supervisor.cpp does it).

#include "handlers/base/clock.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace wxpush::server {

using WorkerId = std::uint64_t;  // rises with each start

struct WorkerEnd {
  int code = 0;    // if it ended by itself
  int signal = 0;  // else what killed it
};

struct SupervisorAction {
  enum class Kind {
    start,      // a worker of this id, from the program now on the disk
    hand_over,  // tell it to make way for the one that waits
    stop,       // tell it to drain; a second time: to stop at once
    kill,       // it does not heed that
    finish,     // close everything and end with `code`
    tell,       // `text` to the log
  };
  Kind kind;
  WorkerId worker = 0;
  int code = 0;
  std::string text{};
  bool operator==(const SupervisorAction&) const = default;
};

class Supervision {
 public:
  using Actions = std::vector<SupervisorAction>;
  struct Limits {
    std::chrono::milliseconds drain{4000};  // [server] drain
  };
  // A worker that served so long is no failure when it dies: the next one starts at once.
  static constexpr std::chrono::milliseconds proved{1000};
  static constexpr std::chrono::milliseconds shortest_pause{100};
  static constexpr std::chrono::milliseconds longest_pause{5000};
  // For a worker to come from its start to the store's lock; and for one that was told to end, past
  // its drain.
  static constexpr std::chrono::milliseconds to_the_lock{60'000};
  static constexpr std::chrono::milliseconds beyond_drain{5000};

  explicit Supervision(Limits limits) : limits_(limits) {}

  Actions begin();
  // SIGUSR2. Asked for while one replacement is under way, one more follows it: what is on the disk
  // now may be newer than what was started.
  Actions replace(SteadyTime now);
  Actions stop(SteadyTime now);  // SIGTERM, SIGINT
  Actions waits(WorkerId worker,
                SteadyTime now);  // its settings are checked, the lock is another's
  Actions serves(WorkerId worker, SteadyTime now);
  Actions ended(WorkerId worker, WorkerEnd how, SteadyTime now);
  Actions tick(SteadyTime now);

  std::optional<SteadyTime> due() const;  // when tick() has something to do
  bool stopping() const noexcept { return stopping_; }

 private:
  struct Worker {
    WorkerId id = 0;
    std::optional<SteadyTime> serving_since;
    bool leaving = false;  // told to hand over
    std::optional<SteadyTime> kill_at;
  };
  Worker started(Actions& actions);
  Actions replace_again(SteadyTime now);
  Actions current_ended(const Worker& worker, WorkerEnd how, SteadyTime now);
  Actions next_ended(WorkerEnd how, SteadyTime now);
  Actions one_less(const Worker& worker, WorkerEnd how);
  Actions start_again(const Worker& worker, WorkerEnd how, SteadyTime now);
  std::chrono::milliseconds pause_after(const Worker& worker, SteadyTime now);

  const Limits limits_;
  WorkerId last_id_ = 0;
  std::optional<Worker> current_;
  std::optional<Worker> next_;  // is to take current_'s place
  std::optional<SteadyTime> start_at_;
  unsigned failures_ = 0;  // in a row
  bool again_ = false;     // replace() was asked for after the last worker was started
  bool stopping_ = false;
  int code_ = 0;
};

// Whether no start can mend what a worker ended with.
bool is_final(WorkerEnd how) noexcept;
std::string to_string(WorkerEnd how);  // "exit 78", "signal 9"

}  // namespace wxpush::server
