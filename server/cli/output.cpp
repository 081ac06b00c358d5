#include "server/cli/output.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>
#include <ostream>

namespace wxpush::cli {
namespace {

// Of code points: near enough for order keys and event names, and CJK text stands last in a row.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

}  // namespace

void add_format(CLI::App& command, Format& format) {
  const std::map<std::string, Format> names{{"table", Format::table}, {"json", Format::json}};
  command
      .add_option_function<std::string>(
          "--format", [&format, names](const std::string& name) { format = names.at(name); },
          "table, or json: one object a line")
      ->check(CLI::IsMember({"table", "json"}))
      ->type_name("table|json");
}

std::string printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xC2 && i + 1 < text.size() &&  // U+0080 to U+009F, two bytes in UTF-8
                    static_cast<unsigned char>(text[i + 1]) < 0xA0;
    safe.push_back(byte < 0x20 || byte == 0x7F || c1 ? '?' : text[i]);
    if (c1) ++i;
  }
  return safe;
}

Table::Table(std::ostream& out, std::vector<std::string> titles)
    : out_(out), titles_(std::move(titles)) {
  for (const std::string& title : titles_) widths_.push_back(width_of(title));
}

void Table::add(std::vector<std::string> cells) {
  cells.resize(titles_.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = printable(cells[i]);
    widths_[i] = std::max(widths_[i], width_of(cells[i]));
  }
  held_.push_back(std::move(cells));
}

void Table::flush() {
  if (!titled_) print(titles_);
  titled_ = true;
  for (const auto& cells : held_) print(cells);
  held_.clear();
  out_.flush();
}

void Table::print(const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    if (i + 1 < cells.size()) line.append(widths_[i] - width_of(cells[i]) + 2, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out_ << line << '\n';
}

void print_facts(std::ostream& out, const std::vector<std::pair<std::string, std::string>>& facts) {
  std::size_t width = 0;
  for (const auto& fact : facts) width = std::max(width, width_of(fact.first));
  for (const auto& [name, value] : facts) {
    out << name << std::string(width - width_of(name) + 2, ' ') << printable(value) << '\n';
  }
}

}  // namespace wxpush::cli
