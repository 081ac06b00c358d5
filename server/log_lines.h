#pragma once
// The lines of the log on their way out. Whoever says something leaves it here and goes on; a
// thread takes what has gathered, and writes it. It waits a moment for more to gather, unless a
// line is urgent: to wake it for each one would cost more than the line.
//
// Bounded: when its reader is too slow for what is said, the oldest lines are dropped, and counted.

#include <boost/circular_buffer.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace wxpush::server {

class LogLines {
 public:
  // Writes to `descriptor`, which stays the caller's.
  explicit LogLines(int descriptor,
                    std::chrono::milliseconds gathering = std::chrono::milliseconds{5});
  // Writes what is left, however long its reader takes.
  ~LogLines();
  LogLines(const LogLines&) = delete;
  LogLines& operator=(const LogLines&) = delete;

  // Any thread; never waits for the reader. `line` has no line break.
  void add(std::string_view line, bool urgent);

  // Past those that wait, and written when this returns. std::system_error if it could not be.
  void write_now(std::string_view line);

  // For want of room, or since they could not be written.
  std::uint64_t dropped() const;

 private:
  using Lines = boost::circular_buffer<std::string>;

  void run();
  bool wait_for_lines(std::unique_lock<std::mutex>& lock);
  std::uint64_t write_all(const Lines& lines);  // how many were lost
  void write(std::string_view text);

  const int descriptor_;
  const std::chrono::milliseconds gathering_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  Lines waiting_;
  bool urgent_ = false, stops_ = false;
  std::uint64_t dropped_ = 0;
  std::mutex writing_;  // so that lines stay whole
  std::thread thread_;
};

}  // namespace wxpush::server
