#include "handlers/sink/redis_promise.h"

#include <charconv>
#include <memory>
#include <string_view>
#include <utility>

namespace wxpush::sink {
namespace {

using Kind = RedisReply::Kind;
using EntryId = std::pair<std::uint64_t, std::uint64_t>;

constexpr const char* setting_names[] = {"appendonly", "appendfsync", "no-appendfsync-on-rewrite",
                                         "maxmemory", "maxmemory-policy"};

std::string value_of(const std::map<std::string, std::string>& settings, const std::string& name) {
  const auto found = settings.find(name);
  return found == settings.end() ? "" : found->second;
}

// "1700000000000-5": milliseconds, then a number.
EntryId parse_entry(std::string_view text) {
  EntryId id{};
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
std::optional<std::int64_t> number(const RedisReply& list, std::string_view name) {
  const auto* const found = member(list, name);
  return found != nullptr && found->kind == Kind::number ? std::optional(found->number)
                                                         : std::nullopt;
}
EntryId entry(const RedisReply& list, std::string_view name) {
  const auto* const found = member(list, name);
  return found == nullptr ? EntryId{} : parse_entry(found->text);
}

// What became of a stream so far.
struct StreamPast {
  EntryId last_deleted;        // by XDEL
  EntryId first;               // that is still there
  std::int64_t removed_count;  // however
};

std::optional<StreamPast> past_of(const RedisReply& about) {
  const auto added = number(about, "entries-added");  // nothing: Redis 6
  const auto length = number(about, "length");
  if (!added || !length) return std::nullopt;
  StreamPast past{};
  past.removed_count = *added - *length;
  past.last_deleted = entry(about, "max-deleted-entry-id");
  past.first =
      *length > 0 ? entry(about, "recorded-first-entry-id") : entry(about, "last-generated-id");
  return past;
}

// Whether it can be shown to have missed entries. Only what lies behind the group's place counts:
// it may have been made long after others were done with what is gone.
bool has_missed(const StreamPast& past, const RedisReply& group) {
  const auto read_up_to = entry(group, "last-delivered-id");
  if (read_up_to < past.last_deleted) return true;
  const auto read_count = number(group, "entries-read");  // not known of some groups
  return read_up_to < past.first && read_count && *read_count < past.removed_count;
}

// A group that never read: Redis does not know how many entries lie before its place, and trimming
// leaves no other mark. Neither is it known of one amid a stream with holes, which is not meant.
bool may_have_missed(const StreamPast& past, const RedisReply& group) {
  if (past.removed_count == 0 || number(group, "entries-read")) return false;
  const bool may_have_read =
      number(group, "consumers").value_or(0) > 0 && past.last_deleted != EntryId{};
  return !may_have_read && entry(group, "last-delivered-id") < past.first;
}

void judge_durability(const std::map<std::string, std::string>& settings, BrokerReport& report) {
  const auto sync = value_of(settings, "appendfsync");
  if (value_of(settings, "appendonly") != "yes") {
    report.warnings.emplace_back(
        "appendonly is off: what Redis confirms lies in its memory alone, and is lost when it or "
        "its machine stops; set appendonly yes and appendfsync always");
  } else if (sync != "always") {
    report.warnings.push_back("appendfsync is " + sync + ": what Redis confirmed in the last " +
                              (sync == "everysec" ? "2 s" : "30 s or more") +
                              " is lost when its machine stops; set appendfsync always");
  } else if (value_of(settings, "no-appendfsync-on-rewrite") == "yes") {
    report.warnings.emplace_back(
        "no-appendfsync-on-rewrite is yes: while Redis rewrites its log, what it confirms is not "
        "synced, and is lost when its machine stops; set it to no");
  } else {
    report.good.emplace_back("appendfsync always: confirmed after the sync of its log");
  }
}

void judge_memory(const std::map<std::string, std::string>& settings, BrokerReport& report) {
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
    report.good.emplace_back("maxmemory-policy noeviction");
  }
}

// What is known so far.
struct Answers {
  std::map<std::string, std::string> settings;
  std::string refused_settings, refused_streams;  // why they cannot be seen
  bool is_past_untold = false;                    // Redis 6
  RedisReply about;                               // the stream asked for last
  std::vector<std::string> warnings;
};

BrokerReport sum_up(const Answers& answers, const RedisSettings& settings) {
  BrokerReport report;
  report.good.push_back("connected to " + to_string(settings.access.hosts.front()));
  if (answers.settings.size() == std::size(setting_names)) {
    judge_durability(answers.settings, report);
    judge_memory(answers.settings, report);
  } else {
    const auto& why = answers.refused_settings;
    report.warnings.push_back(
        "Redis' settings cannot be seen (" + (why.empty() ? "no CONFIG GET" : why) +
        "): it must have appendonly yes, appendfsync always and maxmemory-policy noeviction");
  }
  if (!answers.refused_streams.empty())
    report.warnings.push_back("whether streams are trimmed before they are read cannot be seen (" +
                              answers.refused_streams + ")");
  if (answers.is_past_untold)
    report.warnings.emplace_back(
        "whether streams are trimmed before they are read cannot be seen: Redis tells it from 7 "
        "on");
  report.warnings.insert(report.warnings.end(), answers.warnings.begin(), answers.warnings.end());
  report.losses = redis_losses(answers.settings, settings.replicas);
  return report;
}

void ask_for_stream(RedisConnection& connection, const std::string& stream,
                    const std::shared_ptr<Answers>& answers) {
  connection.ask({"XINFO", "STREAM", stream}, [answers, stream](const RedisReply& reply) {
    if (reply.text.starts_with("WRONGTYPE"))
      throw LinkError(stream + " is no stream, but something else that Redis holds");
    if (reply.text.starts_with("NOPERM")) answers->refused_streams = reply.text;
    if (number(reply, "length") && !past_of(reply)) answers->is_past_untold = true;
    answers->about = reply;
  });
  connection.ask({"XINFO", "GROUPS", stream}, [answers, stream](const RedisReply& reply) {
    if (reply.text.starts_with("NOPERM")) answers->refused_streams = reply.text;
    for (auto& warning : judge_groups(stream, answers->about, reply))
      answers->warnings.push_back(std::move(warning));
  });
}

}  // namespace

BrokerReport judge_redis(const std::map<std::string, std::string>& settings) {
  BrokerReport report;
  judge_durability(settings, report);
  judge_memory(settings, report);
  return report;
}

std::vector<std::string> redis_losses(const std::map<std::string, std::string>& settings,
                                      std::uint32_t replicas) {
  const auto sync = value_of(settings, "appendfsync");
  std::string unsynced = sync == "everysec" ? "what it confirmed in the last 2 s"
                                            : "what it confirmed in the last 30 s or more";
  if (settings.size() < std::size(setting_names)) {
    unsynced = "what its settings allow, which cannot be seen";
  } else if (value_of(settings, "appendonly") != "yes") {
    unsynced = "everything";
  } else if (sync == "always") {
    const bool is_always = value_of(settings, "no-appendfsync-on-rewrite") != "yes";
    unsynced = is_always ? "nothing" : "what it confirmed while it rewrote its log";
  }
  const auto copies = std::to_string(replicas);
  if (replicas == 0)
    return {"Redis or its machine stops: " + unsynced,
            "its disk dies: everything that no replica has; none is waited for (replicas = 0)",
            "a replica takes over: what it did not have yet"};
  return {"Redis or its machine stops, and comes back: " + unsynced,
          "its disk dies: nothing that the replica has which takes over",
          "a replica takes over: nothing if there are " + copies +
              ", which all had to have it; of more, what that one did not have yet"};
}

std::vector<std::string> judge_groups(const std::string& stream, const RedisReply& about,
                                      const RedisReply& groups) {
  std::vector<std::string> warnings;
  const auto past = past_of(about);
  if (!past) return warnings;
  for (const auto& group : groups.items) {
    const auto* const name = member(group, "name");
    if (name == nullptr) continue;
    if (has_missed(*past, group)) {
      warnings.push_back("entries were removed from stream " + stream + " that group " +
                         name->text + " never read: it is trimmed too early");
    } else if (may_have_missed(*past, group)) {
      warnings.push_back(
          "entries were removed from stream " + stream + ", and group " + name->text +
          " has read nothing yet: unless it was made after that, it never gets them");
    }
  }
  return warnings;
}

void ask_for_promise(RedisConnection& connection, const RedisSettings& settings,
                     std::function<void(BrokerReport)> tell) {
  const auto answers = std::make_shared<Answers>();
  for (const char* const name : setting_names) {
    connection.ask({"CONFIG", "GET", name}, [answers, name](const RedisReply& reply) {
      if (reply.kind == Kind::error) answers->refused_settings = reply.text;
      if (reply.items.size() >= 2) answers->settings[name] = reply.items[1].text;
    });
  }
  for (std::uint32_t i = 0; i < settings.partitions; ++i)
    ask_for_stream(connection, stream_name(settings, i), answers);
  connection.ask({"PING"}, [answers, &settings, tell = std::move(tell)](const RedisReply&) {
    tell(sum_up(*answers, settings));
  });
}

}  // namespace wxpush::sink
