// The names of [[app]] and [[handler]] entries.
#include "config/sections.h"
#include "config/values.h"

namespace wxpush::config {
namespace {

constexpr std::string_view name_rule =
    "a name begins with a lower-case letter and goes on with lower-case letters, digits or \"-\", "
    "up to "
    "32 in all";

// The name as it stands in the file (no variable may change what an entry is); empty, and a
// problem, if it is none.
std::string read_name(Section& section) {
  const Node* node = section.file_only("name");
  if (node == nullptr) {
    section.missing("name", name_rule);
    return {};
  }
  const Origin origin = section.origin_in_file(*node, "name");
  if (node->kind != Node::Kind::text) {
    section.wrong_kind({origin, *node, false}, "text in double quotes");
    return {};
  }
  if (!is_name(node->text)) {
    section.loading().problem(origin,
                              quote_short(node->text) + " is no name; " + std::string(name_rule));
    return {};
  }
  return node->text;
}

// Names the entry's section, so that its keys read "app.shop.token" and its variables are known.
void name_entry(Entry& entry, const std::string& kind) {
  entry.name = read_name(entry.section);
  if (entry.name.empty()) return;
  entry.section.rename(kind + "." + entry.name, std::string(variable_prefix) + upper(kind) + "__" +
                                                    upper(entry.name) + "__");
  entry.section.file_only("name");  // tells whoever would change it by a variable
}

class Collector {
 public:
  Collector(Loading& loading, std::string kind, std::size_t most)
      : loading_(loading), kind_(std::move(kind)), most_(most) {}

  void add_file(const File& file) {
    Section top(loading_, file);
    const auto given = top.find(kind_);
    const Node* list = file.root.find(kind_);
    if (!given || list == nullptr) return;
    if (list->kind != Node::Kind::array) {
      top.wrong_kind(*given, "an array of tables: [[" + kind_ + "]]");
      return;
    }
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      const Node& table = list->items[i];
      add_table(table,
                {file.shown, table.line, kind_ + "[" + std::to_string(i + 1) + "]", file.base});
    }
  }
  std::vector<Entry> take() { return std::move(entries_); }

 private:
  void add_table(const Node& table, const Origin& origin) {
    Entry entry{{}, Section(loading_, &table, origin, "")};
    if (table.kind != Node::Kind::table) {
      entry.section.wrong_kind({origin, table, false}, "a table: [[" + kind_ + "]]");
      return;
    }
    name_entry(entry, kind_);
    const auto [it, is_new] = taken_.emplace(entry.name, origin);
    if (!is_new && !entry.name.empty()) {
      entry.section.problem("name", "is taken by the [[" + kind_ + "]] at " + place(it->second) +
                                        "; names are unique");
    }
    if (entries_.size() == most_) {
      entry.section.problem("name", "is one too many; there may be " + std::to_string(most_) +
                                        " [[" + kind_ + "]] at most");
    }
    if (entries_.size() <= most_) entries_.push_back(std::move(entry));
  }

  Loading& loading_;
  std::string kind_;
  std::size_t most_;
  std::vector<Entry> entries_;
  std::map<std::string, Origin> taken_;
};

}  // namespace

std::vector<Entry> find_entries(Loading& loading, const std::vector<File>& files,
                                const std::string& kind, std::size_t most) {
  Collector collector(loading, kind, most);
  for (const File& file : files) collector.add_file(file);
  return collector.take();
}

}  // namespace wxpush::config
