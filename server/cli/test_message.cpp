#include "server/cli/test_message.h"

#include "handlers/event/json.h"
#include "server/cli/command.h"

#include <algorithm>

namespace wxpush::cli {
namespace {

std::string json_text(std::string_view value) {
  event::JsonWriter writer;
  writer.string(value);
  return writer.take();
}

}  // namespace

TestMessage::TestMessage(std::string_view event, std::string_view unique, std::int64_t now) {
  const std::string id = std::string(test_prefix) + std::string(unique);
  set_text("ToUserName", "gh_wxpushtest00");
  set_text("FromUserName", "oWxpushTest-WeChatTeam-0000");
  set_number("CreateTime", now);
  set_text("MsgType", "event");
  set_text("Event", event);
  if (event != "update_waybill_status") return;
  set_text("shopid", "wxpush-test-shop");
  set_text("shop_order_id", id);
  set_text("shop_no", "wxpush-test-store");
  set_text("waybill_id", id + "-waybill");
  set_number("action_time", now);
  set_number("order_status", 102);
  set_text("action_msg", "");
  set_text("agent.name", "测试骑手");
  set_text("agent.phone", "00000000000");
}

void TestMessage::set(std::string_view assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw CommandError(exit_usage, "--set wants key=value, not " + std::string(assignment));
  }
  const std::string_view path = assignment.substr(0, equals);
  const std::string_view value = assignment.substr(equals + 1);
  if (path.front() == '.' || path.back() == '.' || path.find("..") != std::string_view::npos) {
    throw CommandError(exit_usage, "--set: an empty name in " + std::string(path));
  }
  Field& target = field(path);
  target.children.clear();
  target.json = event::JsonDocument::parse(value) ? std::string(value) : json_text(value);
}

std::string TestMessage::text() const {
  return json_of(root_);
}

TestMessage::Field& TestMessage::field(std::string_view path) {
  Field* at = &root_;
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string_view name = path.substr(0, dot);
    path.remove_prefix(std::min(dot + 1, path.size()));
    auto found = std::find_if(at->children.begin(), at->children.end(),
                              [&](const Field& child) { return child.name == name; });
    if (found == at->children.end()) {
      found = at->children.insert(found, Field{std::string(name), {}, {}});
    }
    at = &*found;
  }
  return *at;
}

void TestMessage::set_text(std::string_view path, std::string_view value) {
  field(path).json = json_text(value);
}

void TestMessage::set_number(std::string_view path, std::int64_t value) {
  field(path).json = std::to_string(value);
}

std::string TestMessage::json_of(const Field& field) {
  if (field.children.empty()) return field.json;
  std::string json = "{";
  for (const Field& child : field.children) {
    if (json.size() > 1) json += ',';
    json += json_text(child.name) + ':' + json_of(child);
  }
  return json + '}';
}

}  // namespace wxpush::cli
