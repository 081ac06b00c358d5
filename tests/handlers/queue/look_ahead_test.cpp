// What a program that waits for a store may know of it beside the process that has it.
#include "handlers/queue/look_ahead.h"

#include "crypto/primitives/random.h"
#include "handlers/queue/schema.h"
#include "handlers/queue/store_files.h"
#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

#include <cstdint>

namespace wxpush::queue {
namespace {

const auto newest = static_cast<std::int64_t>(schema_steps().size());

void set_version(const StoreFixture& store, std::int64_t version) {
  Connection(StoreFiles(store.settings.directory).database.string(), {})
      .execute("PRAGMA user_version = " + std::to_string(version));
}

std::string refused(const StoreFixture& store, const std::vector<BodyKey>& keys = {}) {
  try {
    look_ahead(store.settings.directory, keys);
  } catch (const StoreOpenError& error) {
    CHECK(error.exit_code() == 78);
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a store that another process has can be looked at") {
  StoreFixture store;
  store.open();
  CHECK(look_ahead(store.settings.directory, {}));
}

TEST_CASE("one that is not there, or of an older schema, cannot be, and nothing is refused") {
  StoreFixture store;
  CHECK(!look_ahead(store.settings.directory, {}));
  store.open();
  store.close();
  set_version(store, newest - 1);
  CHECK(!look_ahead(store.settings.directory, {}));
}

TEST_CASE("what opening would refuse is refused beside the process that has it: a newer schema") {
  StoreFixture store;
  store.open();
  store.close();
  set_version(store, newest + 1);
  CHECK(refused(store).find("use a newer program") != std::string::npos);
}

TEST_CASE("a schema version that cannot be is refused, too, by whoever opens it") {
  StoreFixture store;
  store.open();
  store.close();
  set_version(store, -17);
  CHECK(refused(store).find("schema version, -17, is none") != std::string::npos);
  CHECK_THROWS_AS(store.open(), StoreOpenError);
}

TEST_CASE("and bodies sealed with a key that the settings do not name") {
  const BodyKey key(std::string(32, 'k'));
  crypto::SystemRandom random;
  StoreFixture store;
  store.settings.random = &random;
  store.settings.body_keys = {key};
  store.open();
  store.append_range(1, 2);
  CHECK(refused(store, {BodyKey(std::string(32, 'o'))}).find(key.mark()) != std::string::npos);
  CHECK(refused(store, {BodyKey(std::string(32, 'o')), key}).empty());
}

}  // namespace wxpush::queue
