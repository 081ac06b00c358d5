// The server's end of a connection over a socket pair; the client is OpenSSL alone.

#include "crypto/tls/tls_stream.h"

#include "crypto/tls/context.h"
#include "tests/crypto/tls_support.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace wxpush::tests {
namespace {

namespace asio = boost::asio;
using crypto::TlsStream;

// Reads to the end, by pieces of `piece` bytes, and answers what came by its length.
struct Server {
  asio::io_context io;
  std::string received;
  TlsStream::Error ended_by;
  std::size_t piece = 4096;

  TlsStream::Awaitable<void> serve(TlsStream& stream, SSL_CTX* context) {
    ended_by = co_await stream.handshake(context);
    std::string buffer(piece, '\0');
    while (!ended_by) {
      const auto [error, size] = co_await stream.read_some(asio::buffer(buffer));
      ended_by = error;
      received.append(buffer, 0, size);
    }
    const std::string answer = std::to_string(received.size());
    auto ignored = co_await stream.write(answer);
    ignored = co_await stream.say_goodbye();
    static_cast<void>(ignored);
    stream.socket().close();
  }
};

struct Fixture {
  TemporaryDirectory directory;
  asio::ssl::context context = make_context();
  Context client_context = tolerant_client();
  Server server;
  Connection client;
  int ends[2] = {-1, -1};
  std::thread thread;
  std::unique_ptr<TlsStream> stream;

  asio::ssl::context make_context() {
    crypto::write_self_signed(directory.path(), {"localhost"},
                              std::chrono::system_clock::now() - std::chrono::hours{1},
                              std::chrono::hours{24});
    return crypto::make_server_context(directory.file("cert.pem"), directory.file("key.pem"));
  }
  // The handshake is over when it returns.
  void connect() {
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    TlsStream::Socket socket(server.io.get_executor());
    socket.assign(asio::generic::stream_protocol(AF_UNIX, 0), ends[1]);
    stream = std::make_unique<TlsStream>(std::move(socket));
    asio::co_spawn(server.io, server.serve(*stream, context.native_handle()),
                   [](const std::exception_ptr& failure) {
                     if (failure) std::rethrow_exception(failure);
                   });
    thread = std::thread([this] { server.io.run(); });
    client.reset(SSL_new(client_context.get()));
    REQUIRE(SSL_set_fd(client.get(), ends[0]) == 1);
    REQUIRE(SSL_connect(client.get()) == 1);
  }
  void write(std::string_view text) const {
    REQUIRE(SSL_write(client.get(), text.data(), static_cast<int>(text.size())) ==
            static_cast<int>(text.size()));
  }
  // Ends it, and tells what the server has received and answered.
  std::string end() {
    SSL_shutdown(client.get());
    std::array<char, 64> answer{};
    const int size = SSL_read(client.get(), answer.data(), static_cast<int>(answer.size()));
    thread.join();
    return {answer.data(), static_cast<std::size_t>(std::max(size, 0))};
  }
  ~Fixture() {
    client.reset();
    if (ends[0] >= 0) ::close(ends[0]);
    if (thread.joinable()) thread.join();
  }
};

std::string text_of(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 31 % 251);
  return text;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what was sent is read, in records of any size") {
  const std::string sent = text_of(300000);
  std::size_t record = 0;  // OpenSSL makes records of 16 KiB of what is larger
  SUBCASE("of one byte, and read by one") {
    record = 1;
    server.piece = 1;
  }
  SUBCASE("smaller than what is read at once") {
    record = 1000;
  }
  SUBCASE("that end where a buffer ends") {
    record = 4096 - 22;
  }
  SUBCASE("larger than the buffer") {
    record = 16384;
  }
  SUBCASE("and of any, into a large buffer") {
    record = 16383;
    server.piece = 16384;
  }
  const std::size_t size = record == 1 ? 3000 : sent.size();
  connect();
  for (std::size_t at = 0; at < size; at += record)
    write(std::string_view(sent).substr(at, std::min(record, size - at)));
  CHECK(end() == std::to_string(size));
  CHECK(server.received == sent.substr(0, size));
  CHECK(server.ended_by == asio::error::eof);
}

TEST_CASE_FIXTURE(Fixture, "records that come at once, and one that comes in pieces, are read") {
  connect();
  // The client writes into memory, from where its bytes go on their way as we like.
  BIO* const memory = BIO_new(BIO_s_mem());
  SSL_set0_wbio(client.get(), memory);
  const std::string sent = text_of(20000);
  for (std::size_t at = 0; at < sent.size(); at += 500)
    write(std::string_view(sent).substr(at, 500));
  char* bytes = nullptr;
  const auto all = static_cast<std::size_t>(BIO_get_mem_data(memory, &bytes));
  std::size_t piece = 0;
  SUBCASE("all at once") {
    piece = all;
  }
  SUBCASE("a few bytes at a time") {
    piece = 7;
  }
  SUBCASE("cut within records") {
    piece = 700;
  }
  for (std::size_t at = 0; at < all; at += piece) {
    const std::size_t size = std::min(piece, all - at);
    REQUIRE(::send(ends[0], bytes + at, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size));
  }
  SSL_set0_wbio(client.get(), BIO_new_socket(ends[0], BIO_NOCLOSE));
  CHECK(end() == "20000");
  CHECK(server.received == sent);
}

TEST_CASE_FIXTURE(Fixture, "bytes that are no record end the connection by an error") {
  connect();
  write("good");
  REQUIRE(::send(ends[0], "this is no record at all", 24, MSG_NOSIGNAL) == 24);
  thread.join();
  CHECK(server.received == "good");
  CHECK(server.ended_by.category() == asio::error::get_ssl_category());
}

TEST_CASE_FIXTURE(Fixture, "a peer that just goes is the end, too") {
  connect();
  write("good");
  ::shutdown(ends[0], SHUT_WR);
  thread.join();
  CHECK(server.received == "good");
  CHECK(server.ended_by == asio::error::eof);
}

TEST_CASE_FIXTURE(Fixture, "a goodbye is answered, and not said to who just went") {
  connect();
  bool just_went = false;
  SUBCASE("who said goodbye") {
    SSL_shutdown(client.get());
  }
  SUBCASE("who just went") {
    just_went = true;
    ::shutdown(ends[0], SHUT_WR);
  }
  thread.join();
  SSL_set0_wbio(client.get(), BIO_new(BIO_s_mem()));  // its alert must not be a SIGPIPE
  char byte = 0;
  while (SSL_read(client.get(), &byte, 1) == 1) {
  }
  const bool said = (SSL_get_shutdown(client.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  CHECK(said != just_went);
}

TEST_CASE_FIXTURE(Fixture, "a read that waits ends when its socket is cancelled") {
  connect();
  write("good");
  asio::post(server.io, [this] {
    // Behind the read of what came: only one that waits can be cancelled.
    const auto cancel = [this](const auto& again) -> void {
      if (server.received == "good") return stream->socket().cancel();
      asio::post(server.io, [again] { again(again); });
    };
    cancel(cancel);
  });
  thread.join();
  CHECK(server.ended_by == asio::error::operation_aborted);
}

}  // namespace wxpush::tests
