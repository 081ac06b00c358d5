#pragma once
// A connection to Redis over hiredis, which only this pair of files sees: commands in a pipeline,
// answered in their order. Not thread-safe. Everything may throw LinkError.

#include "handlers/sink/redis.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wxpush::sink {

struct RedisReply {
  enum class Kind { nothing, text, number, error, array } kind = Kind::nothing;
  std::string text;  // of an error, too: "NOPERM …", but nothing of the command's own words
  std::int64_t number = 0;
  std::vector<RedisReply> items;
};

class RedisConnection {
 public:
  using Command = std::vector<std::string_view>;
  using Answer = std::function<void(const RedisReply&)>;  // may throw LinkError, may ask more

  // The time-out is that of the connection; looking up a name takes as long as it takes.
  RedisConnection(const BrokerHost& host, std::chrono::milliseconds timeout);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  // Copies the command, which exchange() sends. Answers are called by exchange().
  void ask(const Command& command, Answer answer);
  void exchange();                                           // what there is, without waiting
  void wait_for_answers(std::chrono::milliseconds timeout);  // to everything that was asked
  bool is_all_sent() const noexcept { return is_all_sent_; }
  int socket() const noexcept;

 private:
  void write();
  void read();
  std::optional<RedisReply> receive();

  struct Library;
  std::unique_ptr<Library> library_;
  std::deque<Answer> asked_;
  bool is_all_sent_ = true;
};

}  // namespace wxpush::sink
