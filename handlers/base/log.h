#pragma once
// How every part of the process says something. One record has a constant message (what happened)
// and fields (to whom), so that a machine can search it; an empty field is left out. Never a
// secret, never a body, never a person's name or phone number.

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace wxpush {

enum class LogLevel { debug, info, warning, error };

struct LogField {
  std::string_view name;
  std::string value;
  bool number = false;  // printed bare in JSON

  LogField(std::string_view n, std::string_view v) : name(n), value(v) {}
  LogField(std::string_view n, const std::string& v) : name(n), value(v) {}
  LogField(std::string_view n, const char* v) : name(n), value(v) {}
  template <std::integral T>
  LogField(std::string_view n, T v) : name(n), value(std::to_string(v)), number(true) {}
};

class Log {
 public:
  virtual ~Log() = default;
  // Thread-safe; never blocks on a slow reader of the log.
  virtual void write(LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields) = 0;
  virtual bool wants(LogLevel level) const noexcept = 0;
  // For those whose record is the purpose, not the commentary: it was written out when this
  // returns. May block on a slow reader of the log; throws if it could not be written.
  virtual void deliver(LogLevel level, std::string_view message,
                       std::initializer_list<LogField> fields) {
    if (wants(level)) write(level, message, fields);
  }

  void debug(std::string_view m, std::initializer_list<LogField> f = {}) {
    at(LogLevel::debug, m, f);
  }
  void info(std::string_view m, std::initializer_list<LogField> f = {}) {
    at(LogLevel::info, m, f);
  }
  void warning(std::string_view m, std::initializer_list<LogField> f = {}) {
    at(LogLevel::warning, m, f);
  }
  void error(std::string_view m, std::initializer_list<LogField> f = {}) {
    at(LogLevel::error, m, f);
  }

 private:
  void at(LogLevel level, std::string_view m, std::initializer_list<LogField> f) {
    if (wants(level)) write(level, m, f);
  }
};

// Says nothing.
class NullLog final : public Log {
 public:
  void write(LogLevel, std::string_view, std::initializer_list<LogField>) override {}
  bool wants(LogLevel) const noexcept override { return false; }
};

}  // namespace wxpush
