#pragma once
// What differs between the settings in force and those wanted, by name.

#include "config/settings.h"

#include <string>
#include <vector>

namespace wxpush::config {

struct EntryChanges {
  std::vector<std::string> added, removed, changed;  // names
  bool empty() const noexcept { return added.empty() && removed.empty() && changed.empty(); }
};

struct Changes {
  EntryChanges apps, handlers;
  bool certificate = false;          // other files; their content may have changed in any case
  bool orders = false;               // limits for silent orders
  std::vector<std::string> restart;  // keys that a running server cannot take over: "server.listen"
};

Changes changes_between(const Settings& now, const Settings& wanted);

}  // namespace wxpush::config
