#pragma once
// Which key of which app was last used when, and which may go.

#include "config/settings.h"
#include "handlers/base/clock.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wxpush::cli {

struct KeyUse {
  std::string app;
  std::string key;
  std::uint64_t uses = 0;
  std::optional<WallTime> last_used;
  bool safe_to_remove = false;
};

// The rule, as it is told: a key may go when another key of its app was used after its own last
// use, and that is seven days ago or more. One that was never used may be the next one: it stays.
constexpr std::chrono::hours key_rest{24 * 7};
void mark_removable(std::vector<KeyUse>& uses, WallTime now);

// From the running server's status.
std::vector<KeyUse> uses_in_status(std::string_view json, WallTime now);

// From what the store remembers (server/key_fact.h). Every key of the settings is in the answer,
// whether used or not.
std::vector<KeyUse> uses_in_store(const config::Settings& settings,
                                  const std::vector<std::pair<std::string, std::string>>& facts);

}  // namespace wxpush::cli
