#include "server/cli/cli.h"

#include <sys/prctl.h>
#include <sys/resource.h>

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool has_leak_detector = true;
#elif defined(__has_feature)
constexpr bool has_leak_detector = __has_feature(address_sanitizer);
#else
constexpr bool has_leak_detector = false;
#endif

// Keys and messages live in this memory: no core file holds it, and no other process of the same
// user reads it (which a leak detector would).
void keep_memory_private() {
  if (has_leak_detector) return;
  const rlimit none{};
  setrlimit(RLIMIT_CORE, &none);
  prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace

int main(int argc, char** argv) {
  keep_memory_private();
  return wxpush::cli::run(argc, argv);
}
