"""Stands in for systemd: hands listening sockets over and becomes the program. activate.py DESCRIPTOR,… NAME:… PROGRAM ARGUMENT…"""

import fcntl
import os
import sys

FIRST = 3

descriptors = [int(number) for number in sys.argv[1].split(",")]
# Out of the way first, since one may lie where another belongs.
copies = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 100) for descriptor in descriptors]
for number, descriptor in enumerate(copies):
    os.dup2(descriptor, FIRST + number)
handed = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(copies)), "LISTEN_FDNAMES": sys.argv[2]}
os.execve(sys.argv[3], sys.argv[3:], {**os.environ, **handed})
