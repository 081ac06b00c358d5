#include "server/quarantine.h"

#include "server/push_endpoint.h"

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

namespace wxpush::server {
namespace {

// Counts the appends of one page; shared with callbacks that may come after the deadline.
struct Page {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t waiting = 0;
  std::size_t stored = 0;
};

std::optional<queue::NewEvent> open(const AppTable& apps, const queue::QuarantinedPush& push) {
  const auto app = apps.find_by_name(push.app);
  if (app == nullptr) return std::nullopt;
  auto opened = app->codec.open(push.timestamp, push.nonce, push.msg_signature, push.encrypt);
  if (!opened) return std::nullopt;
  auto message = event::read_message_head(app->codec.appid(), opened->message);
  auto event = make_event(*app, std::move(message), std::move(opened->message), push.received_at);
  event.from_quarantine = push.id;
  return event;
}

// What sessions handed over before is committed lazily: without this, a push that came just before
// its key would be missed, and wait for the next one. Without space there is nothing to wait for:
// the queue drops it.
void commit_what_waits(queue::Queue& queue) {
  try {
    queue.flush_marks();
  } catch (const queue::StoreOpenError&) {
  }
}

void append(queue::Queue& queue, queue::NewEvent event, const std::shared_ptr<Page>& page) {
  {
    const std::lock_guard lock(page->mutex);
    ++page->waiting;
  }
  queue.append(std::move(event), [page](const queue::Appended& result) {
    const std::lock_guard lock(page->mutex);
    --page->waiting;
    if (!result.error) ++page->stored;
    page->changed.notify_all();
  });
}

}  // namespace

QuarantineRetry retry_quarantine(const AppTable& apps, queue::Reader& reader, queue::Queue& queue,
                                 Log& log, std::chrono::milliseconds deadline,
                                 const std::atomic<bool>& stopping) {
  commit_what_waits(queue);
  const auto until = std::chrono::steady_clock::now() + deadline;
  QuarantineRetry result;
  std::uint64_t after = 0;
  while (!stopping && std::chrono::steady_clock::now() < until) {
    const auto pushes = reader.quarantined(after);
    if (pushes.empty()) break;
    after = pushes.back().id;
    const auto page = std::make_shared<Page>();
    for (const auto& push : pushes) {
      if (auto event = open(apps, push)) append(queue, std::move(*event), page);
    }
    std::unique_lock lock(page->mutex);
    page->changed.wait_until(lock, until, [&] { return page->waiting == 0; });
    result.opened += page->stored;
    result.remaining += pushes.size() - page->stored;
  }
  if (result.opened > 0) {
    log.info("quarantined pushes were opened with the keys now in force",
             {{"opened", result.opened}, {"remaining", result.remaining}});
  }
  return result;
}

}  // namespace wxpush::server
