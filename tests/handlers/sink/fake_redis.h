#pragma once
// As much of Redis as one connection needs, on a unix socket: it notes what it is told, and answers
// as a test says.

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace wxpush::sink {

class FakeRedis {
 public:
  using Words = std::vector<std::string>;
  using Answer = std::function<std::string(const Words&)>;  // RESP; empty: it says nothing

  FakeRedis();  // answers as a healthy one
  ~FakeRedis();
  FakeRedis(const FakeRedis&) = delete;
  FakeRedis& operator=(const FakeRedis&) = delete;

  std::string path() const { return (directory_ / "redis.sock").string(); }
  void on(const std::string& command, Answer answer);  // "XINFO" or "XINFO GROUPS"
  void on(const std::string& command, const std::string& answer);
  // So that CONFIG GET answers this.
  void set(const std::string& setting, const std::string& value);
  // All that came, once there are so many of this command.
  std::vector<Words> wait_for(const std::string& command, std::size_t times);
  std::vector<Words> all_of(const std::string& command) const;
  // Nothing is answered, and no more is read than what came already, until it is resumed.
  void pause();
  void resume();
  void hang_up();

  static std::string text(const std::string& value);  // a bulk string
  static std::string list(const std::vector<std::string>& answers);

 private:
  void run();
  void take(std::string& received, int client);
  std::string answer_to(const Words& words);

  std::filesystem::path directory_;
  int listener_ = -1, client_ = -1;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Answer> answers_;
  std::map<std::string, std::string> settings_;
  std::vector<Words> commands_;
  bool is_paused_ = false;
  std::thread thread_;
};

}  // namespace wxpush::sink
