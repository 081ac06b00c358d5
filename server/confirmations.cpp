#include "server/confirmations.h"

#include "handlers/queue/selection.h"

namespace wxpush::server {
namespace {

// Marks are durable 100 ms later at the latest; this is many times what is delivered meanwhile.
constexpr std::size_t most_recent = 65'536;

}  // namespace

void Confirmations::Watched::note_done(queue::RowId id) {
  if (!recent.insert(id).second) return;
  recent_order.push_back(id);
  if (recent_order.size() <= most_recent) return;
  recent.erase(recent_order.front());
  recent_order.pop_front();
}

void Confirmations::watch(std::map<std::string, std::vector<std::string>> handlers) {
  const std::lock_guard lock(mutex_);
  std::erase_if(watched_, [&](const auto& one) { return !handlers.contains(one.first); });
  for (auto& [handler, events] : handlers) watched_[handler].events = std::move(events);
  any_ = !watched_.empty();
}

Confirmations::Ticket Confirmations::wait(const std::string& handler, const std::string& type,
                                          const queue::Appended& appended, Decided decided) {
  std::unique_lock lock(mutex_);
  const auto watched = watched_.find(handler);
  const bool is_asked_for =
      watched != watched_.end() && queue::selects({}, watched->second.events, {}, type);
  if (!is_asked_for || watched->second.recent.contains(appended.id)) {
    lock.unlock();
    decided(true);
    return {};
  }
  Ticket ticket{.handler = handler, .id = appended.id, .number = ++last_};
  watched->second.waiting[appended.id].emplace(ticket.number, std::move(decided));
  lock.unlock();
  if (appended.duplicate) look_up_(handler, appended.id);
  return ticket;
}

void Confirmations::forget(const Ticket& ticket) {
  const std::lock_guard lock(mutex_);
  const auto watched = watched_.find(ticket.handler);
  if (watched == watched_.end()) return;
  auto& waiting = watched->second.waiting;
  const auto found = waiting.find(ticket.id);
  if (found == waiting.end()) return;
  found->second.erase(ticket.number);
  if (found->second.empty()) waiting.erase(found);
}

void Confirmations::settled(const std::string& handler, queue::RowId id, bool done) {
  if (!any_) return;
  std::map<std::uint64_t, Decided> decided;
  {
    const std::lock_guard lock(mutex_);
    const auto watched = watched_.find(handler);
    if (watched == watched_.end()) return;
    if (done) watched->second.note_done(id);
    if (auto waiting = watched->second.waiting.extract(id)) decided = std::move(waiting.mapped());
  }
  for (const auto& [ticket, tell] : decided) tell(done);
}

}  // namespace wxpush::server
