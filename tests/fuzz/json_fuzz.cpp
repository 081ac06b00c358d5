// JSON: what is read can be written and is then read as the same; a text that is repaired first is
// read wherever the strict way reads it, and as the same.
#include "handlers/event/json.h"
#include "handlers/event/text.h"
#include "tests/fuzz/target.h"

using namespace wxpush::event;
using namespace wxpush;

namespace {

void write(JsonWriter& writer, const JsonValue& value) {
  if (value.is_object()) {
    writer.begin_object();
    for (const auto& [name, member] : value.members()) write(writer.key(name), member);
    writer.end_object();
  } else if (value.is_array()) {
    writer.begin_array();
    for (const auto& element : value.elements()) write(writer, element);
    writer.end_array();
  } else if (value.is_string()) {
    writer.string(*value.string());
  } else if (value.is_number()) {
    static_cast<void>(value.number());  // none where it is too small for a double, as 1E-400
    writer.raw(*value.text());
  } else if (const auto truth = value.boolean()) {
    writer.boolean(*truth);
  } else {
    fuzz::require(value.is_null());
    writer.null();
  }
}

std::string written(const JsonDocument& document) {
  JsonWriter writer;
  write(writer, document.root());
  return writer.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto strict = JsonDocument::parse(text);
  const auto torn = JsonDocument::parse_torn(text);
  if (strict) {
    const std::string once = written(*strict);
    const auto again = JsonDocument::parse(once);
    fuzz::require(again && written(*again) == once && is_utf8(once));
    fuzz::require(torn && written(*torn) == once);
  }
  const std::string repaired = repair_json(text);
  fuzz::require(repair_json(repaired) == repaired);
  fuzz::require(is_utf8(repair_utf8(text)) && (!is_utf8(text) || repair_utf8(text) == text));
  return 0;
}
