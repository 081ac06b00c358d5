// A configuration, and behind a NUL the environment's variables (NAME=value, one a line): settings
// or problems, never neither; what is in force prints as what loads to the same; no problem quotes
// a secret.
#include "config/load.h"
#include "tests/fuzz/target.h"

#include <algorithm>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

using namespace wxpush;

namespace {

// In the seeds every secret contains this word, and nothing else does.
constexpr std::string_view secret_word = "S3CR3T";
constexpr auto aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

config::Loaded load(std::string_view document, const config::Environment& environment) {
  static const int file = memfd_create("wxpush.toml", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  fuzz::require(ftruncate(file, 0) == 0);
  fuzz::require(pwrite(file, document.data(), document.size(), 0) ==
                static_cast<ssize_t>(document.size()));
  return config::load(path, environment);
}

config::Environment variables(std::string_view lines) {
  config::Environment environment;
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const auto equals = line.find('=');
    if (equals != line.npos) environment.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return environment;
}

// Whether the word stands where secrets stand, and nowhere else.
bool is_kept_secret(std::string_view document) {
  if (document.find("\"\"\"") != document.npos || document.find("'''") != document.npos)
    return false;
  for (std::size_t at = document.find(secret_word); at != document.npos;
       at = document.find(secret_word, at + 1)) {
    auto line = document.substr(document.substr(0, at).rfind('\n') + 1);
    line = line.substr(0, line.find(secret_word));
    const bool kept = line.starts_with("token = ") || line.starts_with("secrets = ") ||
                      line.starts_with("encoding_aes_key = ") || line.starts_with("password = ") ||
                      line.starts_with("WXPUSH__APP__SHOP__TOKEN=");
    if (!kept || line.find_first_of("{#") != line.npos) return false;
  }
  return true;
}

// Secrets are printed as "***": other ones take their place.
std::string with_secrets(std::string text) {
  const std::string shown = "\"***\"";
  int next = 0;
  for (auto at = text.find(shown); at != text.npos; at = text.find(shown)) {
    const auto line = text.rfind('\n', at) + 1;
    const auto before = std::string_view(text).substr(line, at - line);
    std::string secret = "token-" + std::to_string(next++);
    if (before.ends_with("encoding_aes_key = ")) secret = aes_key;
    if (before.starts_with("secrets = "))
      secret = "whsec_" + std::string(29, 'Q') + std::to_string(100 + next % 900);
    text.replace(at, shown.size(), "\"" + secret + "\"");
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text_of(data, size);
  const auto document = input.substr(0, input.find('\0'));
  if (document.find("include") != document.npos) return 0;  // would look all over this machine
  const auto loaded = load(document, variables(input.substr(std::min(size, document.size() + 1))));
  if (const auto* problems = std::get_if<std::vector<config::Problem>>(&loaded)) {
    fuzz::require(!problems->empty());
    if (!is_kept_secret(input)) return 0;
    for (const auto& problem : *problems)
      fuzz::require(problem.text.find(secret_word) == std::string::npos);
    return 0;
  }
  const std::string printed = config::to_toml(std::get<config::Settings>(loaded));
  if (is_kept_secret(input)) fuzz::require(printed.find(secret_word) == std::string::npos);
  const auto again = load(with_secrets(printed), {});
  if (printed.find("_file") ==
      printed.npos)  // files with secrets are there for the first time only
    fuzz::require(std::holds_alternative<config::Settings>(again) &&
                  config::to_toml(std::get<config::Settings>(again)) == printed);
  return 0;
}
