#include "server/supervision.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <utility>

namespace wxpush::server {
namespace {

using Kind = SupervisorAction::Kind;
using std::chrono::milliseconds;

// The command line, unusable input, permission, settings (docs/cli.md, "Exit codes"): as they are
// until somebody repairs them.
constexpr std::array final_codes{64, 65, 77, 78};

SupervisorAction tell(std::string text) {
  return {Kind::tell, 0, 0, std::move(text)};
}

}  // namespace

bool is_final(WorkerEnd how) noexcept {
  return how.signal == 0 && std::ranges::find(final_codes, how.code) != final_codes.end();
}

std::string to_string(WorkerEnd how) {
  return how.signal != 0 ? "signal " + std::to_string(how.signal)
                         : "exit " + std::to_string(how.code);
}

Supervision::Worker Supervision::started(Actions& actions) {
  Worker worker;
  worker.id = ++last_id_;
  again_ = false;
  actions.push_back({Kind::start, worker.id});
  return worker;
}

Supervision::Actions Supervision::begin() {
  Actions actions;
  start_at_.reset();
  current_ = started(actions);
  return actions;
}

Supervision::Actions Supervision::replace(SteadyTime now) {
  if (stopping_) return {};
  if (next_ || (current_ && current_->leaving)) {
    again_ = true;
    return {tell("a worker is being replaced already: another replacement follows")};
  }
  if (!current_) return begin();  // between two tries: at once, then
  Actions actions;
  next_ = started(actions);
  next_->kill_at = now + to_the_lock;
  return actions;
}

// Once the one that was under way is over, whichever of the two serves now.
Supervision::Actions Supervision::replace_again(SteadyTime now) {
  const bool settled = current_ && !current_->leaving && current_->serving_since && !next_;
  return again_ && settled ? replace(now) : Actions{};
}

Supervision::Actions Supervision::stop(SteadyTime now) {
  stopping_ = true;
  start_at_.reset();
  Actions actions;
  for (auto* worker : {&current_, &next_}) {
    if (!*worker) continue;
    actions.push_back({Kind::stop, (*worker)->id});
    if (!(*worker)->kill_at || worker == &next_)
      (*worker)->kill_at = now + limits_.drain + beyond_drain;
  }
  if (actions.empty()) actions.push_back({Kind::finish, 0, code_});
  return actions;
}

Supervision::Actions Supervision::waits(WorkerId worker, SteadyTime now) {
  if (!next_ || next_->id != worker || stopping_) return {};
  next_->kill_at.reset();  // from here on it has a limit of its own
  if (!current_ || current_->leaving) return {};
  current_->leaving = true;
  current_->kill_at = now + limits_.drain + beyond_drain;
  return {{Kind::hand_over, current_->id}};
}

Supervision::Actions Supervision::serves(WorkerId worker, SteadyTime now) {
  for (auto* known : {&current_, &next_}) {
    if (!*known || (*known)->id != worker) continue;
    (*known)->serving_since = now;
    if (!stopping_) (*known)->kill_at.reset();
  }
  return replace_again(now);
}

Supervision::Actions Supervision::ended(WorkerId worker, WorkerEnd how, SteadyTime now) {
  if (current_ && current_->id == worker) {
    const auto gone = *std::exchange(current_, std::nullopt);
    return stopping_ ? one_less(gone, how) : current_ended(gone, how, now);
  }
  if (next_ && next_->id == worker) {
    const auto gone = *std::exchange(next_, std::nullopt);
    return stopping_ ? one_less(gone, how) : next_ended(how, now);
  }
  return {};
}

// What it ended with is what we end with: unless it was told to before it served, which is no
// failure.
Supervision::Actions Supervision::one_less(const Worker& worker, WorkerEnd how) {
  if (worker.serving_since)
    code_ = how.signal == 0 ? how.code : how.signal == SIGTERM ? 0 : 128 + how.signal;
  if (current_ || next_) return {};
  return {{Kind::finish, 0, code_}};
}

Supervision::Actions Supervision::next_ended(WorkerEnd how, SteadyTime now) {
  auto text = "the new worker ended before it served (" + to_string(how) + ")";
  if (current_ && !current_->leaving) text += ": the old one goes on";
  auto actions = replace_again(now);
  actions.insert(actions.begin(), tell(std::move(text)));
  return actions;
}

Supervision::Actions Supervision::current_ended(const Worker& worker, WorkerEnd how,
                                                SteadyTime now) {
  if (next_) {  // it was made way for, or died meanwhile: its successor has the lock in a moment
    current_ = std::exchange(next_, std::nullopt);
    return replace_again(now);
  }
  return start_again(worker, how, now);
}

Supervision::Actions Supervision::start_again(const Worker& worker, WorkerEnd how, SteadyTime now) {
  if (is_final(how)) {
    return {tell("a worker ended with " + to_string(how) + ", which no restart mends"),
            {Kind::finish, 0, how.code}};
  }
  const auto pause = pause_after(worker, now);
  if (pause == milliseconds(0)) return begin();
  start_at_ = now + pause;
  return {tell("the next worker starts in " + std::to_string(pause.count()) + " ms")};
}

milliseconds Supervision::pause_after(const Worker& worker, SteadyTime now) {
  if (worker.serving_since && now - *worker.serving_since >= proved) {
    failures_ = 0;
    return milliseconds(0);
  }
  constexpr unsigned most_doublings = 6;
  const auto doublings = std::min(failures_++, most_doublings);
  return std::min(shortest_pause * (1U << doublings), longest_pause);
}

Supervision::Actions Supervision::tick(SteadyTime now) {
  Actions actions;
  if (start_at_ && *start_at_ <= now) actions = begin();
  for (auto* worker : {&current_, &next_}) {
    if (!*worker || !(*worker)->kill_at || *(*worker)->kill_at > now) continue;
    (*worker)->kill_at.reset();
    actions.push_back(tell("a worker does not end in its time: it is killed"));
    actions.push_back({Kind::kill, (*worker)->id});
  }
  return actions;
}

std::optional<SteadyTime> Supervision::due() const {
  std::optional<SteadyTime> first = start_at_;
  for (const auto* worker : {&current_, &next_}) {
    if (!*worker || !(*worker)->kill_at) continue;
    first = first ? std::min(*first, *(*worker)->kill_at) : *(*worker)->kill_at;
  }
  return first;
}

}  // namespace wxpush::server
