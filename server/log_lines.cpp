#include "server/log_lines.h"

#include "handlers/base/thread_name.h"

#include <climits>

#include <cerrno>
#include <poll.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace wxpush::server {
namespace {

constexpr std::size_t most_lines = 8192;

}  // namespace

LogLines::LogLines(int descriptor, std::chrono::milliseconds gathering)
    : descriptor_(descriptor),
      gathering_(gathering),
      waiting_(most_lines),
      thread_([this] { run(); }) {}

LogLines::~LogLines() {
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LogLines::add(std::string_view line, bool urgent) {
  std::string text;
  text.reserve(line.size() + 1);
  text.append(line).push_back('\n');
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    // Twice: so that it begins to gather, and when it has waited for more than enough.
    wakes = waiting_.empty() || (urgent && !urgent_) || waiting_.size() == most_lines / 4;
    urgent_ = urgent_ || urgent || waiting_.size() >= most_lines / 4;
    if (waiting_.full()) ++dropped_;
    waiting_.push_back(std::move(text));
  }
  if (wakes) wake_.notify_one();
}

void LogLines::write_now(std::string_view line) {
  std::string text(line);
  text.push_back('\n');
  write(text);
}

std::uint64_t LogLines::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

// False when it is over and nothing is left.
bool LogLines::wait_for_lines(std::unique_lock<std::mutex>& lock) {
  wake_.wait(lock, [this] { return stops_ || !waiting_.empty(); });
  wake_.wait_for(lock, gathering_, [this] { return stops_ || urgent_; });
  urgent_ = false;
  return !waiting_.empty();
}

void LogLines::run() {
  name_this_thread("wx-log");
  Lines lines(most_lines);
  std::unique_lock lock(mutex_);
  while (wait_for_lines(lock)) {
    lines.swap(waiting_);
    lock.unlock();
    const std::uint64_t lost = write_all(lines);
    lines.clear();
    lock.lock();
    dropped_ += lost;
  }
}

// Whole lines in each write, of which a pipe makes one piece: other processes write there, too.
std::uint64_t LogLines::write_all(const Lines& lines) {
  std::uint64_t lost = 0;
  std::uint64_t gathered = 0;
  std::string text;
  text.reserve(PIPE_BUF);
  const auto flush = [&] {
    try {
      write(text);
    } catch (const std::system_error&) {  // there is nobody left to tell
      lost += gathered;
    }
    text.clear();
    gathered = 0;
  };
  for (const std::string& line : lines) {
    if (!text.empty() && text.size() + line.size() > PIPE_BUF) flush();
    text.append(line);
    ++gathered;
  }
  flush();
  return lost;
}

void LogLines::write(std::string_view text) {
  const std::lock_guard lock(writing_);
  while (!text.empty()) {
    const ssize_t size = ::write(descriptor_, text.data(), text.size());
    if (size >= 0) {
      text.remove_prefix(static_cast<std::size_t>(size));
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      pollfd out{descriptor_, POLLOUT, 0};
      ::poll(&out, 1, -1);
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "the log (stdout)");
    }
  }
}

}  // namespace wxpush::server
