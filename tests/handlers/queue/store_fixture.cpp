#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <stdlib.h>
#include <unistd.h>

namespace wxpush::queue {

TempDirectory::TempDirectory() {
  // In memory where that is possible: what is tested is which syncs were asked for, not the disk.
  const std::filesystem::path memory = "/dev/shm";
  std::error_code unknown;
  const bool usable = ::access(memory.c_str(), W_OK) == 0 &&
                      std::filesystem::space(memory, unknown).available > (512U << 20) && !unknown;
  std::string name =
      ((usable ? memory : std::filesystem::temp_directory_path()) / "wxpush-queue-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
  path_ = name;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::size_t RecordingLog::count(std::string_view part) const {
  const std::lock_guard lock(mutex_);
  std::size_t found = 0;
  for (const std::string& line : lines_) found += line.find(part) != std::string::npos ? 1U : 0U;
  return found;
}

event::EventId id_of(std::uint64_t n) {
  // Spread like a digest: an odd factor, so that different numbers differ in the first 8 bytes.
  const std::uint64_t spread = n * 0x9e3779b97f4a7c15ULL;
  event::EventId id;
  for (std::size_t i = 0; i < 8; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(spread >> (56 - 8 * i));
    id.bytes[31 - i] = static_cast<std::uint8_t>(n >> (8 * i));
  }
  return id;
}

NewEvent numbered(std::uint64_t n, const std::string& order_key) {
  NewEvent event;
  event.event_id = id_of(n);
  event.app = "shop";
  event.appid = "wx0123456789abcdef";
  event.type = "update_waybill_status";
  event.order_key = order_key;
  event.kind = event::ContentKind::json;
  event.body = "{\"n\":" + std::to_string(n) + "}";
  return event;
}

StoreFixture::StoreFixture() {
  settings.directory = temporary.path() / "store";
}

StoreFixture::~StoreFixture() {
  disk.release_syncs();
}

void StoreFixture::open(bool start) {
  queue = std::make_unique<StoreQueue>(settings, clock, disk, log, options);
  if (start) queue->start(observer);
}

void StoreFixture::copy_to(const std::filesystem::path& directory) const {
  std::filesystem::create_directories(directory);
  const StoreFiles from(settings.directory);
  const StoreFiles to(directory);
  std::filesystem::copy_file(from.database, to.database);
  std::filesystem::copy_file(from.wal, to.wal);
}

std::future<Appended> StoreFixture::append_later(NewEvent event) {
  if (event.received_at == WallTime{}) event.received_at = clock.wall();
  auto promise = std::make_shared<std::promise<Appended>>();
  std::future<Appended> future = promise->get_future();
  queue->append(std::move(event), [promise](const Appended& done) { promise->set_value(done); });
  return future;
}

Appended StoreFixture::append(std::uint64_t n, const std::string& order_key) {
  return append(numbered(n, order_key));
}

void StoreFixture::append_range(std::uint64_t first, std::uint64_t last) {
  std::vector<std::future<Appended>> waiting;
  for (std::uint64_t n = first; n <= last; ++n) waiting.push_back(append_later(numbered(n)));
  for (std::future<Appended>& future : waiting) {
    const Appended done = future.get();
    REQUIRE_MESSAGE(!done.error, done.error.message());
    REQUIRE(!done.duplicate);
  }
}

std::vector<StoredEvent> StoreFixture::all(const EventFilter& filter) const {
  const std::unique_ptr<Reader> reading = reader();
  std::vector<StoredEvent> found;
  EventFilter from = filter;
  for (bool end = false; !end;) {
    Reader::Page page = reading->events(from);
    for (StoredEvent& event : page.events) found.push_back(std::move(event));
    from.after = page.next_after;
    end = page.end;
  }
  return found;
}

std::vector<RowId> StoreFixture::ids(const EventFilter& filter) const {
  std::vector<RowId> found;
  for (const StoredEvent& event : all(filter)) found.push_back(event.id);
  return found;
}

std::int64_t StoreFixture::number(const std::string& query) const {
  Connection connection(StoreFiles(settings.directory).database.string(),
                        {.read_only = true, .busy_milliseconds = 1000});
  return connection.integer(query);
}

}  // namespace wxpush::queue
