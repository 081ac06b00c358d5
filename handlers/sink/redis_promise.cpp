#include "handlers/sink/redis_promise.h"

#include <charconv>
#include <string_view>
#include <utility>

namespace wxpush::sink {
namespace {

using Kind = RedisReply::Kind;

std::string value_of(const std::map<std::string, std::string>& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

// "1700000000000-5": milliseconds, then a number.
std::pair<std::uint64_t, std::uint64_t> parse_entry(std::string_view text) {
  std::pair<std::uint64_t, std::uint64_t> id{};
  const auto* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, id.first);
  if (first.ptr != end && *first.ptr == '-') std::from_chars(first.ptr + 1, end, id.second);
  return id;
}

// A list of names and values, as XINFO answers.
const RedisReply* member(const RedisReply& list, std::string_view name) {
  for (std::size_t i = 0; i + 1 < list.items.size(); i += 2) {
    if (list.items[i].text == name) return &list.items[i + 1];
  }
  return nullptr;
}

void look_at_stream(RedisConnection& connection, const std::string& stream, BrokerReport& report) {
  const auto about = connection.call({"XINFO", "STREAM", stream});
  const auto* const removed = member(about, "max-deleted-entry-id");
  if (removed == nullptr || parse_entry(removed->text) == parse_entry("0-0")) return;
  const auto groups = connection.call({"XINFO", "GROUPS", stream});
  for (const auto& group : groups.items) {
    const auto* const name = member(group, "name");
    const auto* const read = member(group, "last-delivered-id");
    if (name == nullptr || read == nullptr) continue;
    if (parse_entry(read->text) < parse_entry(removed->text))
      report.warnings.push_back("entries were removed from stream " + stream + " that group " +
                                name->text + " has not read: it is trimmed too early");
  }
}

}  // namespace

BrokerReport judge_redis(const std::map<std::string, std::string>& settings) {
  BrokerReport report;
  const auto sync = value_of(settings, "appendfsync");
  if (value_of(settings, "appendonly") != "yes") {
    report.warnings.push_back(
        "appendonly is off: what Redis confirms lies in its memory alone, and is lost when it or "
        "its machine stops; set appendonly yes and appendfsync always");
  } else if (sync == "always") {
    report.good.push_back("appendfsync always: confirmed after the sync of its log");
  } else {
    report.warnings.push_back("appendfsync is " + sync + ": what Redis confirmed in the last " +
                              (sync == "everysec" ? "2 s" : "30 s or more") +
                              " is lost when its machine stops; set appendfsync always");
  }
  const auto policy = value_of(settings, "maxmemory-policy");
  const bool is_bounded = value_of(settings, "maxmemory") != "0";
  if (policy.starts_with("allkeys-")) {
    const auto what = "maxmemory-policy is " + policy +
                      ": Redis throws whole streams away when memory is short; set noeviction";
    if (is_bounded) throw LinkError(what);
    report.warnings.push_back(what + " (maxmemory is not set yet)");
  } else if (policy.starts_with("volatile-")) {
    report.warnings.push_back("maxmemory-policy is " + policy +
                              ": Redis may forget which events it has, and take one twice; set "
                              "noeviction");
  } else {
    report.good.push_back("maxmemory-policy noeviction");
  }
  return report;
}

BrokerReport look_at_promise(RedisConnection& connection, const RedisSettings& settings) {
  std::map<std::string, std::string> found;
  BrokerReport report;
  std::string refused;
  for (const char* const name : {"appendonly", "appendfsync", "maxmemory", "maxmemory-policy"}) {
    const auto reply = connection.call({"CONFIG", "GET", name});
    if (reply.kind == Kind::error) refused = reply.text;
    if (reply.items.size() >= 2) found[name] = reply.items[1].text;
  }
  if (found.size() == 4) {
    report = judge_redis(found);
  } else {
    report.warnings.push_back(
        "Redis' settings cannot be seen (" + (refused.empty() ? "no CONFIG GET" : refused) +
        "): it must have appendonly yes, appendfsync always and maxmemory-policy noeviction");
  }
  report.good.insert(report.good.begin(),
                     "connected to " + to_string(settings.access.hosts.front()));
  for (std::uint32_t i = 0; i < settings.partitions; ++i) {
    look_at_stream(
        connection,
        settings.partitions > 1 ? settings.stream + '.' + std::to_string(i) : settings.stream,
        report);
  }
  return report;
}

}  // namespace wxpush::sink
