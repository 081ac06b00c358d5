#include "server/logger.h"

#include "handlers/base/thread_name.h"
#include "handlers/base/time_text.h"
#include "handlers/event/json.h"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cerrno>
#include <cstdio>
#include <poll.h>
#include <system_error>
#include <unistd.h>

namespace wxpush::server {
namespace {

constexpr std::size_t ring_records = 8192;

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

std::string as_json(LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields) {
  event::JsonWriter writer;
  writer.begin_object();
  writer.key("time")
      .string(timestamp())
      .key("level")
      .string(name_of(level))
      .key("message")
      .string(message);
  for (const auto& field : fields) {
    if (field.value.empty()) continue;
    writer.key(field.name);
    if (field.number) {
      writer.raw(field.value);
    } else {
      writer.string(field.value);
    }
  }
  writer.end_object();
  return writer.take();
}

// A value in a text line cannot begin a line of its own or pass for another field.
void append_text_value(std::string& out, std::string_view value) {
  const bool plain =
      !value.empty() && value.find_first_of(" \"\\=\t\r\n") == std::string_view::npos;
  if (plain) {
    out.append(value);
    return;
  }
  event::JsonWriter writer;
  writer.string(value);
  out.append(writer.take());
}

std::string as_text(LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields) {
  std::string out = timestamp();
  out.append(" ").append(name_of(level)).append(" ").append(message);
  for (const auto& field : fields) {
    if (field.value.empty()) continue;
    out.append(" ").append(field.name).append("=");
    append_text_value(out, field.value);
  }
  return out;
}

std::string line_of(config::LogFormat format, LogLevel level, std::string_view message,
                    std::initializer_list<LogField> fields) {
  return format == config::LogFormat::json ? as_json(level, message, fields)
                                           : as_text(level, message, fields);
}

class SpdlogLog final : public Log {
 public:
  explicit SpdlogLog(const config::Logging& settings)
      : format_(settings.format),
        level_(static_cast<LogLevel>(settings.level)),
        sink_(std::make_shared<spdlog::sinks::stdout_sink_mt>()),
        pool_(std::make_shared<spdlog::details::thread_pool>(ring_records, 1,
                                                             [] { name_this_thread("wx-log"); })),
        logger_(std::make_shared<spdlog::async_logger>(
            "wxpush", sink_, pool_, spdlog::async_overflow_policy::overrun_oldest)) {
    logger_->set_pattern("%v");
    logger_->set_level(to_spdlog(level_));
    logger_->flush_on(spdlog::level::debug);
  }
  ~SpdlogLog() override {
    if (const auto dropped = pool_->overrun_counter(); dropped > 0) {
      logger_->warn(line(LogLevel::warning,
                         "log lines were dropped since their reader was too slow",
                         {{"lines", dropped}}));
    }
    logger_->flush();
  }

  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    logger_->log(to_spdlog(level), line(level, message, fields));
  }
  bool wants(LogLevel level) const noexcept override { return level >= level_; }

  // Past the ring, to the same sink, which takes one line at a time.
  void deliver(LogLevel level, std::string_view message,
               std::initializer_list<LogField> fields) override {
    if (!wants(level)) return;
    const auto text = line(level, message, fields);
    errno = 0;
    sink_->log(spdlog::details::log_msg("wxpush", to_spdlog(level), text));
    sink_->flush();
    if (std::ferror(stdout) == 0) return;
    const int error = errno;
    std::clearerr(stdout);
    throw std::system_error(error, std::generic_category(), "the log (stdout)");
  }

 private:
  std::string line(LogLevel level, std::string_view message,
                   std::initializer_list<LogField> fields) const {
    return line_of(format_, level, message, fields);
  }

  config::LogFormat format_;
  LogLevel level_;
  std::shared_ptr<spdlog::sinks::stdout_sink_mt> sink_;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::async_logger> logger_;
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
