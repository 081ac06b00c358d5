#pragma once
// A store in a directory of its own, with a clock and a disk that the test owns.

#include "handlers/queue/reader.h"
#include "handlers/queue/store_queue.h"
#include "tests/handlers/queue/fake_clock.h"
#include "tests/handlers/queue/fake_disk.h"
#include "tests/handlers/queue/sample_events.h"

#include <filesystem>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace wxpush::queue {

class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

class RecordingLog final : public Log {
 public:
  void write(LogLevel, std::string_view message, std::initializer_list<LogField>) override {
    const std::lock_guard lock(mutex_);
    lines_.emplace_back(message);
  }
  bool wants(LogLevel) const noexcept override { return true; }
  std::size_t count(std::string_view part) const;  // lines that contain it

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// Event number n; equal numbers are equal events.
event::EventId id_of(std::uint64_t n);
NewEvent numbered(std::uint64_t n, const std::string& order_key = {});

struct StoreFixture {
  TempDirectory temporary;
  FakeClock clock;
  FakeDisk disk;
  RecordingLog log;
  QueueSettings settings;
  StoreOptions options;
  QueueObserver observer;
  std::unique_ptr<StoreQueue> queue;

  StoreFixture();
  ~StoreFixture();

  void open(bool start = true);
  void close() { queue.reset(); }
  void reopen() {
    close();
    open();
  }
  // What a killed process would leave: the files as they are now, in a directory of their own.
  void copy_to(const std::filesystem::path& directory) const;

  std::future<Appended> append_later(NewEvent event);
  Appended append(NewEvent event) { return append_later(std::move(event)).get(); }
  Appended append(std::uint64_t n, const std::string& order_key = {});
  void append_range(std::uint64_t first, std::uint64_t last);  // all must be stored, none known

  std::unique_ptr<Reader> reader() const {
    return Reader::open(settings.directory, settings.body_keys);
  }
  std::vector<StoredEvent> all(const EventFilter& filter = {}) const;  // page by page
  std::vector<RowId> ids(const EventFilter& filter = {}) const;
  std::int64_t number(const std::string& query) const;  // straight from the database
  void pass(std::chrono::milliseconds time) {  // time goes by, and everything due then is done
    queue->wait_until_idle();
    clock.advance(time);
    queue->wait_until_idle();
  }
};

}  // namespace wxpush::queue
