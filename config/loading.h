#pragma once
// What one call of load() gathers while it reads: problems, and which environment variables there
// are.

#include "config/load.h"
#include "config/tree.h"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace wxpush::config {

// Where a value stands, or would stand if it were there.
struct Origin {
  std::string file;            // as shown to people; "environment" for a variable
  int line = 0;                // 0 = nowhere in particular
  std::string key;             // dotted, or the variable's name
  std::filesystem::path base;  // absolute: what relative paths in the value are relative to
};
std::string place(const Origin& origin);  // "wxpush.toml:12"

struct File {
  std::string shown;           // the path as it was given, or as its pattern found it
  std::filesystem::path base;  // its folder, absolute
  Node root;
};

// Lives for one call of load(). Not thread-safe.
class Loading {
 public:
  explicit Loading(const Environment& given_environment) : environment(given_environment) {}

  void problem(const Origin& origin, std::string text);
  // In the order of the files read (see `files_shown`), then of lines; the environment's last.
  std::vector<Problem> take_problems();

  const Environment& environment;
  std::set<std::string> known_variables;  // every one that something asked for, set or not
  std::vector<std::string> files_shown;   // main file first
  // False once a file could not be read: then nothing is said about names that it might have held.
  bool complete = true;

 private:
  std::vector<Problem> problems_;
};

constexpr std::string_view variable_prefix = "WXPUSH__";

// Reports every WXPUSH__ variable that no setting asked for. `entries` are the known "APP__SHOP"
// parts.
void check_variables(Loading& loading);

}  // namespace wxpush::config
