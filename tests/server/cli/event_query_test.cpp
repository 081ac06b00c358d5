#include "server/cli/event_query.h"

#include "server/cli/command.h"
#include "tests/server/cli/support.h"

#include <doctest/doctest.h>

using namespace wxpush;
using namespace wxpush::cli;
using namespace wxpush::cli::test;
using queue::DeliveryState;

namespace {

constexpr WallTime now{std::chrono::seconds(1'700'000'000)};

std::vector<queue::RowId> ids(queue::Reader& reader, const QueryOptions& options) {
  std::vector<queue::RowId> found;
  for_each(
      reader, make_query(options, now),
      [&](const EventView& view) { found.push_back(view.event.id); }, [] {});
  return found;
}

using Ids = std::vector<queue::RowId>;

}  // namespace

TEST_CASE("options become the store's own filter where it has one") {
  QueryOptions options;
  options.app = "shop";
  options.type = "update_*";
  options.since = "2h";
  options.until = "2023-11-14T22:13:20Z";
  const EventQuery query = make_query(options, now);
  CHECK(query.filter.app == "shop");
  CHECK(query.filter.type == "update_*");
  CHECK(query.filter.since == now - std::chrono::hours(2));
  CHECK(query.filter.before == now);
  options.since = "soon";
  CHECK_THROWS_AS(make_query(options, now), CommandError);
}

TEST_CASE("every page is gone through, and its end is told") {
  FakeReader reader;
  for (int i = 0; i < 5; ++i) reader.add(std::to_string(i));
  int pages = 0;
  std::size_t seen = 0;
  const auto after = for_each(
      reader, {}, [&](const EventView&) { ++seen; }, [&] { ++pages; });
  CHECK(seen == 5);
  CHECK(pages == 3);
  CHECK(after == 5);
}

TEST_CASE("an order is found by its printed key, or by its last part alone") {
  FakeReader reader;
  reader.add("1", "wx0123456789abcdef/s/A17");
  reader.add("2", "wx0123456789abcdef/s/A%2F18");
  reader.add("3", "wx0123456789abcdef/A17/B");
  const auto unordered = reader.add("4");
  QueryOptions options;
  options.order = "A17";
  CHECK(ids(reader, options) == Ids{1});
  options.order = "wx0123456789abcdef/A17/B";
  CHECK(ids(reader, options) == Ids{3});
  options.order = "A%2F18";
  CHECK(ids(reader, options) == Ids{2});
  options.order = event::to_string(unordered.event_id);
  CHECK(ids(reader, options) == Ids{4});
}

TEST_CASE("state is that of the event; with a handler, that handler's") {
  FakeReader reader;
  for (int i = 0; i < 4; ++i) reader.add(std::to_string(i));
  reader.asked = {
      {1, {delivery("a", DeliveryState::delivered), delivery("b", DeliveryState::pending)}},
      {2, {delivery("a", DeliveryState::dead), delivery("b", DeliveryState::delivered)}},
      {3, {delivery("a", DeliveryState::delivered)}}};
  QueryOptions options;
  options.state = "pending";
  CHECK(ids(reader, options) == Ids{1});
  options.state = "unrouted";
  CHECK(ids(reader, options) == Ids{4});
  options.state = "delivered";
  CHECK(ids(reader, options) == Ids{3});
  options.handler = "b";
  CHECK(ids(reader, options) == Ids{2});
  options.state.clear();
  CHECK(ids(reader, options) == Ids{1, 2});
}

TEST_CASE("the newest of all, in the order they came, however many ids lie between them") {
  FakeReader reader;
  reader.page = 500;
  for (int i = 0; i < 4; ++i) reader.add(std::to_string(i));
  reader.stored[2].id = 3000;  // retention or a restart may leave gaps
  reader.stored[3].id = 9000;
  CHECK(newest(reader, {}, 2) == Ids{3000, 9000});
  CHECK(newest(reader, {}, 3) == Ids{2, 3000, 9000});
  CHECK(newest(reader, {}, 100) == Ids{1, 2, 3000, 9000});
  CHECK(newest(reader, {}, 0).empty());
  FakeReader empty;
  CHECK(newest(empty, {}, 5).empty());
}

TEST_CASE("an event is found by id, by event_id, and by a part of it that only it has") {
  FakeReader reader;
  for (int i = 0; i < 3; ++i) reader.add(std::to_string(i));
  const std::string hex = event::to_string(reader.stored[1].event_id);
  CHECK(find_event(reader, "2").id == 2);
  CHECK(find_event(reader, hex).id == 2);
  CHECK(find_event(reader, hex.substr(0, 8)).id == 2);
  std::string upper = hex.substr(0, 10);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  CHECK(find_event(reader, upper).id == 2);
}

TEST_CASE("digits are an id first; where there is none of that number, the start of an event_id") {
  FakeReader reader;
  reader.add("x").event_id.bytes = {0x12, 0x34, 0x56, 0x78};
  CHECK(find_event(reader, "12345678").id == 1);
  reader.add("y").id = 12345678;
  CHECK(find_event(reader, "12345678").id == 12345678);
}

TEST_CASE("what is ambiguous, unknown or no id is told apart by the exit code") {
  FakeReader reader;
  reader.add("x").event_id.bytes = {0xab, 0xcd, 0xef, 0x01, 1};
  reader.add("y").event_id.bytes = {0xab, 0xcd, 0xef, 0x01, 2};
  const auto code_of = [&](const std::string& text) -> int {
    try {
      find_event(reader, text);
    } catch (const CommandError& error) {
      return error.code();
    }
    return exit_ok;
  };
  CHECK(code_of("abcdef01") == exit_no);
  CHECK(code_of("99") == exit_no);
  CHECK(code_of("0123456789abcdef") == exit_no);
  CHECK(code_of("abcdef0") == exit_usage);  // seven digits
  CHECK(code_of("latest") == exit_usage);
  CHECK(code_of("") == exit_usage);
  CHECK(code_of(std::string(65, 'a')) == exit_usage);
  CHECK(code_of("99999999999999999999999999") == exit_no);
}
