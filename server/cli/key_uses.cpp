#include "server/cli/key_uses.h"

#include "handlers/event/json.h"
#include "server/cli/time_text.h"
#include "server/key_fact.h"

#include <algorithm>

namespace wxpush::cli {
namespace {

void read_fact(const std::string& text, KeyUse& use) {
  const auto known = server::read_key_fact(text);
  if (!known) return;
  use.uses = known->uses;
  use.last_used = known->last_used;
}

bool used_later(const KeyUse& other, const KeyUse& use) {
  return other.app == use.app && other.last_used && *other.last_used > *use.last_used;
}

}  // namespace

void mark_removable(std::vector<KeyUse>& uses, WallTime now) {
  for (KeyUse& use : uses) {
    use.safe_to_remove =
        use.last_used && now - *use.last_used >= key_rest &&
        std::any_of(uses.begin(), uses.end(), [&](const KeyUse& o) { return used_later(o, use); });
  }
}

std::vector<KeyUse> uses_in_status(std::string_view json, WallTime now) {
  std::vector<KeyUse> uses;
  const auto document = event::JsonDocument::parse(json);
  if (!document) return uses;
  for (const event::JsonValue& app : document->root()["apps"].elements()) {
    for (const event::JsonValue& key : app["keys"].elements()) {
      KeyUse use;
      use.app = app["name"].string().value_or("?");
      use.key = key["name"].string().value_or("?");
      use.uses =
          static_cast<std::uint64_t>(std::max<std::int64_t>(key["uses"].integer().value_or(0), 0));
      if (const auto text = key["last_used_at"].string()) use.last_used = parse_time(*text, now);
      uses.push_back(std::move(use));
    }
  }
  return uses;
}

std::vector<KeyUse> uses_in_store(const config::Settings& settings,
                                  const std::vector<std::pair<std::string, std::string>>& facts) {
  std::vector<KeyUse> uses;
  for (const config::App& app : settings.apps) {
    for (const config::Key& key : app.keys) {
      KeyUse use;
      use.app = app.name;
      use.key = key.name;
      const std::string name = server::key_fact_name(app.name, key.name);
      for (const auto& [fact, value] : facts) {
        if (fact == name) read_fact(value, use);
      }
      uses.push_back(std::move(use));
    }
  }
  return uses;
}

}  // namespace wxpush::cli
