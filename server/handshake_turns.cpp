#include "server/handshake_turns.h"

#include <boost/asio/post.hpp>

#include <chrono>
#include <poll.h>
#include <utility>
#include <vector>

namespace wxpush::server {
namespace {

// Of the 5 s that WeChat waits for its answer (docs/protocol.md), so that most of them are left.
constexpr std::chrono::seconds in_order_within{1};

// POLLHUP and POLLERR are told unasked. A peer that only sends no more cannot finish a handshake.
pollfd closed_by_peer(int descriptor) {
  return {descriptor, POLLRDHUP, 0};
}

bool is_gone(int descriptor) {
  auto asked = closed_by_peer(descriptor);
  return poll(&asked, 1, 0) > 0;
}

}  // namespace

void HandshakeTurns::wait(Entry& entry) {
  entry.waits_since_ = clock_.steady();
  waiting_.push_front(entry);
  call_later();
}

// Behind all that is ready now.
void HandshakeTurns::call_later() {
  if (std::exchange(called_, true)) return;
  boost::asio::post(context_, [this] { call_next(); });
}

void HandshakeTurns::call_next() {
  called_ = false;
  for (bool begun = false; !begun && !waiting_.empty();) {
    Entry& entry = next();
    entry.unlink();
    begun = !is_gone(entry.descriptor());
    entry.on_turn(begun);
  }
  if (!waiting_.empty()) call_later();
}

HandshakeTurns::Entry& HandshakeTurns::next() {
  const bool in_order = clock_.steady() - waiting_.back().waits_since_ < in_order_within;
  return in_order ? waiting_.back() : waiting_.front();
}

void HandshakeTurns::drop_gone() {
  std::vector<pollfd> asked;
  for (auto& entry : waiting_) asked.push_back(closed_by_peer(entry.descriptor()));
  if (asked.empty() || poll(asked.data(), asked.size(), 0) <= 0) return;
  auto answer = asked.begin();
  for (auto next = waiting_.begin(); next != waiting_.end();) {
    Entry& entry = *next++;
    if ((answer++)->revents == 0) continue;
    entry.unlink();
    entry.on_turn(false);
  }
}

}  // namespace wxpush::server
