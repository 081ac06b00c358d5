#pragma once
// Values as TOML, for those who print settings.

#include "config/settings.h"
#include "config/values.h"

#include <filesystem>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

namespace wxpush::config {

template <class Range, class Print>
inline std::string array_of(const Range& range, Print print) {
  std::string out = "[";
  for (const auto& item : range) {
    if (out.size() > 1) out += ", ";
    out += print(item);
  }
  return out + "]";
}

inline std::string strings(const std::vector<std::string>& texts) {
  return array_of(texts, [](const std::string& text) { return quote(text); });
}

inline std::string path(const std::filesystem::path& path) {
  return quote(path.string());
}
inline std::string duration(Milliseconds value) {
  return quote(format_duration(value));
}
inline std::string bytes(std::uint64_t value) {
  return quote(format_bytes(value));
}
inline std::string masked(const Secret& secret) {
  std::ostringstream out;
  out << secret;
  return quote(out.str());
}

// Nothing if there is none.
void print_client_certificate(std::ostream& out, const std::filesystem::path& certificate,
                              const std::filesystem::path& private_key);
void print_amqp(std::ostream& out, const AmqpTarget& amqp);
void print_redis(std::ostream& out, const RedisTarget& redis);
void print_kafka(std::ostream& out, const KafkaTarget& kafka);

}  // namespace wxpush::config
