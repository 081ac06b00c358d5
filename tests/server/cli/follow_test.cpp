#include "server/cli/follow.h"

#include "tests/server/cli/support.h"

#include <doctest/doctest.h>

#include <sstream>

using namespace wxpush;
using namespace wxpush::cli;
using namespace wxpush::cli::test;

namespace {

queue::Repeat repeat_of(const queue::StoredEvent& event, std::uint64_t sequence,
                        std::uint32_t seen) {
  queue::Repeat repeat;
  repeat.sequence = sequence;
  repeat.id = event.id;
  repeat.event_id = event.event_id;
  repeat.seen = seen;
  return repeat;
}

// Follows while `step` (called each time there is nothing new) answers true; what was printed.
std::string followed(FakeReader& reader, const EventQuery& query, std::size_t first, Format format,
                     const std::function<bool()>& step) {
  std::ostringstream out;
  EventPrinter printer(out, format, false);
  follow(reader, query, first, printer, step);
  return out.str();
}

}  // namespace

TEST_CASE("begins with the newest, goes on with what comes, and prints nothing twice") {
  FakeReader reader;
  for (int i = 1; i <= 4; ++i) reader.add("{\"n\":" + std::to_string(i) + "}");
  int round = 0;
  const std::string printed = followed(reader, {}, 2, Format::json, [&] {
    if (round == 0) reader.add("{\"n\":5}");
    return ++round < 3;
  });
  std::vector<std::string> lines;
  std::istringstream in(printed);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].starts_with("{\"id\":3,"));
  CHECK(lines[1].starts_with("{\"id\":4,"));
  CHECK(lines[2].starts_with("{\"id\":5,"));
}

TEST_CASE("a known push is told when it comes again, not what came again before") {
  FakeReader reader;
  const auto event = reader.add("{}");
  reader.repeated = {repeat_of(event, 1, 2)};
  int round = 0;
  const std::string printed = followed(reader, {}, 0, Format::table, [&] {
    if (round == 0) reader.repeated.push_back(repeat_of(event, 2, 3));
    return ++round < 3;
  });
  const std::string told =
      "known [" + event::to_string(event.event_id) + "], seen 3 times, not delivered again\n";
  CHECK(printed.ends_with(told));
  CHECK_FALSE(holds(printed, "seen 2 times"));
  CHECK(printed.find(told) == printed.rfind(told));
}

TEST_CASE("known pushes of events that are not asked for are not told") {
  FakeReader reader;
  const auto event = reader.add("{}", "wx0123456789abcdef/s/A17");
  EventQuery query;
  query.bare_order = "B18";
  int round = 0;
  const std::string printed = followed(reader, query, 10, Format::json, [&] {
    reader.repeated = {repeat_of(event, 1, 2)};
    return ++round < 2;
  });
  CHECK(printed.empty());
}

TEST_CASE("as JSON a known push is an object of its own kind") {
  std::ostringstream out;
  EventPrinter printer(out, Format::json, false);
  FakeReader reader;
  printer.known(repeat_of(reader.add("{}"), 1, 3));
  CHECK(out.str().starts_with("{\"known\":\""));
  CHECK(holds(out.str(), "\"id\":1,\"seen\":3,\"at\":\""));
}
