#include "server/handed_sockets.h"

#include "server/start_error.h"

#include <charconv>
#include <cstdlib>
#include <fcntl.h>
#include <optional>
#include <string_view>
#include <unistd.h>

namespace wxpush::server {
namespace {

constexpr int most_handed = 64;  // [server] listen has at most 16

std::optional<long> number(std::string_view text) {
  long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string take_name(std::string_view& names) {
  const auto colon = names.find(':');
  const std::string name(names.substr(0, colon));
  names.remove_prefix(colon == std::string_view::npos ? names.size() : colon + 1);
  return name.empty() ? "unknown" : name;
}

void close_on_exec(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFD);
  if (flags < 0 || fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) != 0)
    throw StartError(78, "LISTEN_FDS promises a descriptor " + std::to_string(descriptor) +
                             ", which is not open");
}

}  // namespace

std::vector<HandedName> parse_handed(const char* pid, const char* count, const char* names,
                                     pid_t self) {
  // Left in the environment by somebody between us: they are another's.
  if (pid == nullptr || count == nullptr || number(pid) != self) return {};
  const auto handed = number(count);
  if (!handed || *handed < 0 || *handed > most_handed)
    throw StartError(78, "LISTEN_FDS is \"" + std::string(count) + "\"; 0 to " +
                             std::to_string(most_handed) + " descriptors can be handed over");
  std::vector<HandedName> found;
  std::string_view left = names == nullptr ? "" : names;
  found.reserve(static_cast<std::size_t>(*handed));
  for (int i = 0; i < *handed; ++i) found.push_back({first_handed + i, take_name(left)});
  return found;
}

Handed take_handed() {
  const auto names = parse_handed(std::getenv("LISTEN_PID"), std::getenv("LISTEN_FDS"),
                                  std::getenv("LISTEN_FDNAMES"), getpid());
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) unsetenv(variable);
  Handed handed;
  for (const auto& [descriptor, name] : names) {
    close_on_exec(descriptor);
    if (name == supervisor_name) {
      handed.supervisor = descriptor;
    } else {
      handed.sockets.push_back(ListenSocket::adopt(descriptor));
    }
  }
  return handed;
}

}  // namespace wxpush::server
