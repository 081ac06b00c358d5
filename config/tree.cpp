#include "config/tree.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>

namespace wxpush::config {
namespace {

Node convert(const toml::node& from);

Node convert_table(const toml::table& from, Node node) {
  node.kind = Node::Kind::table;
  for (const auto& [name, value] : from) {
    node.members.push_back({std::string(name.str()), convert(value)});
  }
  // The parser sorts by name; people read by line.
  std::stable_sort(node.members.begin(), node.members.end(),
                   [](const Member& a, const Member& b) { return a.node.line < b.node.line; });
  return node;
}

Node convert(const toml::node& from) {
  Node node;
  node.line = static_cast<int>(from.source().begin.line);
  if (const auto* table = from.as_table()) return convert_table(*table, std::move(node));
  if (const auto* array = from.as_array()) {
    node.kind = Node::Kind::array;
    for (const auto& item : *array) node.items.push_back(convert(item));
    // An array of tables has no brackets of its own: it begins where its first table does.
    if (node.line == 0 && !node.items.empty()) node.line = node.items.front().line;
  } else if (const auto* text = from.as_string()) {
    node.kind = Node::Kind::text;
    node.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    node.kind = Node::Kind::integer;
    node.integer = integer->get();
  } else if (from.is_boolean()) {
    node.kind = Node::Kind::boolean;
    node.integer = from.as_boolean()->get() ? 1 : 0;
  } else if (from.is_floating_point()) {
    node.kind = Node::Kind::fraction;
  } else {
    node.kind = Node::Kind::time;
  }
  return node;
}

std::string_view line_of(std::string_view document, int number) {
  for (; number > 1; --number) {
    const auto end = document.find('\n');
    if (end == std::string_view::npos) return {};
    document.remove_prefix(end + 1);
  }
  return document.substr(0, document.find('\n'));
}

// The parser's message may quote a piece of the value (`expected 'true', saw 'tXYZ'`).
bool may_hold_secret(std::string_view line) {
  constexpr std::array<std::string_view, 6> names{"token",    "key",     "secret",
                                                  "password", "headers", "authorization"};
  return std::any_of(names.begin(), names.end(),
                     [line](auto name) { return line.find(name) != std::string_view::npos; });
}

}  // namespace

const Node* Node::find(std::string_view name) const {
  const auto it = std::find_if(members.begin(), members.end(),
                               [name](const Member& member) { return member.name == name; });
  return it == members.end() ? nullptr : &it->node;
}

std::string_view to_string(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::text:
      return "text";
    case Node::Kind::integer:
      return "an integer";
    case Node::Kind::fraction:
      return "a number with a fraction";
    case Node::Kind::boolean:
      return "true or false";
    case Node::Kind::time:
      return "a date or time";
    case Node::Kind::array:
      return "an array";
    case Node::Kind::table:
      break;
  }
  return "a table";
}

std::optional<Node> parse_toml(const std::string& document, SyntaxError& error) {
  try {
    return convert(toml::parse(std::string_view(document)));
  } catch (const toml::parse_error& failure) {
    error.line = static_cast<int>(failure.source().begin.line);
    const std::string_view text = failure.description();
    // Of a key that stands twice only the key is told, never the value.
    const bool is_harmless = text.find("cannot redefine existing") != std::string_view::npos;
    error.text = !is_harmless && may_hold_secret(line_of(document, error.line))
                     ? "a key = value pair whose value is text in double quotes belongs here (what "
                       "stands here is not shown, since it may be a secret)"
                     : std::string(text);
    return std::nullopt;
  }
}

}  // namespace wxpush::config
