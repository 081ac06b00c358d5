#pragma once
// Every mistake a file can hold, and the sentence that tells it: `file:line: key: what is wrong,
// and what would be right`. Each document is server_without_tls (lines 1 and 2), then the case's
// text (from line 3), then, unless it has [[app]] entries of its own, a whole [[app]].
#include "tests/config/scratch.h"

#include <algorithm>

namespace wxpush::config::test {

struct Mistake {
  std::string text;
  std::vector<std::string> told;  // without "wxpush.toml:"
};

inline void check(const std::vector<Mistake>& mistakes) {
  const Scratch scratch;
  for (const auto& [text, told] : mistakes) {
    CAPTURE(text);
    const bool has_app = text.find("[[app]]") != std::string::npos;
    std::vector<std::string> expected;
    for (const auto& line : told) expected.push_back("wxpush.toml:" + line);
    const auto actual = scratch.problems(server_without_tls + text + "\n" + (has_app ? "" : shop));
    for (std::size_t i = 0; i < std::max(actual.size(), expected.size()); ++i) {
      CHECK((i < actual.size() ? actual[i] : "nothing") ==
            (i < expected.size() ? expected[i] : "nothing"));
    }
  }
}

inline const std::string keys = "token = \"t\"\nencoding_aes_key = \"" + aes_key + "\"\n";
inline const std::string app_start = "[[app]]\nname = \"shop\"\nappid = \"wx1\"\n";  // lines 3 to 5
inline const std::string log_handler = "[[handler]]\nname = \"print\"\ntype = \"log\"\n";

inline const std::string no_listen =
    " is no address to listen on; write a numeric one such as \"0.0.0.0:8443\", \"[::]:8443\" or "
    "\"unix:/run/wxpush/push.sock\"";
inline const std::string no_duration =
    " is no duration; write numbers with the units d, h, m, s or ms, such as \"5s\" or \"1m30s\"";
inline const std::string no_size =
    " is no size; write a whole number with B, KiB, MiB, GiB, TiB, KB, MB, GB or TB, such as "
    "\"16KiB\"";
inline const std::string name_rule =
    "a name begins with a lower-case letter and goes on with lower-case letters, digits or \"-\", "
    "up to 32 in all";

}  // namespace wxpush::config::test
