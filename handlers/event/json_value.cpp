#include "handlers/event/json.h"
#include "handlers/event/json_node.h"

#include <charconv>
#include <cmath>

namespace wxpush::event {

namespace {

using Kind = JsonKind;
using Node = JsonNode;

const Node* node_at(const void* pointer) {
  return static_cast<const Node*>(pointer);
}
bool is(const void* pointer, Kind kind) {
  return pointer != nullptr && node_at(pointer)->kind == kind;
}
const Node* end_of(const Node* node) {
  return node + node->span;
}
std::string_view text_of(const Node* node) {
  return {node->data, node->size};
}

template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool JsonValue::is_null() const noexcept {
  return is(node_, Kind::null);
}
bool JsonValue::is_object() const noexcept {
  return is(node_, Kind::object);
}
bool JsonValue::is_array() const noexcept {
  return is(node_, Kind::array);
}
bool JsonValue::is_string() const noexcept {
  return is(node_, Kind::string);
}
bool JsonValue::is_number() const noexcept {
  return is(node_, Kind::number);
}

std::optional<bool> JsonValue::boolean() const {
  if (is(node_, Kind::boolean_true)) return true;
  if (is(node_, Kind::boolean_false)) return false;
  return std::nullopt;
}

std::optional<std::string_view> JsonValue::string() const {
  if (!is_string()) return std::nullopt;
  return text_of(node_at(node_));
}

std::optional<std::string_view> JsonValue::text() const {
  if (!is_string() && !is_number()) return std::nullopt;
  return text_of(node_at(node_));
}

std::optional<std::int64_t> JsonValue::integer() const {
  const auto written = text();
  return written ? parse_number<std::int64_t>(*written) : std::nullopt;
}

std::optional<double> JsonValue::number() const {
  const auto written = text();
  const auto value = written ? parse_number<double>(*written) : std::nullopt;
  return value && std::isfinite(*value) ? value
                                        : std::nullopt;  // "inf" and "nan" are no JSON numbers
}

JsonValue JsonValue::operator[](std::string_view member) const {
  if (!is_object()) return {};
  const Node* const object = node_at(node_);
  for (const Node* key = object + 1; key < end_of(object); key = end_of(key + 1)) {
    if (text_of(key) == member) return JsonValue(key + 1);
  }
  return {};
}

std::size_t JsonValue::count(std::string_view member) const {
  std::size_t found = 0;
  if (!is_object()) return found;
  const Node* const object = node_at(node_);
  for (const Node* key = object + 1; key < end_of(object); key = end_of(key + 1)) {
    if (text_of(key) == member) ++found;
  }
  return found;
}

std::vector<std::pair<std::string_view, JsonValue>> JsonValue::members() const {
  std::vector<std::pair<std::string_view, JsonValue>> result;
  if (!is_object()) return result;
  const Node* const object = node_at(node_);
  for (const Node* key = object + 1; key < end_of(object); key = end_of(key + 1)) {
    result.emplace_back(text_of(key), JsonValue(key + 1));
  }
  return result;
}

std::vector<JsonValue> JsonValue::elements() const {
  std::vector<JsonValue> result;
  if (!is_array()) return result;
  const Node* const array = node_at(node_);
  for (const Node* element = array + 1; element < end_of(array); element = end_of(element)) {
    result.push_back(JsonValue(element));
  }
  return result;
}

}  // namespace wxpush::event
