#pragma once
// A worker as a process: the program now on the disk, with the listening sockets handed to it as
// systemd would (handed_sockets.h).

#include "server/listen_socket.h"

#include <csignal>
#include <string>
#include <sys/types.h>
#include <vector>

namespace wxpush::server {

struct WorkerProcess {
  pid_t pid = -1;
  int link = -1;  // our end (supervisor_link.h), non-blocking
};

// `command[0]` is the path of the program; `mask` is the signal mask that the worker begins with,
// and SIGHUP blocked besides: one that comes before it listens to signals waits for that. It is in
// a process group of its own, so that a terminal's ^C reaches us alone. Throws std::system_error.
// A program that cannot be run shows as exit 127. The caller has no other threads.
WorkerProcess start_worker(const std::vector<std::string>& command,
                           const std::vector<ListenSocket>& sockets, const sigset_t& mask);

}  // namespace wxpush::server
