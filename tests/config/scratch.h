#pragma once
// A folder for one test, gone when it ends, and short ways to load what is written into it.

#include "config/load.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace wxpush::config::test {

class Scratch {
 public:
  Scratch() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "wxpush-config-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no scratch folder");
    folder_ = pattern;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  const std::filesystem::path& folder() const { return folder_; }

  std::filesystem::path write(const std::string& name, const std::string& content) const {
    const auto path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

  // Loads `document` as wxpush.toml of this folder.
  Loaded load(const std::string& document, const Environment& environment = {}) const {
    return config::load(write("wxpush.toml", document), environment);
  }

  // The problems as printed, with this folder's name left out; none if it loads.
  std::vector<std::string> problems(const std::string& document,
                                    const Environment& environment = {}) const {
    const auto loaded = load(document, environment);
    std::vector<std::string> lines;
    if (const auto* problems = std::get_if<std::vector<Problem>>(&loaded)) {
      for (const auto& problem : *problems) lines.push_back(without_folder(to_string(problem)));
    }
    return lines;
  }

  Settings settings(const std::string& document, const Environment& environment = {}) const {
    const auto lines = problems(document, environment);
    for (const auto& line : lines) FAIL_CHECK(line);
    REQUIRE(lines.empty());
    return std::get<Settings>(load(document, environment));
  }

 private:
  std::string without_folder(std::string text) const {
    const std::string prefix = folder_.string() + "/";
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
      text.erase(at, prefix.size());
    }
    return text;
  }

  std::filesystem::path folder_;
};

inline const std::string aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
inline const std::string other_aes_key = "0bcdefghijklmnopqrstuvwxyz0123456789ABCDEFC";

// The least that loads: two lines of [server], then a whole [[app]] named shop.
inline const std::string server_without_tls = "[server]\ntls = \"off\"\n";
inline const std::string shop =
    "[[app]]\nname = \"shop\"\nappid = \"wx0123456789abcdef\"\ntoken = \"shop-token\"\n"
    "encoding_aes_key = \"" +
    aes_key + "\"\n";
inline const std::string minimal = server_without_tls + shop;

}  // namespace wxpush::config::test
