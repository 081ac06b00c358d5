#include "server/receiver_options.h"

#include "config/values.h"

#include <algorithm>
#include <stdexcept>

namespace wxpush::server {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr std::uint32_t most_orders = 256;  // as [[handler]] concurrency
constexpr std::uint32_t most_attempts = 1000;
constexpr std::size_t longest_type = 128;

void require(bool fine, const std::string& name, const std::string& what) {
  if (!fine) throw std::invalid_argument("handler " + config::quote_short(name) + ": " + what);
}

template <class List>
bool has(const List& list, const std::string& name) {
  return std::ranges::any_of(list, [&](const auto& one) { return one.name == name; });
}

void check_numbers(const std::string& name, const Options& options) {
  require(options.concurrency >= 1 && options.concurrency <= most_orders, name,
          "concurrency is 1 to 256");
  require(options.retry_min >= milliseconds(1) && options.retry_min <= options.retry_max &&
              options.retry_max <= hours(1),
          name, "retry_min and retry_max are 1 ms to 1 h, and retry_min is not above retry_max");
  require(options.max_attempts >= 1 && options.max_attempts <= most_attempts, name,
          "max_attempts is 1 to 1000");
  require(options.give_up_after >= minutes(1) && options.give_up_after <= hours(24 * 30), name,
          "give_up_after is a minute to 30 days");
}

std::string checked_type(const std::string& name, const std::string& type) {
  require(!type.empty() && type.size() <= longest_type, name,
          "events holds " + config::quote_short(type) + ", which is no event type");
  return config::lower(type);
}

}  // namespace

sink::CallbackHandler callback_handler(const std::string& name, const Options& options,
                                       const config::Settings& settings,
                                       const sink::Callbacks& others) {
  require(config::is_name(name), name,
          "a name begins with a letter a to z and has up to 32 of a to z, 0 to 9 and -");
  require(!has(settings.handlers, name) && !has(others, name), name,
          "there is one of this name already: a handler's name is its identity, choose another");
  require(options.renamed_from.empty() || config::is_name(options.renamed_from), name,
          "renamed_from is no name of a handler");
  check_numbers(name, options);
  sink::CallbackHandler handler;
  handler.name = name;
  for (const auto& app : options.apps) {
    require(has(settings.apps, app), name,
            "there is no [[app]] named " + config::quote_short(app) + " in the settings");
    handler.apps.push_back(app);
  }
  for (const auto& type : options.events) handler.events.push_back(checked_type(name, type));
  handler.from_oldest = options.from_oldest;
  handler.renamed_from = options.renamed_from;
  handler.concurrency = options.concurrency;
  handler.retry_min = options.retry_min;
  handler.retry_max = options.retry_max;
  handler.max_attempts = options.max_attempts;
  handler.give_up_after = options.give_up_after;
  handler.hold_on_dead = options.on_dead == OnDead::hold;
  return handler;
}

}  // namespace wxpush::server
