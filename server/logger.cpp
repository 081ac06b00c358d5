#include "server/logger.h"

#include "handlers/base/time_text.h"
#include "handlers/event/json.h"
#include "server/log_lines.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/sink.h>

#include <poll.h>
#include <unistd.h>

namespace wxpush::server {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

std::string_view name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "info";
}

std::string timestamp() {
  return to_rfc3339(SystemClock().wall());
}

constexpr std::size_t usual_line = 512;

std::string as_json(LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields) {
  std::string out;
  out.reserve(usual_line);
  const auto append = [&out](std::string_view name, std::string_view value) {
    event::append_quoted(out += out.empty() ? '{' : ',', name);
    event::append_quoted(out += ':', value);
  };
  append("time", timestamp());
  append("level", name_of(level));
  append("message", message);
  for (const auto& field : fields) {
    if (field.is_number()) {
      event::append_quoted(out += ',', field.name());
      out.append(1, ':').append(field.value());
    } else if (!field.value().empty()) {
      append(field.name(), field.value());
    }
  }
  return out += '}';
}

// A value in a text line cannot begin a line of its own or pass for another field.
void append_text_value(std::string& out, std::string_view value) {
  const bool plain =
      !value.empty() && value.find_first_of(" \"\\=\t\r\n") == std::string_view::npos;
  if (plain) {
    out.append(value);
    return;
  }
  event::append_quoted(out, value);
}

std::string as_text(LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields) {
  std::string out;
  out.reserve(usual_line);
  out.append(timestamp()).append(" ").append(name_of(level)).append(" ").append(message);
  for (const auto& field : fields) {
    if (field.value().empty()) continue;
    out.append(" ").append(field.name()).append("=");
    append_text_value(out, field.value());
  }
  return out;
}

std::string line_of(config::LogFormat format, LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields) {
  return format == config::LogFormat::json ? as_json(level, message, fields)
                                           : as_text(level, message, fields);
}

// Lines are whole when they get here: nothing is left to format.
class LinesSink final : public spdlog::sinks::sink {
 public:
  explicit LinesSink(LogLines& lines) : lines_(lines) {}
  void log(const spdlog::details::log_msg& message) override {
    lines_.add({message.payload.data(), message.payload.size()},
               message.level >= spdlog::level::warn);
  }
  void flush() override {}
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  LogLines& lines_;
};

class SpdlogLog final : public Log {
 public:
  explicit SpdlogLog(const config::Logging& settings)
      : format_(settings.format),
        level_(static_cast<LogLevel>(settings.level)),
        lines_(STDOUT_FILENO),
        logger_("wxpush", std::make_shared<LinesSink>(lines_)) {
    logger_.set_level(to_spdlog(level_));
  }
  ~SpdlogLog() override {
    if (const auto dropped = lines_.dropped(); dropped > 0) {
      logger_.warn(line(LogLevel::warning, "log lines were dropped since their reader was too slow",
                        {{"lines", dropped}}));
    }
  }

  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    logger_.log(to_spdlog(level), line(level, message, fields));
  }
  bool wants(LogLevel level) const noexcept override { return level >= level_; }

  void deliver(LogLevel level, std::string_view message,
               std::initializer_list<LogField> fields) override {
    if (wants(level)) lines_.write_now(line(level, message, fields));
  }

 private:
  std::string line(LogLevel level, std::string_view message,
                   std::initializer_list<LogField> fields) const {
    return line_of(format_, level, message, fields);
  }

  config::LogFormat format_;
  LogLevel level_;
  LogLines lines_;
  spdlog::logger logger_;
};

class PlainLog final : public Log {
 public:
  explicit PlainLog(const config::Logging& settings)
      : format_(settings.format), level_(static_cast<LogLevel>(settings.level)) {}

  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    if (!wants(level)) return;
    const auto line = line_of(format_, level, message, fields) + '\n';
    // A pipe that is writable takes PIPE_BUF bytes at once, and as one.
    pollfd out{STDOUT_FILENO, POLLOUT, 0};
    if (poll(&out, 1, patience_ms) != 1 || (out.revents & POLLOUT) == 0) return;
    [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, line.data(), line.size());
  }
  bool wants(LogLevel level) const noexcept override { return level >= level_; }

 private:
  static constexpr int patience_ms = 100;
  config::LogFormat format_;
  LogLevel level_;
};

static_assert(static_cast<int>(config::Level::debug) == static_cast<int>(LogLevel::debug));
static_assert(static_cast<int>(config::Level::error) == static_cast<int>(LogLevel::error));

}  // namespace

std::unique_ptr<Log> make_logger(const config::Logging& settings) {
  return std::make_unique<SpdlogLog>(settings);
}

std::unique_ptr<Log> make_plain_logger(const config::Logging& settings) {
  return std::make_unique<PlainLog>(settings);
}

}  // namespace wxpush::server
