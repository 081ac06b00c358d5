// The answer of a back end, through the client that reads it, over a socket: what is read must not
// depend on how it is cut, and nothing of one answer may be taken for the next. The input: a byte
// (how many bytes come first; 0: all), and what the back end says before it closes.
#include "handlers/sink/http_client.h"
#include "tests/fuzz/target.h"

#include <algorithm>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

using namespace wxpush;
using namespace wxpush::sink;

namespace {

class BackEnd {
 public:
  BackEnd() {
    fuzz::require(mkdtemp(folder_) != nullptr);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (std::string(folder_) + "/socket").copy(address.sun_path, sizeof address.sun_path - 1);
    fuzz::require(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    fuzz::require(listen(listener_, 8) == 0);
  }
  ~BackEnd() {
    unlink(path().c_str());
    rmdir(folder_);
  }
  BackEnd(const BackEnd&) = delete;
  BackEnd& operator=(const BackEnd&) = delete;
  std::string path() const { return std::string(folder_) + "/socket"; }
  int accept() const { return accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); }

 private:
  char folder_[32] = "/dev/shm/wxpush-fuzz-XXXXXX";
  const int listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
};

struct World {
  BackEnd back_end;
  boost::asio::io_context io{1};
  SystemClock clock;

  std::shared_ptr<HttpClient> client() {
    HttpPeer peer;
    peer.url.scheme = Scheme::unix_socket;
    peer.url.socket = back_end.path();
    peer.largest_answer = 64;
    return make_http_client(io, peer, clock);
  }
  void go_on() {  // until everybody waits for somebody else
    io.restart();
    io.poll();
  }
};

void say(int peer, std::string_view text) {
  if (!text.empty()) static_cast<void>(send(peer, text.data(), text.size(), MSG_NOSIGNAL));
}

// What is closed unread would be a reset to the other side.
void take_request(int peer) {
  char bytes[4096];
  while (recv(peer, bytes, sizeof bytes, 0) > 0) {
  }
}

// What comes of it; nothing would be a client that waits for ever.
HttpResult exchange(World& world, std::string_view first, std::string_view rest) {
  std::optional<HttpResult> result;
  const auto client = world.client();
  client->exchange({"/", {}, "body"}, std::chrono::hours(1),
                   [&](HttpResult done) { result = std::move(done); });
  world.go_on();
  const int peer = world.back_end.accept();
  fuzz::require(peer >= 0);
  for (const auto part : {first, rest}) {
    world.go_on();
    take_request(peer);
    say(peer, part);
  }
  world.go_on();
  close(peer);
  world.go_on();
  fuzz::require(result.has_value());
  client->stop();
  world.go_on();
  return std::move(*result);
}

std::string shown(const HttpResult& result) {
  if (const auto* failure = std::get_if<HttpFailure>(&result)) {
    fuzz::require(!failure->error.empty() && failure->kind != HttpFailure::Kind::late);
    return "none";
  }
  const auto& answer = std::get<HttpAnswer>(result);
  fuzz::require(answer.status >= 200 && answer.status <= 999);
  fuzz::require(answer.incomplete.has_value() || answer.body.size() <= 64);
  fuzz::require((answer.content_type + answer.retry_after).find_first_of("\r\n") ==
                std::string::npos);
  std::string text =
      std::to_string(answer.status) + answer.content_type + '\0' + answer.retry_after;
  if (!answer.incomplete) return text + '\0' + answer.body;
  return text + std::to_string(static_cast<int>(answer.incomplete->kind));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static World world;
  const std::string_view wire = fuzz::text_of(data + 1, size - 1);
  const auto cut = std::min<std::size_t>(data[0], wire.size());
  const auto whole = shown(exchange(world, wire, {}));
  if (cut == 0 || cut == wire.size()) return 0;
  fuzz::require(shown(exchange(world, wire.substr(0, cut), wire.substr(cut))) == whole);
  return 0;
}
