// Pushes that could not be opened: two rings, bounded, and their way out.

#include "tests/handlers/queue/store_fixture.h"

#include <doctest/doctest.h>

namespace wxpush::queue {
namespace {

using std::chrono::milliseconds;

QuarantinedPush unopened(const std::string& encrypt,
                         QuarantineRing ring = QuarantineRing::unopened) {
  QuarantinedPush push;
  push.ring = ring;
  push.app = "shop";
  push.received_at = wall_time(1'800'000'000'123);
  push.timestamp = "1800000000";
  push.nonce = "4711";
  push.msg_signature = "0123456789012345678901234567890123456789";
  push.encrypt = encrypt;
  return push;
}

std::vector<std::string> kept(const StoreFixture& store) {
  std::vector<std::string> found;
  for (const QuarantinedPush& push : store.reader()->quarantined(0)) found.push_back(push.encrypt);
  return found;
}
using Kept = std::vector<std::string>;

}  // namespace

TEST_CASE("a quarantined push is kept as it came") {
  StoreFixture store;
  store.open();
  store.queue->quarantine(unopened("YWJj", QuarantineRing::unsigned_push));
  store.pass(milliseconds{100});
  const std::vector<QuarantinedPush> found = store.reader()->quarantined(0);
  REQUIRE(found.size() == 1);
  const QuarantinedPush sent = unopened("YWJj");
  CHECK(found[0].id == 1);
  CHECK(found[0].ring == QuarantineRing::unsigned_push);
  CHECK(found[0].app == sent.app);
  CHECK(found[0].received_at == sent.received_at);
  CHECK(found[0].timestamp == sent.timestamp);
  CHECK(found[0].nonce == sent.nonce);
  CHECK(found[0].msg_signature == sent.msg_signature);
  CHECK(found[0].encrypt == "YWJj");
  CHECK(store.reader()->quarantined(1).empty());
  CHECK(store.queue->status().quarantined == 1);
}

TEST_CASE("in each ring the oldest make room, by number and by bytes") {
  StoreFixture store;
  store.settings.quarantine_entries = 2;
  store.settings.quarantine_bytes = 10'000;
  store.open();
  for (const char* text : {"a", "b", "c"}) store.queue->quarantine(unopened(text));
  store.queue->quarantine(unopened("other ring", QuarantineRing::unsigned_push));
  store.pass(milliseconds{100});
  CHECK(kept(store) == Kept{"b", "c", "other ring"});
  const std::string large(9'800, 'x');
  store.queue->quarantine(unopened(large));
  store.queue->quarantine(unopened(std::string(20'000, 'y')));  // larger than the ring
  store.pass(milliseconds{100});
  CHECK(kept(store) == Kept{"other ring", large});
  store.reopen();  // the bounds hold for what was there before, too
  store.queue->quarantine(unopened("d"));
  store.queue->quarantine(unopened("e", QuarantineRing::unsigned_push));
  store.pass(milliseconds{100});
  CHECK(kept(store) == Kept{"other ring", "d", "e"});
}

TEST_CASE("all that a stranger may choose counts against the ring's bytes, also after a restart") {
  StoreFixture store;
  store.settings.quarantine_bytes = 10'000;
  store.open();
  const auto wordy = [](const char* text) {
    QuarantinedPush push = unopened(text);
    push.nonce = std::string(3'000, 'n');
    push.timestamp = std::string(1'000, 't');
    return push;
  };
  for (const char* text : {"a", "b", "c"}) store.queue->quarantine(wordy(text));
  store.pass(milliseconds{100});
  CHECK(kept(store) == Kept{"b", "c"});
  store.reopen();
  store.queue->quarantine(wordy("d"));
  store.pass(milliseconds{100});
  CHECK(kept(store) == Kept{"c", "d"});
}

TEST_CASE("a push that could be opened leaves the quarantine in the commit that stores it") {
  StoreFixture store;
  store.open();
  store.queue->quarantine(unopened("first"));
  store.queue->quarantine(unopened("second"));
  store.pass(milliseconds{100});
  NewEvent event = numbered(1);
  event.from_quarantine = 1;
  CHECK(!store.append(event).error);
  CHECK(kept(store) == Kept{"second"});
  // Opened, and known already: it leaves as well.
  event.from_quarantine = 2;
  CHECK(store.append(event).duplicate);
  store.pass(milliseconds{100});
  CHECK(kept(store).empty());
}

TEST_CASE("entries are removed by id, and ids are not used again") {
  StoreFixture store;
  store.open();
  store.queue->quarantine(unopened("a"));
  store.queue->quarantine(unopened("b"));
  store.pass(milliseconds{100});
  store.queue->remove_quarantined({1, 2, 77});
  store.pass(milliseconds{100});
  CHECK(kept(store).empty());
  store.reopen();
  store.queue->quarantine(unopened("c"));
  store.pass(milliseconds{100});
  CHECK(store.reader()->quarantined(0).at(0).id == 3);
}

TEST_CASE("what cannot be kept is dropped, and the log says so") {
  StoreFixture store;
  store.open();
  store.disk.on_write(fail_from(1, ENOSPC));
  store.queue->quarantine(unopened("a"));
  store.pass(milliseconds{100});
  store.pass(milliseconds{1000});
  CHECK(store.log.count("dropped instead of being quarantined") == 1);
  CHECK(kept(store).empty());
  store.disk.on_write({});
  store.pass(milliseconds{1000});
  store.queue->quarantine(unopened("b"));
  store.pass(milliseconds{100});
  CHECK(kept(store) == Kept{"b"});
}

TEST_CASE("too many at once are dropped, too") {
  StoreFixture store;
  store.open();
  store.disk.hold_syncs();
  std::future<Appended> held = store.append_later(numbered(1));
  store.disk.wait_until_held();
  for (int i = 0; i < 1030; ++i) store.queue->quarantine(unopened(std::to_string(i)));
  store.disk.release_syncs();
  held.get();
  store.pass(milliseconds{100});
  CHECK(store.queue->status().quarantined == 1024);
  CHECK(store.log.count("dropped instead of being quarantined") == 1);
}

TEST_CASE(
    "small facts are remembered, the newest value of each, and found by the beginning of their "
    "name") {
  StoreFixture store;
  store.open();
  store.queue->remember("key.shop.a", "1");
  store.queue->remember("key.shop.b", "2");
  store.queue->remember("other", "3");
  store.queue->remember("key.shop.a", "4");
  store.queue->remember(std::string(257, 'n'), "too long");
  store.queue->remember("too long", std::string(257, 'v'));
  store.pass(std::chrono::seconds{1});
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(store.reader()->remembered("key.") == Pairs{{"key.shop.a", "4"}, {"key.shop.b", "2"}});
  CHECK(store.reader()->remembered("").size() == 3);
  store.queue->remember("key.shop.a", "5");
  store.reopen();  // stopping writes what waits
  CHECK(store.reader()->remembered("key.shop.a") == Pairs{{"key.shop.a", "5"}});
}

TEST_CASE("at most 1,024 facts are kept; those that are known can still change") {
  StoreFixture store;
  store.open();
  for (int i = 0; i < 1024; ++i) store.queue->remember("name" + std::to_string(i), "1");
  store.pass(std::chrono::seconds{1});
  store.queue->remember("one more", "1");
  store.queue->remember("name7", "2");
  store.pass(std::chrono::seconds{1});
  CHECK(store.reader()->remembered("").size() == 1024);
  CHECK(store.reader()->remembered("one more").empty());
  CHECK(store.reader()->remembered("name7").at(0).second == "2");
}

}  // namespace wxpush::queue
