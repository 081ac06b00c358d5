// [[app]], all but its keys.
#include "config/sections.h"
#include "config/values.h"

#include <algorithm>

namespace wxpush::config {
namespace {

using Taken = std::map<std::string, std::string>;  // push path -> the app that has it

void read_appid(Section& section, std::string& into) {
  const auto given = section.text("appid", "text in double quotes, such as \"wx0123456789abcdef\"");
  if (!section.find("appid"))
    section.missing("appid", "it stands in WeChat's console, such as \"wx0123456789abcdef\"");
  if (!given) return;
  if (given->value.empty() || given->value.size() > 64 || !consists_of(given->value, "aA0_-")) {
    section.problem("appid",
                    quote_short(given->value) +
                        " is no appid; it has 1 to 64 letters, digits, \"_\" or \"-\", such as "
                        "\"wx0123456789abcdef\"");
    return;
  }
  into = given->value;
}

// What is wrong with a push path and what would be right; empty if it is good.
std::string check_path(const std::string& path) {
  if (!path.starts_with('/')) return "must begin with \"/\"";
  if (path == "/") return "must name more than the root, such as \"/wechat/callback\"";
  if (path.size() > 256) return "is longer than 256 characters";
  if (path.ends_with('/'))
    return "must not end with \"/\" (pushes with one are taken all the same)";
  if (!consists_of(path, "aA0/-._~"))
    return "may hold letters, digits, \"-\", \".\", \"_\", \"~\" and \"/\" only";
  const std::string closed = path + "/";
  for (const char* part : {"//", "/./", "/../"}) {
    if (closed.find(part) != std::string::npos)
      return "must not hold an empty, \".\" or \"..\" segment";
  }
  for (const std::string_view reserved : {"/wx/", "/api/", "/healthz/", "/readyz/", "/metrics/"}) {
    if (closed.starts_with(reserved)) {
      return "is reserved: " + quote(reserved.substr(0, reserved.size() - 1)) +
             " and what lies below belong to wxpush";
    }
  }
  return {};
}

void read_paths(Section& section, Taken& taken, App& app) {
  app.paths.push_back("/wx/" + app.name);
  const auto list = section.list("paths", "an array of paths such as \"/wechat/callback\"", 16);
  if (!list) return;
  for (const auto& item : list->items) {
    std::string wrong = check_path(item.value);
    if (wrong.empty()) {
      const auto [it, is_new] = taken.emplace(item.value, app.name);
      if (!is_new)
        wrong = "is already a push path of app " + it->second + "; each path leads to one app";
    }
    if (!wrong.empty())
      section.loading().problem(item.origin, quote_short(item.value) + " " + wrong);
    app.paths.push_back(item.value);
  }
}

void read_reply_for(Section& section, const Node& table, App& app) {
  for (const auto& [event, node] : table.members) {
    const Origin origin = section.origin_in_file(node, "reply." + event);
    const std::string type = lower(event);
    Reply reply = Reply::automatic;
    if (event.size() > 128 || event.empty() || !consists_of(event, "aA0_")) {
      section.loading().problem(origin,
                                quote_short(event) +
                                    " is no event type; it has 1 to 128 letters, digits or \"_\", "
                                    "such as update_waybill_status, or is default");
    } else if (node.kind != Node::Kind::text) {
      section.wrong_kind({origin, node, false}, "\"auto\", \"success\" or \"empty\"");
    } else if (section.choice_of({origin, node.text, false}, reply, reply_names)) {
      if (type == "default") {
        app.reply = reply;
      } else if (!app.reply_for.emplace(type, reply).second) {
        section.loading().problem(origin, "stands twice; the case of event types does not matter");
      }
    }
  }
}

void read_reply(Section& section, App& app) {
  const auto given = section.find("reply");
  if (given && given->node.kind == Node::Kind::table) {
    read_reply_for(section, given->node, app);
  } else if (given && given->node.kind != Node::Kind::text) {
    section.wrong_kind(*given,
                       "\"auto\", \"success\" or \"empty\", or a table of these by event type");
  } else {
    section.choice("reply", app.reply, reply_names);
  }
}

void read_ack(Section& section, App& app) {
  section.choice("ack_after", app.ack_after, ack_after_names);
  const auto given = section.text("ack_handler", "the name of a [[handler]] in double quotes");
  if (given) app.ack_handler = given->value;
  const bool is_local = app.ack_after == AckAfter::local;
  if (is_local && section.find("ack_handler"))
    section.problem("ack_handler", "is of no use without ack_after = \"broker\" or \"both\"");
  if (!is_local && !section.find("ack_handler"))
    section.missing(
        "ack_handler",
        "name the [[handler]] whose broker must have an event before it is acknowledged");
}

}  // namespace

std::vector<App> read_apps(const std::vector<Entry>& entries) {
  std::vector<App> apps;
  Taken taken;
  for (const Entry& entry : entries) {
    Section section = entry.section;
    App app;
    app.name = entry.name;
    read_appid(section, app.appid);
    read_paths(section, taken, app);
    app.keys = read_keys(section);
    read_reply(section, app);
    section.choice("quarantine", app.quarantine, quarantine_names);
    read_ack(section, app);
    app.routes = read_routes(section);
    section.finish();
    apps.push_back(std::move(app));
  }
  return apps;
}

}  // namespace wxpush::config
