#include "handlers/sink/redis_connection.h"

#include <cerrno>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/time.h>

namespace wxpush::sink {
namespace {

struct ReplyDeleter {
  void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using ReplyPointer = std::unique_ptr<redisReply, ReplyDeleter>;

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
      reply.text.assign(given.str, static_cast<std::size_t>(given.len));
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

RedisConnection::RedisConnection(const BrokerHost& host, std::chrono::milliseconds timeout) {
  timeval limit{};
  limit.tv_sec = static_cast<decltype(limit.tv_sec)>(timeout.count() / 1000);
  limit.tv_usec = static_cast<decltype(limit.tv_usec)>(timeout.count() % 1000 * 1000);
  library_ = std::make_unique<Library>(
      host.port == 0 ? redisConnectUnixWithTimeout(host.host.c_str(), limit)
                     : redisConnectWithTimeout(host.host.c_str(), host.port, limit));
  if (library_->context->err != 0)
    throw LinkError("no connection: " + std::string(library_->context->errstr));
  library_->require(redisSetTimeout(library_->context, limit));
}

RedisConnection::~RedisConnection() = default;

RedisReply RedisConnection::call(const Command& command) {
  library_->append(command);
  void* raw = nullptr;
  library_->require(redisGetReply(library_->context, &raw));
  const ReplyPointer reply(static_cast<redisReply*>(raw));
  return convert(*reply);
}

void RedisConnection::stop_waiting() {
  auto& context = *library_->context;
  const int flags = fcntl(context.fd, F_GETFL);
  if (flags < 0 || fcntl(context.fd, F_SETFL, flags | O_NONBLOCK) < 0)
    throw LinkError("no socket that does not block");
  context.flags &= ~REDIS_BLOCK;
}

void RedisConnection::send(const Command& command) {
  library_->append(command);
  is_written_ = false;
}

void RedisConnection::write() {
  if (is_written_) return;
  int done = 0;
  library_->require(redisBufferWrite(library_->context, &done));
  is_written_ = done != 0;
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
