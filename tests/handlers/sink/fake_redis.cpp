#include "tests/handlers/sink/fake_redis.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace wxpush::sink {
namespace {

constexpr std::chrono::seconds patience{60};

std::filesystem::path make_directory() {
  std::string name = (std::filesystem::temp_directory_path() / "wxpush-redis-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory");
  return name;
}

int listen_at(const std::string& path) {
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const auto* const any = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(listener, any, sizeof(address)) != 0 || ::listen(listener, 1) != 0)
    throw std::runtime_error("no listener");
  return listener;
}

// "*2\r\n$4\r\nPING\r\n…", and takes it away. Nothing: it is not whole yet.
std::optional<FakeRedis::Words> next_command(std::string& received) {
  FakeRedis::Words words;
  std::size_t at = 0;
  const auto number = [&]() -> std::optional<std::size_t> {
    const auto end = received.find("\r\n", at);
    if (end == std::string::npos) return std::nullopt;
    const auto found = std::stoul(received.substr(at + 1, end - at - 1));
    at = end + 2;
    return found;
  };
  const auto count = number();
  if (!count) return std::nullopt;
  while (words.size() < *count) {
    const auto size = number();
    if (!size || received.size() < at + *size + 2) return std::nullopt;
    words.push_back(received.substr(at, *size));
    at += *size + 2;
  }
  received.erase(0, at);
  return words;
}

}  // namespace

FakeRedis::FakeRedis() : directory_(make_directory()), listener_(listen_at(path())) {
  settings_ = {{"appendonly", "yes"},
               {"appendfsync", "always"},
               {"no-appendfsync-on-rewrite", "no"},
               {"maxmemory", "0"},
               {"maxmemory-policy", "noeviction"}};
  on("SCRIPT", text(std::string(40, 'a')));
  on("EVALSHA", text("1-0"));
  on("XINFO", "-ERR no such key\r\n");
  on("CONFIG", [this](const Words& words) {
    return list({text(words[2]), text(settings_[words[2]])});  // under the lock
  });
  thread_ = std::thread([this] { run(); });
}

FakeRedis::~FakeRedis() {
  resume();
  ::shutdown(listener_, SHUT_RDWR);
  hang_up();
  thread_.join();
  ::close(listener_);
  if (client_ >= 0) ::close(client_);
  std::filesystem::remove_all(directory_);
}

void FakeRedis::on(const std::string& command, Answer answer) {
  const std::lock_guard lock(mutex_);
  answers_[command] = std::move(answer);
}
void FakeRedis::on(const std::string& command, const std::string& answer) {
  on(command, [answer](const Words&) { return answer; });
}
void FakeRedis::set(const std::string& setting, const std::string& value) {
  const std::lock_guard lock(mutex_);
  settings_[setting] = value;
}

std::vector<FakeRedis::Words> FakeRedis::all_of(const std::string& command) const {
  const std::lock_guard lock(mutex_);
  std::vector<Words> found;
  std::ranges::copy_if(commands_, std::back_inserter(found),
                       [&](const Words& words) { return words[0] == command; });
  return found;
}

std::vector<FakeRedis::Words> FakeRedis::wait_for(const std::string& command, std::size_t times) {
  {
    std::unique_lock lock(mutex_);
    const auto came = [&] {
      return std::cmp_greater_equal(
          std::ranges::count(commands_, command, [](const Words& words) { return words[0]; }),
          times);
    };
    REQUIRE(changed_.wait_for(lock, patience, came));
  }
  return all_of(command);
}

void FakeRedis::pause() {
  const std::lock_guard lock(mutex_);
  is_paused_ = true;
}
void FakeRedis::resume() {
  const std::lock_guard lock(mutex_);
  is_paused_ = false;
  changed_.notify_all();
}
void FakeRedis::hang_up() {
  const std::lock_guard lock(mutex_);
  if (client_ >= 0) ::shutdown(client_, SHUT_RDWR);
}

std::string FakeRedis::text(const std::string& value) {
  return '$' + std::to_string(value.size()) + "\r\n" + value + "\r\n";
}
std::string FakeRedis::list(const std::vector<std::string>& answers) {
  std::string all = '*' + std::to_string(answers.size()) + "\r\n";
  for (const auto& one : answers) all += one;
  return all;
}

void FakeRedis::run() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  {
    const std::lock_guard lock(mutex_);
    client_ = client;
  }
  std::string received, part(65'536, '\0');
  for (;;) {
    const auto size = ::recv(client, part.data(), part.size(), 0);
    if (size <= 0) return;
    received.append(part, 0, static_cast<std::size_t>(size));
    take(received, client);
  }
}

void FakeRedis::take(std::string& received, int client) {
  while (auto words = next_command(received)) {
    const auto answer = answer_to(*words);
    ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
}

std::string FakeRedis::answer_to(const Words& words) {
  std::unique_lock lock(mutex_);
  commands_.push_back(words);
  changed_.notify_all();
  changed_.wait(lock, [this] { return !is_paused_; });
  auto found = words.size() > 1 ? answers_.find(words[0] + ' ' + words[1]) : answers_.end();
  if (found == answers_.end()) found = answers_.find(words[0]);
  return found == answers_.end() ? "+OK\r\n" : found->second(words);
}

}  // namespace wxpush::sink
