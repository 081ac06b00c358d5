#include "handlers/event/json.h"
#include "handlers/event/message.h"
#include "handlers/event/text.h"

#include <algorithm>
#include <array>

namespace wxpush::event {

namespace {

constexpr std::array<std::string_view, 10> kPersonalMembers{
    "name",        "phone",      "mobile",    "tel",    "rider_name",
    "rider_phone", "action_msg", "actionmsg", "sender", "receiver",
};

bool is_personal(std::string_view member) {
  const std::string name = ascii_lower(member);
  return name.starts_with("address") || std::find(kPersonalMembers.begin(), kPersonalMembers.end(),
                                                  name) != kPersonalMembers.end();
}

void write_masked(JsonWriter& writer, const JsonValue& value, bool personal);

void write_members(JsonWriter& writer, const JsonValue& object, bool personal) {
  writer.begin_object();
  for (const auto& [name, value] : object.members()) {
    writer.key(name);
    write_masked(writer, value, personal || is_personal(name));
  }
  writer.end_object();
}

// Recursive: the reader has bounded the depth.
void write_masked(JsonWriter& writer, const JsonValue& value, bool personal) {
  if (value.is_object()) {
    write_members(writer, value, personal);
  } else if (value.is_array()) {
    writer.begin_array();
    for (const auto& element : value.elements()) write_masked(writer, element, personal);
    writer.end_array();
  } else if (const auto text = value.text()) {
    if (personal) {
      writer.string("***");
    } else {
      value.is_string() ? writer.string(*text) : writer.raw(*text);
    }
  } else if (const auto flag = value.boolean()) {
    writer.boolean(*flag);
  } else {
    writer.null();
  }
}

}  // namespace

std::string mask_personal(std::string_view body) {
  const auto document = JsonDocument::parse_torn(body);
  if (!document || !document->root().is_object()) {
    return "(" + std::to_string(body.size()) + " bytes, not shown)";
  }
  JsonWriter writer;
  write_masked(writer, document->root(), false);
  return writer.take();
}

}  // namespace wxpush::event
