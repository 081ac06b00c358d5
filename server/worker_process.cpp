#include "server/worker_process.h"

#include "server/handed_sockets.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace wxpush::server {
namespace {

constexpr int cannot_run = 127;

// From 3 on, in this order. Copied out of the way first, since one may lie where another belongs.
bool place(std::vector<int> descriptors) {
  const auto above = first_handed + static_cast<int>(descriptors.size());
  for (int& descriptor : descriptors) {
    descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, above);
    if (descriptor < 0) return false;
  }
  int at = first_handed;
  for (const int descriptor : descriptors) {
    if (dup2(descriptor, at++) < 0) return false;  // open over exec, too
  }
  return true;
}

void name_handed(std::size_t sockets) {
  std::string names;
  for (std::size_t i = 0; i < sockets; ++i) names += "push:";
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
  setenv("LISTEN_FDS", std::to_string(sockets + 1).c_str(), 1);
  setenv("LISTEN_FDNAMES", (names + supervisor_name).c_str(), 1);
}

void set_signals(sigset_t mask) {
  signal(SIGUSR2, SIG_IGN);  // ours alone, also when somebody sends it to all of us
  signal(SIGTTOU, SIG_IGN);  // a line to the terminal must not stop a process in the background
  sigaddset(&mask, SIGHUP);
  sigprocmask(SIG_SETMASK, &mask, nullptr);
}

[[noreturn]] void be_worker(const std::vector<std::string>& command,
                            const std::vector<int>& descriptors, const sigset_t& mask) {
  setpgid(0, 0);
  if (!place(descriptors)) _exit(cannot_run);
  name_handed(descriptors.size() - 1);
  set_signals(mask);
  std::vector<char*> words;
  words.reserve(command.size() + 1);
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  execv(words.front(), words.data());
  _exit(cannot_run);
}

}  // namespace

WorkerProcess start_worker(const std::vector<std::string>& command,
                           const std::vector<ListenSocket>& sockets, const sigset_t& mask) {
  std::array<int, 2> link{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, link.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  std::vector<int> descriptors;
  descriptors.reserve(sockets.size() + 1);
  for (const auto& socket : sockets) descriptors.push_back(socket.descriptor());
  descriptors.push_back(link[1]);
  const pid_t pid = fork();
  const int error = errno;
  if (pid == 0) be_worker(command, descriptors, mask);
  ::close(link[1]);
  if (pid > 0) return {pid, link[0]};
  ::close(link[0]);
  throw std::system_error(error, std::generic_category(), "fork");
}

}  // namespace wxpush::server
