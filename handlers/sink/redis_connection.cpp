#include "handlers/sink/redis_connection.h"

#include <algorithm>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/time.h>
#include <sys/un.h>
#include <utility>

namespace wxpush::sink {
namespace {

using std::chrono::milliseconds;

struct ReplyDeleter {
  void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using ReplyPointer = std::unique_ptr<redisReply, ReplyDeleter>;

// Redis repeats the words of a command that it does not know, and one of them may be a password.
std::string without_our_words(std::string text) {
  text.resize(std::min(text.find(", with args beginning with"), text.size()));
  return text;
}

RedisReply convert(const redisReply& given) {
  RedisReply reply;
  switch (given.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      reply.kind = RedisReply::Kind::text;
      reply.text.assign(given.str, static_cast<std::size_t>(given.len));
      break;
    case REDIS_REPLY_ERROR:
      reply.kind = RedisReply::Kind::error;
      reply.text = without_our_words({given.str, static_cast<std::size_t>(given.len)});
      break;
    case REDIS_REPLY_INTEGER:
      reply.kind = RedisReply::Kind::number;
      reply.number = given.integer;
      break;
    case REDIS_REPLY_ARRAY:
      reply.kind = RedisReply::Kind::array;
      for (std::size_t i = 0; i < given.elements; ++i)
        reply.items.push_back(convert(*given.element[i]));
      break;
    default:
      break;
  }
  return reply;
}

redisContext* connect(const BrokerHost& host, milliseconds timeout) {
  timeval limit{};
  limit.tv_sec = static_cast<decltype(limit.tv_sec)>(timeout.count() / 1000);
  limit.tv_usec = static_cast<decltype(limit.tv_usec)>(timeout.count() % 1000 * 1000);
  if (host.port != 0) return redisConnectWithTimeout(host.host.c_str(), host.port, limit);
  // The library would cut it, and connect to another place.
  if (host.host.size() >= sizeof(sockaddr_un::sun_path))
    throw LinkError("no connection: the path of the unix socket is too long");
  return redisConnectUnixWithTimeout(host.host.c_str(), limit);
}

}  // namespace

struct RedisConnection::Library {
  explicit Library(redisContext* made) : context(made) {
    if (context == nullptr) throw LinkError("out of memory");
  }
  ~Library() { redisFree(context); }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  void require(int status) const {
    if (status == REDIS_OK) return;
    throw LinkError("connection lost: " + std::string(context->errstr));
  }
  void stop_blocking() const {
    const int flags = fcntl(context->fd, F_GETFL);
    if (flags < 0 || fcntl(context->fd, F_SETFL, flags | O_NONBLOCK) < 0)
      throw LinkError("no socket that does not block");
    context->flags &= ~REDIS_BLOCK;
  }
  void append(const Command& command) const {
    std::vector<const char*> words;
    std::vector<std::size_t> sizes;
    for (const auto word : command) {
      words.push_back(word.data());
      sizes.push_back(word.size());
    }
    require(redisAppendCommandArgv(context, static_cast<int>(words.size()), words.data(),
                                   sizes.data()));
  }

  redisContext* context;
};

RedisConnection::RedisConnection(const BrokerHost& host, milliseconds timeout)
    : library_(std::make_unique<Library>(connect(host, timeout))) {
  if (library_->context->err != 0)
    throw LinkError("no connection: " + std::string(library_->context->errstr));
  // So that a peer that is gone is found, and that nothing between forgets a quiet connection.
  if (host.port != 0) library_->require(redisEnableKeepAlive(library_->context));
  library_->stop_blocking();
}

RedisConnection::~RedisConnection() = default;

void RedisConnection::ask(const Command& command, Answer answer) {
  library_->append(command);
  asked_.push_back(std::move(answer));
  is_all_sent_ = false;
}

void RedisConnection::exchange() {
  write();
  read();
  while (const auto reply = receive()) {
    if (asked_.empty()) throw LinkError("Redis answered what was never asked: " + reply->text);
    const auto answer = std::move(asked_.front());
    asked_.pop_front();
    answer(*reply);
  }
}

// By the system's clock, not by one of ours: whoever waits here may be left behind (broker_link.h).
void RedisConnection::wait_for_answers(milliseconds timeout) {
  using std::chrono::steady_clock;
  const auto until = steady_clock::now() + timeout;
  while (!asked_.empty()) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady_clock::now());
    if (left <= milliseconds(0))
      throw LinkError("no answer within " + std::to_string(timeout.count()) + " ms");
    pollfd watched{socket(), POLLIN, 0};
    if (!is_all_sent_) watched.events |= POLLOUT;
    ::poll(&watched, 1, static_cast<int>(left.count()));
    exchange();
  }
}

void RedisConnection::write() {
  if (is_all_sent_) return;
  int done = 0;
  library_->require(redisBufferWrite(library_->context, &done));
  is_all_sent_ = done != 0;
}

void RedisConnection::read() {
  library_->require(redisBufferRead(library_->context));
}

std::optional<RedisReply> RedisConnection::receive() {
  void* raw = nullptr;
  library_->require(redisGetReplyFromReader(library_->context, &raw));
  if (raw == nullptr) return std::nullopt;
  const ReplyPointer reply(static_cast<redisReply*>(raw));
  return convert(*reply);
}

int RedisConnection::socket() const noexcept {
  return library_->context->fd;
}

}  // namespace wxpush::sink
