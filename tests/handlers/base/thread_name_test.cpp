#include "handlers/base/thread_name.h"

#include <doctest/doctest.h>

#include <array>
#include <pthread.h>
#include <string>
#include <thread>

namespace {

std::string as_seen(std::string_view name) {
  std::array<char, 64> found{};
  std::thread([&] {
    wxpush::name_this_thread(name);
    pthread_getname_np(pthread_self(), found.data(), found.size());
  }).join();
  return found.data();
}

}  // namespace

TEST_CASE("a thread is called as it was named, as far as the system goes") {
  CHECK(as_seen("wx-writer") == "wx-writer");
  CHECK(as_seen("wx-feed a-long-name") == "wx-feed a-long-");
  CHECK(as_seen("").empty());
}
