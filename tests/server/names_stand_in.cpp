#include "tests/server/names_stand_in.h"

#include <atomic>
#include <dlfcn.h>
#include <netdb.h>
#include <string_view>

namespace {

std::atomic<bool> hanging{false};
std::atomic<int> asked{0};

int really(const char* name, const char* port, const addrinfo* hints, addrinfo** found) {
  static const auto next =
      reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  return next(name, port, hints, found);
}

}  // namespace

// Asio finds this one before the C library's.
extern "C" int getaddrinfo(const char* name, const char* port, const addrinfo* hints,
                           addrinfo** found) {
  ++asked;
  const std::string_view text = name == nullptr ? "" : name;
  if (text == "hanging.test") {
    hanging.wait(true);
    return EAI_NONAME;
  }
  if (text == "one.test") return really("127.0.0.1", port, hints, found);
  if (text != "two.test") return really(name, port, hints, found);
  const int error = really("127.0.0.2", port, hints, found);
  if (error != 0) return error;
  addrinfo* last = *found;
  while (last->ai_next != nullptr) last = last->ai_next;
  return really("127.0.0.1", port, hints, &last->ai_next);
}

namespace wxpush::test {

HangingName::HangingName() {
  hanging = true;
}
HangingName::~HangingName() {
  hanging = false;
  hanging.notify_all();
}
int lookups() {
  return asked;
}

}  // namespace wxpush::test
