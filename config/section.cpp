#include "config/section.h"

#include "config/values.h"

#include <algorithm>

namespace wxpush::config {
namespace {

std::string join(const std::vector<std::string>& words, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? last : ", ";
    out += words[i];
  }
  return out;
}

std::string choices(std::vector<std::string> names) {
  for (auto& name : names) name = quote(name);
  return join(names, " or ");
}

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<Section::Text> split(const Section::Given& given) {
  std::vector<Section::Text> items;
  std::string_view rest = given.node.text;
  while (!trim(rest).empty()) {
    const auto comma = rest.find(',');
    items.push_back({given.origin, std::string(trim(rest.substr(0, comma))), true});
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  return items;
}

}  // namespace

std::filesystem::path resolve(const Section::Text& given) {
  return (given.origin.base / given.value).lexically_normal();
}

Section::Section(Loading& loading, const File& file)
    : Section(loading, &file.root, Origin{file.shown, 0, "", file.base}, "") {}

Section::Section(Loading& loading, const Node* table, Origin origin, std::string variables)
    : loading_(loading),
      table_(table),
      origin_(std::move(origin)),
      variables_(std::move(variables)) {}

Section Section::table(std::string_view name) {
  known_.emplace_back(name);
  Origin origin = origin_;
  origin.key = dotted(name);
  const Node* node = table_ != nullptr ? table_->find(name) : nullptr;
  if (node != nullptr) origin.line = node->line;
  if (node != nullptr && node->kind != Node::Kind::table) {
    wrong_kind({origin, *node, false}, "a table: [" + std::string(name) + "]");
    node = nullptr;
  }
  return {loading_, node, origin, std::string(variable_prefix) + upper(name) + "__"};
}

std::optional<Section::Given> Section::find(std::string_view key) {
  known_.emplace_back(key);
  if (!variables_.empty()) {
    const std::string variable = variables_ + upper(key);
    loading_.known_variables.insert(variable);
    const auto it = loading_.environment.find(variable);
    if (it != loading_.environment.end()) {
      Given given{{"environment", 0, variable, std::filesystem::current_path()}, {}, true};
      given.node.kind = Node::Kind::text;
      given.node.text = it->second;
      return given;
    }
  }
  const Node* node = table_ != nullptr ? table_->find(key) : nullptr;
  if (node == nullptr) return std::nullopt;
  return Given{origin_in_file(*node, key), *node, false};
}

const Node* Section::file_only(std::string_view key) {
  if (const auto given = find(key); given && given->is_variable) {
    loading_.problem(given->origin, "cannot be set by a variable; set it in the file");
  }
  return table_ != nullptr ? table_->find(key) : nullptr;
}

std::optional<Section::Text> Section::text(std::string_view key, std::string_view expected) {
  auto given = find(key);
  if (!given) return std::nullopt;
  if (given->node.kind != Node::Kind::text) {
    wrong_kind(*given, expected);
    return std::nullopt;
  }
  return Text{given->origin, std::move(given->node.text), given->is_variable};
}

std::optional<Section::List> Section::list(std::string_view key, std::string_view expected,
                                           std::size_t most) {
  const auto given = find(key);
  if (!given) return std::nullopt;
  List list{given->origin, {}};
  if (given->is_variable) {
    list.items = split(*given);
  } else if (given->node.kind == Node::Kind::text) {
    list.items.push_back({given->origin, given->node.text, false});
  } else if (given->node.kind == Node::Kind::array) {
    for (const Node& item : given->node.items) {
      Given one{origin_in_file(item, key), item, false};
      if (item.kind != Node::Kind::text) {
        wrong_kind(one, expected);
        return std::nullopt;
      }
      list.items.push_back({one.origin, item.text, false});
    }
  } else {
    wrong_kind(*given, expected);
    return std::nullopt;
  }
  if (list.items.size() > most) {
    loading_.problem(given->origin, "has " + std::to_string(list.items.size()) +
                                        " elements; it may have at most " + std::to_string(most));
    return std::nullopt;
  }
  return list;
}

std::optional<std::size_t> Section::choose(std::string_view key,
                                           const std::vector<std::string>& names) {
  const auto given = text(key, choices(names));
  return given ? choose_of(*given, names) : std::nullopt;
}

std::optional<std::size_t> Section::choose_of(const Text& given,
                                              const std::vector<std::string>& names) {
  const auto it = std::find(names.begin(), names.end(), given.value);
  if (it != names.end()) return static_cast<std::size_t>(it - names.begin());
  loading_.problem(given.origin,
                   quote_short(given.value) + " is unknown; it must be " + choices(names));
  return std::nullopt;
}

Origin Section::origin(std::string_view key) {
  if (auto given = find(key)) return given->origin;
  Origin origin = origin_;
  origin.key = dotted(key);
  return origin;
}

Origin Section::origin_in_file(const Node& node, std::string_view key) const {
  return {origin_.file, node.line, dotted(key), origin_.base};
}

void Section::missing(std::string_view key, std::string_view remedy) {
  problem(key, "is missing; " + std::string(remedy));
}

void Section::wrong_kind(const Given& given, std::string_view expected) {
  loading_.problem(given.origin, "is " + std::string(to_string(given.node.kind)) + "; it must be " +
                                     std::string(expected));
}

void Section::finish() {
  if (table_ == nullptr) return;
  std::sort(known_.begin(), known_.end());
  known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
  for (const auto& [name, node] : table_->members) {
    if (std::binary_search(known_.begin(), known_.end(), name)) continue;
    const std::string near = nearest(name, known_);
    loading_.problem(origin_in_file(node, name),
                     "unknown key; " + (near.empty() ? "known here are " + join(known_, " and ")
                                                     : "did you mean " + near + "?"));
  }
}

void Section::rename(std::string key, std::string variables) {
  origin_.key = std::move(key);
  variables_ = std::move(variables);
}

std::string Section::dotted(std::string_view key) const {
  return origin_.key.empty() ? std::string(key) : origin_.key + "." + std::string(key);
}

}  // namespace wxpush::config
