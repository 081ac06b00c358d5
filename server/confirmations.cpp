#include "server/confirmations.h"

#include "handlers/queue/selection.h"

namespace wxpush::server {
namespace {

// Marks are durable 100 ms later at the latest; this is many times what is delivered meanwhile.
constexpr std::size_t most_recent = 65'536;

}  // namespace

void Confirmations::watch(std::map<std::string, std::vector<std::string>> handlers) {
  const std::lock_guard lock(mutex_);
  watched_ = std::move(handlers);
}

Confirmations::Ticket Confirmations::wait(const std::string& handler, const std::string& type,
                                          const queue::Appended& appended, Decided decided) {
  const Key key{handler, appended.id};
  std::unique_lock lock(mutex_);
  const auto watched = watched_.find(handler);
  const bool is_asked_for =
      watched != watched_.end() && queue::selects({}, watched->second, {}, type);
  if (!is_asked_for || recent_.contains(key)) {
    lock.unlock();
    decided(true);
    return 0;
  }
  const Ticket ticket = ++last_;
  waiting_[key].emplace(ticket, std::move(decided));
  keys_.emplace(ticket, key);
  lock.unlock();
  if (appended.duplicate) look_up_(handler, appended.id);
  return ticket;
}

void Confirmations::forget(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  const auto found = keys_.find(ticket);
  if (found == keys_.end()) return;
  const auto waiting = waiting_.find(found->second);
  keys_.erase(found);
  if (waiting == waiting_.end()) return;
  waiting->second.erase(ticket);
  if (waiting->second.empty()) waiting_.erase(waiting);
}

void Confirmations::settled(const std::string& handler, queue::RowId id, bool done) {
  std::map<Ticket, Decided> decided;
  {
    const std::lock_guard lock(mutex_);
    if (!watched_.contains(handler)) return;
    const Key key{handler, id};
    if (done && recent_.insert(key).second) {
      recent_order_.push_back(key);
      if (recent_order_.size() > most_recent) {
        recent_.erase(recent_order_.front());
        recent_order_.pop_front();
      }
    }
    const auto waiting = waiting_.find(key);
    if (waiting == waiting_.end()) return;
    decided = std::move(waiting->second);
    waiting_.erase(waiting);
    for (const auto& one : decided) keys_.erase(one.first);
  }
  for (auto& [ticket, tell] : decided) tell(done);
}

}  // namespace wxpush::server
