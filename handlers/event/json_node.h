#pragma once
// How json.cpp lays a document out and json_value.cpp reads it: one flat row of nodes.

#include <cstdint>

namespace wxpush::event {

enum class JsonKind : std::uint8_t {
  null,
  boolean_false,
  boolean_true,
  number,
  string,
  array,
  object
};

// One value. A container is followed by its contents; in an object every value follows its key,
// which is a node of kind string. `span` counts the nodes from this one to the end of what belongs
// to it.
struct JsonNode {
  const char* data = nullptr;  // of strings and numbers: into the document's buffer
  std::uint32_t size = 0;
  std::uint32_t span = 1;
  JsonKind kind = JsonKind::null;
};

}  // namespace wxpush::event
