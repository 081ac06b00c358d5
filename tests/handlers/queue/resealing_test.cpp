// Encryption at rest, of a whole store: turned on, rotated, and with a key that is missing.

#include "crypto/primitives/random.h"
#include "handlers/queue/queue.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

using namespace wxpush;
using namespace wxpush::queue;

namespace {

const std::string secret = "rider's phone 13800000000";
const BodyKey first(std::string(32, 'a'));
const BodyKey second(std::string(32, 'b'));

std::string content(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

struct Fixture : StoreFixture {
  crypto::SystemRandom random;

  void use(std::vector<BodyKey> keys) {
    close();
    settings.body_keys = std::move(keys);
    settings.random = &random;
    open();
    queue->wait_until_idle();
  }
  void store(std::uint64_t from, std::uint64_t to) {
    for (std::uint64_t n = from; n <= to; ++n) {
      NewEvent event = numbered(n);
      event.body = secret + std::to_string(n);
      CHECK_FALSE(append(std::move(event)).error);
    }
  }
  void check_bodies(std::uint64_t count) {
    const auto events = all();
    REQUIRE(events.size() == count);
    for (const StoredEvent& event : events) CHECK(event.body == secret + std::to_string(event.id));
  }
  std::int64_t rows_with(std::uint32_t key) {
    return number("SELECT count(*) FROM event WHERE key_number = " + std::to_string(key));
  }
  std::string refusal() {
    close();
    try {
      open();
    } catch (const StoreOpenError& error) {
      CHECK(error.exit_code() == 78);
      return error.what();
    }
    FAIL("a store was opened without its key");
    return {};
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "with a key no file of the store holds a body, and readers give it") {
  use({first});
  store(1, 20);
  check_bodies(20);
  CHECK(queue->status().body_key == first.mark());
  queue->stop();
  for (const auto& file : std::filesystem::directory_iterator(settings.directory))
    CHECK(content(file.path()).find("13800000000") == std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a store that was plain is sealed in the background, and overwritten") {
  use({});
  store(1, 2500);  // several slices
  CHECK(rows_with(0) == 2500);
  use({first});
  CHECK_FALSE(queue->status().resealing);
  CHECK(rows_with(1) == 2500);
  store(2501, 2502);
  check_bodies(2502);
  queue->stop();
  CHECK(content(settings.directory / "queue.db").find("13800000000") == std::string::npos);
  CHECK(log.count("older ones are no longer needed") == 1);
  use({first});
  CHECK(log.count("older ones are no longer needed") == 1);  // nothing to do again
}

TEST_CASE_FIXTURE(Fixture, "a rotation seals anew; then the old key may go, and may come back") {
  use({first});
  store(1, 10);
  use({second, first});
  CHECK(rows_with(2) == 10);
  use({second});
  check_bodies(10);
  use({first, second});
  CHECK(rows_with(1) == 10);
  check_bodies(10);
}

TEST_CASE_FIXTURE(Fixture, "without a key that bodies need the store does not open") {
  use({first});
  store(1, 3);
  settings.body_keys = {};
  CHECK(refusal().find(first.mark()) != std::string::npos);
  settings.body_keys = {second};
  CHECK(refusal().find(first.mark()) != std::string::npos);
  use({second, first});
  check_bodies(3);
}

TEST_CASE_FIXTURE(Fixture, "a rotation that is killed goes on at the next start") {
  use({first});
  store(1, 3000);
  close();
  settings.body_keys = {second, first};
  open(false);  // the key is noted, and nothing sealed anew yet
  const auto killed = temporary.path() / "killed";
  copy_to(killed);
  close();
  settings.directory = killed;
  CHECK(rows_with(1) == 3000);
  use({second, first});
  CHECK(rows_with(2) == 3000);
  use({second});
  check_bodies(3000);
}

TEST_CASE_FIXTURE(Fixture, "a damaged body keeps its key needed, and the others are sealed anew") {
  use({first});
  store(1, 5);
  close();
  Connection(StoreFiles(settings.directory).database.string(), {})
      .execute("UPDATE event SET body = zeroblob(60) WHERE id = 3");
  use({second, first});
  CHECK(rows_with(1) == 1);
  CHECK(rows_with(2) == 4);
  CHECK(log.count("cannot be sealed with the new key") == 1);
  CHECK_THROWS_AS(reader()->find(3), BodyError);
  CHECK(reader()->find(4)->body == secret + "4");
  settings.body_keys = {second};
  CHECK(refusal().find(first.mark()) != std::string::npos);
}
