#pragma once
// What whoever started this process handed over: systemd's protocol of socket activation
// (sd_listen_fds(3)), which `serve --supervise` speaks with its workers, too. Descriptors from 3
// on, LISTEN_FDS of them, for process LISTEN_PID, with their names in LISTEN_FDNAMES.

#include "server/listen_socket.h"

#include <string>
#include <sys/types.h>
#include <vector>

namespace wxpush::server {

constexpr int first_handed = 3;
// The one name that means something: the end of a socket pair whose other end the supervisor holds
// (supervisor_link.h). Whatever else is handed over listens for pushes.
constexpr const char* supervisor_name = "supervisor";

struct HandedName {
  int descriptor;
  std::string name;  // "unknown" if it was given none
};

// The three variables, null where there is none. Empty: nothing is handed over to `self`. Throws
// StartError 78 if LISTEN_FDS is for us and makes no sense.
std::vector<HandedName> parse_handed(const char* pid, const char* count, const char* names,
                                     pid_t self);

struct Handed {
  std::vector<ListenSocket> sockets;
  int supervisor = -1;  // none
};

// Takes them: a child of ours gets neither the descriptors nor the variables. Once, before there
// are threads. Throws StartError 78.
Handed take_handed();

}  // namespace wxpush::server
