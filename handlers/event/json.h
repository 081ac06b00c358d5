#pragma once
// The project's only door to JSON: RapidJSON appears in json.cpp alone. Reading is bounded in size
// and depth, validates UTF-8, and keeps numbers as text, so that no input can crash or stall it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wxpush::event {

// A read-only view of one value inside a JsonDocument; valid as long as the document lives.
// Every getter answers nullopt where the type does not fit; none throws.
class JsonValue {
 public:
  JsonValue() = default;  // an absent value
  bool exists() const noexcept { return node_ != nullptr; }
  bool is_null() const noexcept;
  bool is_object() const noexcept;
  bool is_array() const noexcept;
  bool is_string() const noexcept;
  bool is_number() const noexcept;
  std::optional<bool> boolean() const;
  std::optional<std::string_view> string() const;  // a JSON string, unescaped
  std::optional<std::string_view> text() const;    // a string, or a number as it was written
  std::optional<std::int64_t> integer() const;     // an integral number, or a string that holds one
  std::optional<double> number() const;            // a number, or a string that holds one
  JsonValue operator[](std::string_view member) const;  // the first member of that name, or absent
  std::size_t count(std::string_view member) const;     // how many members have that name
  std::vector<std::pair<std::string_view, JsonValue>> members()
      const;                                // in order; empty if no object
  std::vector<JsonValue> elements() const;  // empty if no array

 private:
  friend class JsonDocument;
  explicit JsonValue(const void* node) : node_(node) {}
  const void* node_ = nullptr;
};

class JsonDocument {
 public:
  // Of objects and arrays within one another: reading, and whoever walks over what was read, calls
  // itself for each.
  static constexpr std::size_t max_depth = 64;

  // nullopt if the text is not one valid JSON value within `max_depth` levels and 16 MiB, or has
  // trailing text. Also refused, though the grammar has them: numbers beyond the range of a double,
  // escapes of half a surrogate pair. White space and a UTF-8 byte order mark in front are skipped.
  static std::optional<JsonDocument> parse(std::string_view text);
  // What a person's free text may have in it does not make it unreadable: half a character, cut off
  // by whoever shortened the text, is read as U+FFFD. For messages, where the alternative is to
  // know nothing of the order that arrived.
  static std::optional<JsonDocument> parse_torn(std::string_view text);
  JsonDocument(JsonDocument&&) noexcept;
  JsonDocument& operator=(JsonDocument&&) noexcept;
  ~JsonDocument();
  JsonValue root() const;

 private:
  struct State;
  explicit JsonDocument(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Writes compact JSON. Members and elements are written in the order of the calls; misuse is a bug
// and asserts. Text that is not UTF-8 is written with U+FFFD in the place of what is broken.
class JsonWriter {
 public:
  JsonWriter();
  ~JsonWriter();
  JsonWriter(JsonWriter&&) noexcept;
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view value);
  JsonWriter& integer(std::int64_t value);
  JsonWriter& number(double value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  JsonWriter& strings(std::string_view name, const std::vector<std::string>& values);  // a member
  JsonWriter& raw(std::string_view json);  // a complete JSON value, not checked
  std::string take();                      // what was written; the writer is empty afterwards

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Adds `value` as JSON text, quotes included, as JsonWriter writes it.
void append_quoted(std::string& json, std::string_view value);

}  // namespace wxpush::event
