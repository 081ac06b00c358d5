// [[handler]].
#include "config/sections.h"
#include "config/values.h"

#include <algorithm>

namespace wxpush::config {
namespace {

std::vector<std::string> names_of(const std::vector<App>& apps) {
  std::vector<std::string> names;
  for (const App& app : apps) {
    if (!app.name.empty()) names.push_back(app.name);
  }
  return names;
}

// `"log", "http" or "kafka"`: the types of this build.
std::string types_built_in() {
  std::string all, last;
  for (const auto& [name, type] : handler_type_names) {
    if (!is_built_in(type)) continue;
    all += last.empty() ? "" : (all.empty() ? "" : ", ") + last;
    last = quote(name);
  }
  return all + " or " + last;
}

// False if the type is none that this build can run: then the rest of the entry is not judged.
bool read_type(Section& section, HandlerType& into) {
  const auto given = section.text("type", types_built_in());
  if (!section.find("type")) section.missing("type", "it must be " + types_built_in());
  if (!given) return false;
  for (const auto& [name, type] : handler_type_names) {
    if (name != given->value) continue;
    into = type;
    if (is_built_in(type)) return true;
    section.problem("type", quote(name) + " is not built into this version; build it with its " +
                                "library (docs/queues.md), or use " + types_built_in());
    return false;
  }
  section.problem("type",
                  quote_short(given->value) + " is unknown; it must be " + types_built_in());
  return false;
}

void read_handler_apps(Section& section, const std::vector<std::string>& known,
                       std::vector<std::string>& into) {
  const auto list = section.list("apps", "an array of names of [[app]] entries", 1000);
  if (!list) return;
  if (list->items.empty()) section.problem("apps", "lists nothing; leave it out for all apps");
  for (const auto& item : list->items) {
    const bool is_known = std::find(known.begin(), known.end(), item.value) != known.end();
    if (!is_known && section.loading().complete) {
      const std::string near = nearest(item.value, known);
      section.loading().problem(
          item.origin,
          "there is no [[app]] named " + quote_short(item.value) +
              (near.empty() ? "; give the name of one" : "; did you mean " + quote(near) + "?"));
    }
    into.push_back(item.value);
  }
}

void read_renamed_from(Section& section, const std::vector<Entry>& entries, std::string& into) {
  const auto given = section.text("renamed_from", "the handler's former name");
  if (!given) return;
  const auto is_it = [&](const Entry& entry) { return entry.name == given->value; };
  if (!is_name(given->value)) {
    section.problem("renamed_from", quote_short(given->value) + " is no name of a handler");
  } else if (std::any_of(entries.begin(), entries.end(), is_it)) {
    section.problem("renamed_from", "a [[handler]] named " + quote(given->value) +
                                        " still stands; give the name of one that is gone");
  } else {
    into = given->value;
  }
}

void read_delivery(Section& section, Handler& handler) {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  using std::chrono::minutes;
  if (handler.type == HandlerType::http) handler.concurrency = 16;
  if (is_broker(handler.type)) handler.concurrency = 64;
  section.number("concurrency", handler.concurrency, {1, 256});
  section.duration("retry_min", handler.retry_min, {milliseconds{1}, minutes{10}});
  section.duration("retry_max", handler.retry_max, {milliseconds{1}, hours{1}});
  if (handler.retry_min > handler.retry_max)
    section.problem("retry_min",
                    "is above retry_max, " + quote(format_duration(handler.retry_max)));
  section.number("max_attempts", handler.max_attempts, {1, 1000});
  section.duration("give_up_after", handler.give_up_after, {minutes{1}, hours{24 * 30}});
  section.choice("on_dead", handler.on_dead, on_dead_names);
  section.choice("dedupe", handler.dedupe, dedupe_names);
  section.duration("max_backlog_age", handler.max_backlog_age,
                   {milliseconds{0}, hours{24 * 3650}, "0s is no bound"});
}

void read_target(Section& section, Handler& handler) {
  switch (handler.type) {
    case HandlerType::log:
      break;
    case HandlerType::http:
      return read_http(section, handler.http);
    case HandlerType::amqp:
      return read_amqp(section, handler.amqp);
    case HandlerType::redis:
      return read_redis(section, handler.redis);
    case HandlerType::kafka:
      return read_kafka(section, handler.kafka);
  }
}

// Two entries cannot take over one place in the queue.
void check_renames(const std::vector<Entry>& entries, const std::vector<Handler>& handlers) {
  for (std::size_t i = 0; i < handlers.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (handlers[i].renamed_from.empty() || handlers[i].renamed_from != handlers[j].renamed_from)
        continue;
      Section section = entries[i].section;
      section.problem("renamed_from", "handler " + quote(handlers[j].name) +
                                          " is renamed from the same; " +
                                          "only one can take its place");
    }
  }
}

// What is wrong with waiting for this handler; empty if it is good.
std::string check_ack_handler(const App& app, const std::vector<Handler>& handlers) {
  const auto found = std::ranges::find(handlers, app.ack_handler, &Handler::name);
  if (found == handlers.end()) {
    std::vector<std::string> names;
    for (const auto& handler : handlers) {
      if (is_broker(handler.type)) names.push_back(handler.name);
    }
    const auto near = nearest(app.ack_handler, names);
    return "there is no [[handler]] named " + quote_short(app.ack_handler) +
           (near.empty() ? "; give the name of one of type amqp, redis or kafka"
                         : "; did you mean " + quote(near) + "?");
  }
  if (!is_broker(found->type))
    return "handler " + quote(found->name) + " is none of a broker (amqp, redis or kafka)";
  const auto& apps = found->apps;
  if (!apps.empty() && std::ranges::find(apps, app.name) == apps.end())
    return "handler " + quote(found->name) + " does not get the events of this app";
  if (found->dedupe == Dedupe::business_key)
    return "handler " + quote(found->name) +
           " has dedupe = \"business_key\": it is not offered what repeats an earlier event, so "
           "nothing could confirm that";
  return {};
}

}  // namespace

void check_ack_handlers(const std::vector<Entry>& entries, const std::vector<App>& apps,
                        const std::vector<Handler>& handlers) {
  for (std::size_t i = 0; i < apps.size(); ++i) {
    if (apps[i].ack_after == AckAfter::local || apps[i].ack_handler.empty()) continue;
    Section section = entries[i].section;
    if (!section.loading().complete) return;  // what is missing may stand where nobody could read
    if (const auto wrong = check_ack_handler(apps[i], handlers); !wrong.empty())
      section.problem("ack_handler", wrong);
  }
}

std::vector<Handler> read_handlers(const std::vector<Entry>& entries,
                                   const std::vector<App>& apps) {
  std::vector<Handler> handlers;
  const auto app_names = names_of(apps);
  for (const Entry& entry : entries) {
    Section section = entry.section;
    Handler handler;
    handler.name = entry.name;
    const bool is_built = read_type(section, handler.type);
    read_handler_apps(section, app_names, handler.apps);
    read_events(section, handler.events);
    section.choice("from", handler.from, from_names);
    read_renamed_from(section, entries, handler.renamed_from);
    if (is_built) read_delivery(section, handler);
    if (is_built) {
      read_target(section, handler);
      section.finish();
    }
    handlers.push_back(std::move(handler));
  }
  check_renames(entries, handlers);
  return handlers;
}

}  // namespace wxpush::config
