// Systemd's protocol of socket activation, as a worker reads it; and the sockets themselves.
#include "server/handed_sockets.h"

#include "server/start_error.h"
#include "tests/config/scratch.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace wxpush;
using namespace wxpush::server;

namespace {

std::vector<std::string> names(const std::vector<HandedName>& handed) {
  std::vector<std::string> found;
  for (const auto& one : handed) {
    CHECK(one.descriptor == first_handed + static_cast<int>(found.size()));
    found.push_back(one.name);
  }
  return found;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("descriptors count from 3, and each has its name") {
  CHECK(names(parse_handed("42", "3", "push:admin:supervisor", 42)) ==
        Names{"push", "admin", "supervisor"});
}

TEST_CASE("names may be missing") {
  CHECK(names(parse_handed("42", "2", nullptr, 42)) == Names{"unknown", "unknown"});
  CHECK(names(parse_handed("42", "3", "push::", 42)) == Names{"push", "unknown", "unknown"});
  CHECK(names(parse_handed("42", "1", "push:more:than:there:are", 42)) == Names{"push"});
  CHECK(parse_handed("42", "0", "", 42).empty());
}

TEST_CASE("what is meant for another process is not taken") {
  CHECK(parse_handed("41", "1", "push", 42).empty());
  CHECK(parse_handed("42x", "1", "push", 42).empty());
  CHECK(parse_handed("", "1", "push", 42).empty());
  CHECK(parse_handed(nullptr, "1", "push", 42).empty());
  CHECK(parse_handed("42", nullptr, nullptr, 42).empty());
  CHECK(parse_handed("41", "nonsense", nullptr, 42).empty());
}

TEST_CASE("a number of descriptors that makes no sense is refused: 78") {
  for (const char* count : {"", "-1", "1.5", " 1", "65", "99999999999999999999", "two"}) {
    CAPTURE(count);
    try {
      parse_handed("42", count, nullptr, 42);
      FAIL("was taken");
    } catch (const StartError& error) {
      CHECK(error.exit_code() == 78);
    }
  }
}

TEST_CASE("a socket that is bound here tells its real port, and is closed with its owner") {
  int descriptor = -1;
  {
    const auto socket = ListenSocket::bind(config::TcpAddress{"127.0.0.1", 0}, 0);
    descriptor = socket.descriptor();
    CHECK(socket.family() == AF_INET);
    CHECK(socket.address().starts_with("127.0.0.1:"));
    CHECK(socket.address() != "127.0.0.1:0");
    CHECK(ListenSocket::adopt(dup(descriptor)).address() == socket.address());
  }
  int type = 0;
  socklen_t size = sizeof type;
  CHECK(getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) != 0);
}

TEST_CASE("an address in use is told with what to do: 69") {
  const auto first = ListenSocket::bind(config::TcpAddress{"127.0.0.1", 0}, 0);
  const auto port = std::stoi(first.address().substr(first.address().find(':') + 1));
  try {
    ListenSocket::bind(config::TcpAddress{"127.0.0.1", static_cast<std::uint16_t>(port)}, 0);
    FAIL("was bound twice");
  } catch (const StartError& error) {
    CHECK(error.exit_code() == 69);
    CHECK(std::string(error.what()).find("another process serves there") != std::string::npos);
  }
}

TEST_CASE("a unix socket's file has its mode, and goes with its owner, not with who adopted it") {
  const config::test::Scratch scratch;
  const auto path = scratch.folder() / "push.sock";
  {
    const auto socket = ListenSocket::bind(config::UnixAddress{path}, push_socket_mode);
    CHECK(socket.address() == "unix:" + path.string());
    struct stat info {};
    REQUIRE(stat(path.c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == push_socket_mode);
    CHECK(ListenSocket::adopt(dup(socket.descriptor())).address() == socket.address());
    CHECK(std::filesystem::exists(path));
  }
  CHECK(!std::filesystem::exists(path));
}

TEST_CASE(
    "a file that nobody listens on any more makes room; one that is served, or no socket, does "
    "not") {
  const config::test::Scratch scratch;
  const auto path = scratch.folder() / "push.sock";
  {
    // As after a crash: the file stays, its socket is gone.
    auto crashed = ListenSocket::bind(config::UnixAddress{path}, 0600);
    std::filesystem::rename(path, scratch.folder() / "left");
  }
  std::filesystem::rename(scratch.folder() / "left", path);
  const auto socket = ListenSocket::bind(config::UnixAddress{path}, 0600);
  CHECK_THROWS_AS(ListenSocket::bind(config::UnixAddress{path}, 0600), StartError);
  const auto file = scratch.write("file", "text");
  CHECK_THROWS_AS(ListenSocket::bind(config::UnixAddress{file}, 0600), StartError);
  CHECK(std::filesystem::exists(file));
}

TEST_CASE("what does not listen is not adopted, and stays open") {
  int pair[2] = {-1, -1};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  try {
    ListenSocket::adopt(pair[0]);
    FAIL("was adopted");
  } catch (const StartError& error) {
    CHECK(error.exit_code() == 78);
  }
  CHECK(close(pair[0]) == 0);
  CHECK(close(pair[1]) == 0);
}
