#pragma once
// Reads the settings of one table: by key, from the environment if a variable is set there, else
// from the file. Records a problem for whatever is wrong and leaves the default standing, so that
// one load tells everything at once. What was asked for is known; finish() reports the keys that
// are not.

#include "config/loading.h"
#include "config/names.h"

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::config {

class Section {
 public:
  // One value where it stands. A variable's value is text; readers of numbers and lists take it as
  // such.
  struct Given {
    Origin origin;
    Node node;
    bool is_variable = false;
  };
  struct Text {
    Origin origin;
    std::string value;
    bool is_variable = false;
  };
  struct List {
    Origin origin;
    std::vector<Text> items;
  };
  template <class T>
  struct Bounds {
    T least;
    T most;
    std::string_view because = {};  // appended to the message, for bounds that are not obvious
  };

  // The file's top table. Its keys have no variables.
  Section(Loading& loading, const File& file);
  // A table in it. `table` may be null: then only variables are read. With an empty `variables`
  // none are. Both `loading` and `table` must outlive the section.
  Section(Loading& loading, const Node* table, Origin origin, std::string variables);

  // The [name] table of this one; one without values if there is none.
  Section table(std::string_view name);

  std::optional<Given> find(std::string_view key);
  // A value with inner structure, which no variable can give: one that is set is a problem.
  const Node* file_only(std::string_view key);

  std::optional<Text> text(std::string_view key, std::string_view expected);
  // An array of texts, or one text; a variable's value is split at commas.
  std::optional<List> list(std::string_view key, std::string_view expected, std::size_t most);

  void flag(std::string_view key, bool& into);  // true or false
  void number(std::string_view key, std::uint32_t& into, Bounds<std::uint32_t> bounds);
  void bytes(std::string_view key, std::uint64_t& into, Bounds<std::uint64_t> bounds);
  void duration(std::string_view key, Milliseconds& into, Bounds<Milliseconds> bounds);
  void seconds(std::string_view key, Seconds& into, Bounds<Milliseconds> bounds);
  // Made absolute; relative to where it stands.
  void path(std::string_view key, std::filesystem::path& into);
  template <class E, std::size_t n>
  void choice(std::string_view key, E& into, const std::array<Named<E>, n>& names) {
    if (const auto index = choose(key, names_of(names))) into = names[*index].value;
  }
  template <class E, std::size_t n>
  bool choice_of(const Text& given, E& into, const std::array<Named<E>, n>& names) {
    const auto index = choose_of(given, names_of(names));
    if (index) into = names[*index].value;
    return index.has_value();
  }

  // Where the key's value stands, or the table, if it has none.
  Origin origin(std::string_view key);
  // Where it stands in the file, whatever the environment says.
  Origin origin_in_file(const Node& node, std::string_view key) const;
  void problem(std::string_view key, std::string text) {
    loading_.problem(origin(key), std::move(text));
  }
  void missing(std::string_view key, std::string_view remedy);
  void wrong_kind(const Given& given, std::string_view expected);

  // Reports every key that nobody asked for. Call once, last.
  void finish();

  Loading& loading() { return loading_; }
  const Node* node() const { return table_; }
  // For what was learnt after construction (an entry's name): how to print keys, which variables to
  // read.
  void rename(std::string key, std::string variables);

 private:
  std::optional<std::size_t> choose(std::string_view key, const std::vector<std::string>& names);
  std::optional<std::size_t> choose_of(const Text& given, const std::vector<std::string>& names);
  std::optional<Milliseconds> bounded_duration(std::string_view key, Bounds<Milliseconds> bounds);
  std::string dotted(std::string_view key) const;

  Loading& loading_;
  const Node* table_;
  Origin origin_;          // of the table; its key is the prefix of the keys
  std::string variables_;  // "WXPUSH__SERVER__"
  std::vector<std::string> known_;
};

// The absolute path that a text means.
std::filesystem::path resolve(const Section::Text& given);

}  // namespace wxpush::config
