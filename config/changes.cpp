#include "config/changes.h"

#include "config/load.h"

#include <algorithm>
#include <map>
#include <sstream>

namespace wxpush::config {
namespace {

template <class Entry>
EntryChanges compare(const std::vector<Entry>& now, const std::vector<Entry>& wanted) {
  EntryChanges changes;
  for (const Entry& entry : wanted) {
    const auto before = std::ranges::find(now, entry.name, &Entry::name);
    if (before == now.end()) {
      changes.added.push_back(entry.name);
    } else if (!(*before == entry)) {
      changes.changed.push_back(entry.name);
    }
  }
  for (const Entry& entry : now) {
    if (std::ranges::find(wanted, entry.name, &Entry::name) == wanted.end())
      changes.removed.push_back(entry.name);
  }
  return changes;
}

// Every key of the sections that stand once, as it is printed: so none is forgotten here.
std::map<std::string, std::string> lines_of(Settings settings) {
  settings.apps.clear();
  settings.handlers.clear();
  std::map<std::string, std::string> lines;
  std::istringstream printed(to_toml(settings));
  std::string section;
  for (std::string line; std::getline(printed, line);) {
    if (line.starts_with('[')) section = line.substr(1, line.find(']') - 1);
    const auto equals = line.find(" = ");
    if (equals != std::string::npos) lines[section + "." + line.substr(0, equals)] = line;
  }
  return lines;
}

}  // namespace

Changes changes_between(const Settings& now, const Settings& wanted) {
  Changes changes;
  changes.apps = compare(now.apps, wanted.apps);
  changes.handlers = compare(now.handlers, wanted.handlers);
  auto before = lines_of(now);
  auto after = lines_of(wanted);
  changes.orders = now.orders.silent_after != wanted.orders.silent_after;
  const auto is_orders = [](const auto& line) { return line.first.starts_with("orders."); };
  std::erase_if(before, is_orders);
  std::erase_if(after, is_orders);
  if (now.server.tls && wanted.server.tls) {
    changes.certificate = !(*now.server.tls == *wanted.server.tls);
    for (const auto* key : {"server.certificate", "server.private_key"}) {
      before.erase(key);
      after.erase(key);
    }
  }
  for (const auto& [key, line] : after) {
    const auto found = before.find(key);
    if (found == before.end() || found->second != line) changes.restart.push_back(key);
  }
  for (const auto& [key, line] : before) {
    if (!after.contains(key)) changes.restart.push_back(key);
  }
  // A key that another one took the place of, in the same file.
  if (now.store.encryption_key != wanted.store.encryption_key)
    changes.restart.emplace_back("store.encryption_key_file");
  if (now.store.old_encryption_keys != wanted.store.old_encryption_keys)
    changes.restart.emplace_back("store.old_encryption_key_files");
  std::ranges::sort(changes.restart);
  const auto doubled = std::ranges::unique(changes.restart);
  changes.restart.erase(doubled.begin(), doubled.end());
  return changes;
}

}  // namespace wxpush::config
