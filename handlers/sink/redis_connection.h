#pragma once
// A connection to Redis over hiredis, which only this pair of files sees: first one command at a
// time, then many in a pipeline without waiting. Not thread-safe. Everything may throw LinkError.

#include "handlers/sink/redis.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace wxpush::sink {

struct RedisReply {
  enum class Kind { nothing, text, number, error, array } kind = Kind::nothing;
  std::string text;  // of an error, too: "NOPERM …"
  std::int64_t number = 0;
  std::vector<RedisReply> items;
};

class RedisConnection {
 public:
  using Command = std::vector<std::string_view>;

  RedisConnection(const BrokerHost& host, std::chrono::milliseconds timeout);
  ~RedisConnection();
  RedisConnection(const RedisConnection&) = delete;
  RedisConnection& operator=(const RedisConnection&) = delete;

  RedisReply call(const Command& command);  // waits for the answer; an error is one, too
  void stop_waiting();                      // from here on send(), write() and receive()
  void send(const Command& command);        // kept until write()
  void write();                             // as much as the socket takes
  bool is_written() const noexcept { return is_written_; }
  void read();                          // what there is
  std::optional<RedisReply> receive();  // in the order of the commands; nothing yet: none
  int socket() const noexcept;

 private:
  struct Library;
  std::unique_ptr<Library> library_;
  bool is_written_ = true;
};

}  // namespace wxpush::sink
