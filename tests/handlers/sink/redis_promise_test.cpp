// What Redis' settings, and what became of its streams, make of its answers.
#include "handlers/sink/redis_promise.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

using namespace wxpush::sink;

namespace {

using Settings = std::map<std::string, std::string>;
using Kind = RedisReply::Kind;

Settings good_settings() {
  return {{"appendonly", "yes"},
          {"appendfsync", "always"},
          {"no-appendfsync-on-rewrite", "no"},
          {"maxmemory", "0"},
          {"maxmemory-policy", "noeviction"}};
}

BrokerReport with(const std::string& name, const std::string& value) {
  auto settings = good_settings();
  settings[name] = value;
  return judge_redis(settings);
}

// The one warning that there is.
std::string warning_with(const std::string& name, const std::string& value) {
  const auto report = with(name, value);
  REQUIRE(report.warnings.size() == 1);
  return report.warnings.front();
}

RedisReply text(const std::string& value) {
  RedisReply reply;
  reply.kind = Kind::text;
  reply.text = value;
  return reply;
}
RedisReply number(std::int64_t value) {
  RedisReply reply;
  reply.kind = Kind::number;
  reply.number = value;
  return reply;
}
RedisReply list(std::vector<RedisReply> items) {
  RedisReply reply;
  reply.kind = Kind::array;
  reply.items = std::move(items);
  return reply;
}

RedisReply stream(std::int64_t added, std::int64_t length, const std::string& first,
                  const std::string& deleted = "0-0") {
  return list({text("length"), number(length), text("last-generated-id"), text("1000-0"),
               text("max-deleted-entry-id"), text(deleted), text("entries-added"), number(added),
               text("recorded-first-entry-id"), text(first)});
}

// `read_count` < 0: not known, as of a group that begins in the middle.
RedisReply group(const std::string& name, const std::string& read_up_to, std::int64_t read_count) {
  return list({text("name"), text(name), text("last-delivered-id"), text(read_up_to),
               text("entries-read"), read_count < 0 ? RedisReply{} : number(read_count)});
}

std::size_t warnings(const RedisReply& about, const RedisReply& one_group) {
  return judge_groups("wx", about, list({one_group})).size();
}

}  // namespace

TEST_CASE("a Redis that syncs before it answers, and throws nothing away, is good") {
  const auto report = judge_redis(good_settings());
  CHECK(report.warnings.empty());
  CHECK(report.good ==
        std::vector<std::string>{"appendfsync always: confirmed after the sync of its log",
                                 "maxmemory-policy noeviction"});
}

TEST_CASE("what is confirmed before it is synced is warned of") {
  CHECK(warning_with("appendonly", "no").starts_with("appendonly is off: what Redis confirms"));
  CHECK(warning_with("appendfsync", "everysec").find("the last 2 s is lost") != std::string::npos);
  CHECK(warning_with("appendfsync", "no").find("the last 30 s or more is") != std::string::npos);
  CHECK(warning_with("no-appendfsync-on-rewrite", "yes").find("not synced") != std::string::npos);
  CHECK(warning_with("appendfsync", "everysec").ends_with("set appendfsync always"));
}

TEST_CASE("a Redis that may throw a stream away is not used") {
  for (const char* const policy : {"allkeys-lru", "allkeys-lfu", "allkeys-random"}) {
    auto settings = good_settings();
    settings["maxmemory-policy"] = policy;
    settings["maxmemory"] = "1048576";
    CHECK_THROWS_AS(judge_redis(settings), LinkError);
    CHECK(warning_with("maxmemory-policy", policy).ends_with("(maxmemory is not set yet)"));
  }
}

TEST_CASE("one that may forget which events it has is warned of") {
  CHECK(warning_with("maxmemory-policy", "volatile-ttl").find("twice") != std::string::npos);
  CHECK(with("maxmemory", "1048576").warnings.empty());  // full: an error, and nothing is lost
}

TEST_CASE("a group that entries were trimmed away from before it read them is warned of") {
  const auto trimmed = stream(10, 4, "7-0");  // six are gone, of which the last was 6-0
  CHECK(warnings(trimmed, group("slow", "3-0", 3)) == 1);
  CHECK(warnings(trimmed, group("in time", "6-0", 6)) == 0);
  CHECK(warnings(trimmed, group("quick", "10-0", 10)) == 0);
  CHECK(warnings(stream(10, 10, "1-0"), group("new", "0-0", 0)) == 0);
  const auto emptied = stream(10, 0, "0-0");
  CHECK(warnings(emptied, group("slow", "3-0", 3)) == 1);
  CHECK(warnings(emptied, group("quick", "1000-0", 10)) == 0);
}

TEST_CASE("of a group that read nothing yet it is said what cannot be known") {
  const auto told = [](const RedisReply& about, const RedisReply& one_group) {
    const auto found = judge_groups("wx", about, list({one_group}));
    return found.size() == 1 && found[0] ==
                                    "entries were removed from stream wx, and group new "
                                    "has read nothing yet: unless it was made after that, "
                                    "it never gets them";
  };
  const auto trimmed = stream(10, 4, "7-0");
  CHECK(told(trimmed, group("new", "0-0", -1)));
  CHECK(told(trimmed, group("new", "3-0", -1)));  // made amid the stream
  CHECK(told(stream(10, 0, "0-0"), group("new", "0-0", -1)));
  CHECK(warnings(trimmed, group("new", "7-0", -1)) == 0);  // made at what is there
  CHECK(warnings(stream(10, 10, "1-0"), group("new", "0-0", -1)) == 0);
  CHECK(warnings(stream(10, 0, "0-0"), group("new", "1000-0", -1)) == 0);
}

TEST_CASE("of a group whose place is unknown since entries were deleted nothing is made up") {
  auto reading = group("reading", "6-0", -1);
  reading.items.push_back(text("consumers"));
  reading.items.push_back(number(1));
  CHECK(warnings(stream(10, 3, "7-0", "2-0"), reading) == 0);
}

TEST_CASE("what is lost on which failure goes by the settings") {
  const auto losses = [](const std::string& name, const std::string& value, unsigned replicas) {
    auto settings = good_settings();
    settings[name] = value;
    return redis_losses(settings, replicas);
  };
  CHECK(losses("maxmemory", "0", 0)[0] == "Redis or its machine stops: nothing");
  CHECK(losses("appendonly", "no", 0)[0] == "Redis or its machine stops: everything");
  CHECK(losses("appendfsync", "everysec", 0)[0].ends_with("what it confirmed in the last 2 s"));
  CHECK(losses("no-appendfsync-on-rewrite", "yes", 0)[0].ends_with("while it rewrote its log"));
  CHECK(losses("maxmemory", "0", 0)[1].starts_with("its disk dies: everything that no replica"));
  CHECK(losses("maxmemory", "0", 2)[2].starts_with("a replica takes over: nothing if there are 2"));
  CHECK(redis_losses({}, 0)[0].ends_with("which cannot be seen"));
}

TEST_CASE("a group that entries were deleted from before it read them is warned of") {
  const auto holed = stream(10, 9, "1-0", "5-2");
  CHECK(warnings(holed, group("slow", "5-1", -1)) == 1);
  CHECK(warnings(holed, group("past it", "5-2", -1)) == 0);
  CHECK(warnings(holed, group("far past it", "10-0", -1)) == 0);
}

TEST_CASE("each group is judged by itself, and named with its stream") {
  const auto found = judge_groups(
      "wx.3", stream(10, 4, "7-0"),
      list({group("slow", "3-0", 3), group("quick", "10-0", 10), group("slower", "1-0", 1)}));
  REQUIRE(found.size() == 2);
  CHECK(found[0].starts_with("entries were removed from stream wx.3 that group slow never read"));
  CHECK(found[1].find("group slower") != std::string::npos);
}

TEST_CASE("a Redis that does not tell (no stream yet, Redis 6) is not judged") {
  RedisReply error;
  error.kind = Kind::error;
  error.text = "ERR no such key";
  CHECK(judge_groups("wx", error, error).empty());
  const auto redis_6 = list({text("length"), number(4), text("last-generated-id"), text("9-0")});
  CHECK(warnings(redis_6, group("slow", "3-0", -1)) == 0);
  CHECK(judge_groups("wx", stream(10, 4, "7-0"), list({list({}), text("?"), number(1)})).empty());
}
