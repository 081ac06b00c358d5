#pragma once
// The words of settings that choose among a few, for reading and for printing.

#include "config/settings.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::config {

template <class E>
struct Named {
  std::string_view name;
  E value;
};

enum class Switch { on, off };

inline constexpr std::array switch_names{Named<Switch>{"on", Switch::on},
                                         Named<Switch>{"off", Switch::off}};
inline constexpr std::array level_names{
    Named<Level>{"debug", Level::debug}, Named<Level>{"info", Level::info},
    Named<Level>{"warning", Level::warning}, Named<Level>{"error", Level::error}};
inline constexpr std::array format_names{Named<LogFormat>{"json", LogFormat::json},
                                         Named<LogFormat>{"text", LogFormat::text}};
inline constexpr std::array reply_names{Named<Reply>{"auto", Reply::automatic},
                                        Named<Reply>{"success", Reply::success},
                                        Named<Reply>{"empty", Reply::empty}};
inline constexpr std::array quarantine_names{Named<Quarantine>{"unopened", Quarantine::unopened},
                                             Named<Quarantine>{"all", Quarantine::all},
                                             Named<Quarantine>{"off", Quarantine::off}};
inline constexpr std::array route_mode_names{Named<RouteMode>{"forward", RouteMode::forward}};
inline constexpr std::array from_names{Named<From>{"auto", From::automatic},
                                       Named<From>{"now", From::now},
                                       Named<From>{"oldest", From::oldest}};
inline constexpr std::array on_dead_names{Named<OnDead>{"go-on", OnDead::go_on},
                                          Named<OnDead>{"hold", OnDead::hold}};
inline constexpr std::array dedupe_names{Named<Dedupe>{"event_id", Dedupe::event_id},
                                         Named<Dedupe>{"business_key", Dedupe::business_key}};
inline constexpr std::array handler_type_names{
    Named<HandlerType>{"log", HandlerType::log}, Named<HandlerType>{"http", HandlerType::http},
    Named<HandlerType>{"amqp", HandlerType::amqp}, Named<HandlerType>{"redis", HandlerType::redis},
    Named<HandlerType>{"kafka", HandlerType::kafka}};

inline constexpr std::array kafka_sasl_names{
    Named<KafkaSasl>{"none", KafkaSasl::none}, Named<KafkaSasl>{"plain", KafkaSasl::plain},
    Named<KafkaSasl>{"scram-sha-256", KafkaSasl::scram_sha_256},
    Named<KafkaSasl>{"scram-sha-512", KafkaSasl::scram_sha_512}};
inline constexpr std::array ack_after_names{Named<AckAfter>{"local", AckAfter::local},
                                            Named<AckAfter>{"broker", AckAfter::broker},
                                            Named<AckAfter>{"both", AckAfter::both}};

template <class E, std::size_t n>
std::string name_of(const std::array<Named<E>, n>& names, E value) {
  for (const auto& named : names) {
    if (named.value == value) return std::string(named.name);
  }
  return {};
}

template <class E, std::size_t n>
std::vector<std::string> names_of(const std::array<Named<E>, n>& names) {
  std::vector<std::string> out;
  out.reserve(n);
  for (const auto& named : names) out.emplace_back(named.name);
  return out;
}

}  // namespace wxpush::config
