#pragma once
// How every part of the process says something. One record has a constant message (what happened)
// and fields (to whom), so that a machine can search it; an empty field is left out. Never a
// secret, never a body, never a person's name or phone number.

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace wxpush {

enum class LogLevel { debug, info, warning, error };

// A field says what it was made from; it is for the one call that it stands in.
class LogField {
 public:
  LogField(std::string_view name, std::string_view value) : name_(name), text_(value) {}
  template <std::integral T>
  LogField(std::string_view name, T value) : name_(name) {
    const auto end = std::to_chars(digits_.data(), digits_.data() + digits_.size(), +value).ptr;
    size_ = static_cast<std::uint8_t>(end - digits_.data());
  }

  std::string_view name() const noexcept { return name_; }
  std::string_view value() const noexcept {
    return is_number() ? std::string_view(digits_.data(), size_) : text_;
  }
  bool is_number() const noexcept { return size_ != 0; }  // printed bare in JSON

 private:
  std::string_view name_, text_;
  std::array<char, 20> digits_{};  // -9223372036854775808
  std::uint8_t size_ = 0;          // of digits_; 0 is a text
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
