// A name that hangs while it is looked up: this program's getaddrinfo() stands before the system's.
#include "handlers/sink/http_thread.h"

#include <doctest/doctest.h>

#include <future>
#include <netdb.h>
#include <string_view>

using namespace wxpush;
using namespace wxpush::sink;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds patience{60'000};
constexpr std::string_view hanging_name = "hangs.invalid";

struct Lookup {
  std::promise<void> begun, let_go, answered;
};
Lookup& lookup() {
  static Lookup one;
  return one;
}

}  // namespace

extern "C" int getaddrinfo(const char* name, const char*, const addrinfo*, addrinfo**) {
  if (name != nullptr && name == hanging_name) {
    lookup().begun.set_value();
    lookup().let_go.get_future().wait();
    lookup().answered.set_value();
  }
  return EAI_NONAME;
}

TEST_CASE(
    "a name that is being looked up keeps nobody, and what waits for it is gone at the stop") {
  SystemClock clock;
  auto thread = std::make_unique<HttpThread>();
  HttpPeer peer;
  peer.url.host = hanging_name;
  peer.url.port = 1;
  auto told = std::make_shared<int>(0);
  const std::weak_ptr<int> waits = told;
  thread->exchange(thread->make_client(std::move(peer), clock), {}, patience,
                   [told = std::move(told)](const HttpResult&) { FAIL("nobody can know"); });
  lookup().begun.get_future().wait();
  CHECK(thread->stop(milliseconds(0)) == 1);
  CHECK(waits.expired());
  auto gone = std::async(std::launch::async, [&] { thread.reset(); });
  CHECK(gone.wait_for(patience) == std::future_status::ready);
  lookup().let_go.set_value();
  lookup().answered.get_future().wait();
}
