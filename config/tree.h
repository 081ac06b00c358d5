#pragma once
// A parsed TOML file, with the line of every value and free of the parser's types, so that one file
// includes the parser. Plain values, copied freely; small, since a file has a size limit.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::config {

struct Member;

struct Node {
  enum class Kind { text, integer, fraction, boolean, time, array, table };
  Kind kind = Kind::table;
  int line = 0;                 // 1-based, where the value begins
  std::string text;             // Kind::text
  std::int64_t integer = 0;     // Kind::integer; of a boolean 0 or 1
  std::vector<Node> items;      // Kind::array
  std::vector<Member> members;  // Kind::table, in the order of their lines

  const Node* find(std::string_view name) const;
};

struct Member {
  std::string name;
  Node node;
};

// "an integer", "a table": for sentences about a value of the wrong kind.
std::string_view to_string(Node::Kind kind);

struct SyntaxError {
  int line = 0;
  std::string text;  // never holds a secret, even if the line does
};

// The file's top table, or where it stops being TOML (the parser goes no further than the first
// error).
std::optional<Node> parse_toml(const std::string& document, SyntaxError& error);

}  // namespace wxpush::config
