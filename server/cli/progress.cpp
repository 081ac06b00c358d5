#include "server/cli/progress.h"

#include <chrono>
#include <memory>
#include <ostream>

namespace wxpush::cli {

queue::Progress tell_progress(std::ostream& err) {
  using Time = std::chrono::steady_clock;
  const auto told = std::make_shared<Time::time_point>(Time::now());
  return [told, &err](const std::string& what, std::uint64_t done, std::uint64_t of) {
    if (Time::now() - *told < std::chrono::seconds{2}) return;
    *told = Time::now();
    err << what;
    if (done > 0) err << ": " << done;
    if (of > 0) err << " of " << of;
    err << std::endl;
  };
}

}  // namespace wxpush::cli
