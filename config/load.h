#pragma once
// From TOML files and the environment to checked Settings, or to every error at once.

#include "config/settings.h"

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace wxpush::config {

// Printed as `file:line: key: what is wrong, and what would be right`. Where it comes from the
// environment, file is "environment", line 0 (not printed) and key the variable's name.
struct Problem {
  std::string file;
  int line = 0;
  std::string key;  // dotted, with names of entries: "server.listen", "app.shop.token"
  std::string text;
};
std::string to_string(const Problem& problem);

using Environment = std::map<std::string, std::string>;  // only WXPUSH__* is looked at

// Exactly one of the two: settings, or a list of problems that is not empty.
using Loaded = std::variant<Settings, std::vector<Problem>>;

// Reads `file`, what it includes (patterns relative to it, in byte order; included files may hold
// [[app]] and [[handler]] only), the secret files, and the environment's overrides; checks all of
// it. Reads files, opens no socket, creates nothing.
Loaded load(const std::filesystem::path& file, const Environment& environment);

// The WXPUSH__ part of this process's environment.
Environment process_environment();

// Where settings are looked for when no -c is given: wxpush.toml, then /etc/wxpush/wxpush.toml.
// nullopt if neither exists.
std::optional<std::filesystem::path> default_file();

// The settings in force as TOML, secrets as "***" (for `wxpush check --effective`). What it prints
// loads again, but for the secrets.
std::string to_toml(const Settings& settings);

// "5s", "250ms", "2h", "7d", "1m30s"; nullopt if it is none. Also used by --since of the command
// line.
std::optional<Milliseconds> parse_duration(std::string_view text);
// "16KiB", "1MiB", "1GiB", "512", "1MB" (decimal); nullopt if it is none or does not fit.
std::optional<std::uint64_t> parse_bytes(std::string_view text);
std::optional<Network> parse_network(std::string_view text);

}  // namespace wxpush::config
