#include "handlers/event/json.h"

#include "handlers/event/json_node.h"
#include "handlers/event/text.h"

// RapidJSON's stack adds to a null pointer before it first allocates: harmless, but undefined, and
// the sanitizer would stop there instead of at faults of ours.
#ifdef __clang__
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#endif
#ifdef __SSE2__
#define RAPIDJSON_SSE2  // strings are scanned by 16 bytes, beyond their end: see
                        // JsonDocument::parse
#endif
#include <rapidjson/reader.h>
#include <rapidjson/writer.h>
#ifdef __clang__
#pragma clang attribute pop
#endif

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>

// Of RapidJSON 1.1.0 only the SAX reader and the writer are used, never its Value: under C++20 the
// comparison operators of Value call themselves for ever. The reader calls itself for each level,
// and asks us before it does: Builder::open() bounds the stack. It hands numbers over as text (its
// conversion of exponents can overflow: CVE-2024-38517). The encoding is validated by us beforehand
// and not by kParseValidateEncodingFlag, which reads beyond the end of a text that stops within a
// sequence.

namespace wxpush::event {

namespace {

using Kind = JsonKind;
using Node = JsonNode;

// Positions fit 32 bits, and a document of one-byte values costs 24 times its size.
constexpr std::size_t kMaxText = std::size_t{16} << 20;

// What a text holds of the bytes that need a second look; nearly all hold none of them.
struct Rare {
  bool control = false;  // below 0x20, of which white space is allowed
  bool beyond_ascii = false;
  bool escape = false;
};

// Without a branch and in bytes alone, so that compilers look at many at a time.
Rare rare_bytes(std::string_view text) {
  std::uint8_t control = 0;
  std::uint8_t bits = 0;
  std::uint8_t escape = 0;
  for (const char c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    control = static_cast<std::uint8_t>(control | (byte < 0x20 ? 0xFF : 0));
    bits = static_cast<std::uint8_t>(bits | byte);
    escape = static_cast<std::uint8_t>(escape | (byte == '\\' ? 0xFF : 0));
  }
  return {.control = control != 0, .beyond_ascii = bits > 0x7F, .escape = escape != 0};
}

// Nowhere in JSON may these stand. Where RapidJSON 1.1.0 scans by 16 bytes it takes those above
// 0x19 for text.
bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 && !is_space(c); });
}

// RapidJSON refuses a lone high surrogate escape but encodes a lone low one into bytes that are no
// UTF-8.
bool has_surrogate(std::string_view text) {
  for (auto i = text.find('\xED'); i != text.npos; i = text.find('\xED', i + 1)) {
    if (i + 1 < text.size() && static_cast<std::uint8_t>(text[i + 1]) >= 0xA0) return true;
  }
  return false;
}

// Receives the reader's events; false from any of them ends the reading as a failure.
class Builder {
 public:
  // Both are empty, and kept by the caller for the next one. The text is UTF-8; surrogates can come
  // from its escapes alone.
  Builder(std::vector<Node>& nodes, std::vector<std::size_t>& open, bool has_escapes)
      : nodes_(nodes), open_(open), has_escapes_(has_escapes) {
    nodes_.reserve(32);  // a usual event fits
  }
  bool Null() { return add(Kind::null); }
  bool Bool(bool value) { return add(value ? Kind::boolean_true : Kind::boolean_false); }
  bool Int(int) { return false; }  // these five never come: numbers are read as text
  bool Uint(unsigned) { return false; }
  bool Int64(std::int64_t) { return false; }
  bool Uint64(std::uint64_t) { return false; }
  bool Double(double) { return false; }
  bool RawNumber(const char* text, unsigned size, bool) { return add(Kind::number, {text, size}); }
  bool String(const char* text, unsigned size, bool) {
    if (has_escapes_ && has_surrogate({text, size})) return false;
    return add(Kind::string, {text, size});
  }
  bool Key(const char* text, unsigned size, bool copy) { return String(text, size, copy); }
  bool StartObject() { return open(Kind::object); }
  bool EndObject(unsigned) { return close(); }
  bool StartArray() { return open(Kind::array); }
  bool EndArray(unsigned) { return close(); }

 private:
  bool add(Kind kind, std::string_view text = {}) {
    nodes_.push_back({text.data(), static_cast<std::uint32_t>(text.size()), 1, kind});
    return true;
  }
  bool open(Kind kind) {
    if (open_.size() >= JsonDocument::max_depth) return false;
    open_.push_back(nodes_.size());
    return add(kind);
  }
  bool close() {
    nodes_[open_.back()].span = static_cast<std::uint32_t>(nodes_.size() - open_.back());
    open_.pop_back();
    return true;
  }

  std::vector<Node>& nodes_;
  std::vector<std::size_t>& open_;  // the containers around the current place
  bool has_escapes_;
};

struct StringSink {  // RapidJSON's output stream concept
  using Ch = char;
  std::string text;
  void Put(char c) { text.push_back(c); }
  void Flush() {}
};

}  // namespace

// Not where a sanitizer looks for reads beyond a document, or of one that is gone.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool keeps_spares = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool keeps_spares = false;
#else
constexpr bool keeps_spares = true;
#endif
#else
constexpr bool keeps_spares = true;
#endif

struct JsonDocument::State {
  std::string buffer;  // strings are unescaped in place; the nodes point into it
  std::vector<Node> nodes;
  std::vector<std::size_t> open;

  // The last one of this thread, unless it was large, for the next document: two are read for each
  // push, of which each would allocate more than what is quick to allocate.
  static std::unique_ptr<State>& spare() {
    thread_local std::unique_ptr<State> state;
    return state;
  }
  static std::unique_ptr<State> take() {
    auto state = std::move(spare());
    if (!state) return std::make_unique<State>();
    state->buffer.clear();
    state->nodes.clear();
    state->open.clear();
    return state;
  }
  static void give_back(std::unique_ptr<State> state) {
    constexpr std::size_t worth_keeping = std::size_t{16} << 10;
    if (!keeps_spares || !state || state->buffer.capacity() > worth_keeping ||
        state->nodes.capacity() > worth_keeping / sizeof(Node)) {
      return;
    }
    spare() = std::move(state);
  }
};

JsonDocument::JsonDocument(std::unique_ptr<State> state) : state_(std::move(state)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() {
  State::give_back(std::move(state_));
}

std::optional<JsonDocument> JsonDocument::parse(std::string_view text) {
  text = skip_leading(text);
  if (text.empty() || text.size() > kMaxText) return std::nullopt;
  const Rare rare = rare_bytes(text);
  if (rare.control && has_control(text)) return std::nullopt;
  if (rare.beyond_ascii && !is_utf8(text)) return std::nullopt;
  auto state = State::take();
  constexpr std::size_t scanned_at_once = 16;
  state->buffer.reserve(text.size() + scanned_at_once);
  state->buffer.assign(text);
  rapidjson::InsituStringStream stream(state->buffer.data());
  rapidjson::Reader reader;
  Builder builder(state->nodes, state->open, rare.escape);
  constexpr unsigned flags = rapidjson::kParseInsituFlag | rapidjson::kParseNumbersAsStringsFlag;
  if (reader.Parse<flags>(stream, builder).IsError()) return std::nullopt;
  // To the reader a zero byte is the end of the text; what follows one is trailing text all the
  // same.
  if (stream.Tell() != state->buffer.size()) return std::nullopt;
  return JsonDocument(std::move(state));
}

std::optional<JsonDocument> JsonDocument::parse_torn(std::string_view text) {
  auto document = parse(text);
  if (!document && text.size() <= kMaxText) document = parse(repair_json(text));
  return document;
}

JsonValue JsonDocument::root() const {
  return JsonValue(state_->nodes.data());
}

struct JsonWriter::State {
  StringSink sink;
  rapidjson::Writer<StringSink> writer{sink};

  void text(std::string_view value, bool is_key) {
    std::string repaired;
    if (!is_utf8(value)) value = repaired = repair_utf8(value);
    const char* const data = value.data() == nullptr ? "" : value.data();
    const auto size = static_cast<rapidjson::SizeType>(value.size());
    is_key ? writer.Key(data, size) : writer.String(data, size);
  }
};

JsonWriter::JsonWriter() : state_(std::make_unique<State>()) {}
JsonWriter::~JsonWriter() = default;
JsonWriter::JsonWriter(JsonWriter&&) noexcept = default;

JsonWriter& JsonWriter::begin_object() {
  return state_->writer.StartObject(), *this;
}
JsonWriter& JsonWriter::end_object() {
  return state_->writer.EndObject(), *this;
}
JsonWriter& JsonWriter::begin_array() {
  return state_->writer.StartArray(), *this;
}
JsonWriter& JsonWriter::end_array() {
  return state_->writer.EndArray(), *this;
}
JsonWriter& JsonWriter::key(std::string_view name) {
  return state_->text(name, true), *this;
}
JsonWriter& JsonWriter::string(std::string_view value) {
  return state_->text(value, false), *this;
}
JsonWriter& JsonWriter::integer(std::int64_t value) {
  return state_->writer.Int64(value), *this;
}
JsonWriter& JsonWriter::boolean(bool value) {
  return state_->writer.Bool(value), *this;
}
JsonWriter& JsonWriter::null() {
  return state_->writer.Null(), *this;
}

JsonWriter& JsonWriter::number(double value) {
  assert(std::isfinite(value));  // JSON has no word for the others
  return std::isfinite(value) ? (state_->writer.Double(value), *this) : null();
}

JsonWriter& JsonWriter::strings(std::string_view name, const std::vector<std::string>& values) {
  key(name).begin_array();
  for (const auto& value : values) string(value);
  return end_array();
}
JsonWriter& JsonWriter::raw(std::string_view json) {
  return state_->writer.RawValue(json.data(), json.size(), rapidjson::kNumberType), *this;
}

void append_quoted(std::string& json, std::string_view value) {
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
  });
  if (plain) {
    json.append(1, '"').append(value).append(1, '"');
    return;
  }
  JsonWriter writer;
  writer.string(value);
  json.append(writer.take());
}

std::string JsonWriter::take() {
  assert(state_->writer.IsComplete());
  std::string result = std::move(state_->sink.text);
  state_ = std::make_unique<State>();
  return result;
}

}  // namespace wxpush::event
