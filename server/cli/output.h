#pragma once
// How lists and single things are printed: as a table for people, or one JSON object a line.

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace wxpush::cli {

enum class Format { table, json };
// Adds `--format table|json`.
void add_format(CLI::App& command, Format& format);

// Text from outside made safe for a terminal: control characters become '?'. UTF-8 stays.
std::string printable(std::string_view text);

// Columns that line up. Rows are held until flush(), which widens the columns to what they hold;
// the title line stands above the first flush. For long lists, flush a page at a time: a column
// never gets narrower, so later pages line up unless they hold something longer.
class Table {
 public:
  Table(std::ostream& out, std::vector<std::string> titles);
  void add(std::vector<std::string> cells);  // as many as there are titles; made printable
  void flush();

 private:
  void print(const std::vector<std::string>& cells);

  std::ostream& out_;
  std::vector<std::string> titles_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> held_;
  bool titled_ = false;
};

// Lines of "name   value" for one thing, the values under each other.
void print_facts(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& facts);

}  // namespace wxpush::cli
