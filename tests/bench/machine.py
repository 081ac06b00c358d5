"""What machine this is, what a process took of it, and how much others took meanwhile."""

import os
import platform
import resource

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def _first(path, name):
    with open(path) as lines:
        return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "unknown")


def file_system(directory, mounts="/proc/self/mounts"):
    """The type of the one that holds this directory; unknown where none is told, as in a chroot."""
    directory = os.path.realpath(directory)
    with open(mounts) as lines:
        mounts = [line.split()[1:3] for line in lines]
    inside = [(len(at), kind) for at, kind in mounts if os.path.commonpath([directory, at]) == at]
    return max(inside, default=(0, "unknown"))[1]


def describe(directory):
    """What a figure should be read with: never the machine's name or address."""
    return {
        "processor": _first("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * PAGE / 2**30),
        "kernel": platform.release(),
        "file_system": file_system(directory),
    }


def processor_seconds(pid):
    """Of a process, all its threads, and those of its children that have ended."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / TICK


def _busy_seconds():
    """Of all cores: programs, the kernel for them, and what the host took for others. Interrupts count for nobody."""
    with open("/proc/stat") as file:
        user, nice, system, _, _, _, _, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + steal) / TICK


def _own_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Watch:
    """What a server, and all others but us, take of the processors between its making and `stop`."""

    def __init__(self, server_pid):
        self._pid = server_pid
        self._before = self._look()

    def _look(self):
        return processor_seconds(self._pid), _own_seconds(), _busy_seconds()

    def stop(self, load):
        """Seconds of a processor: of the server, and of everybody else. `load`: what our own load took meanwhile."""
        server, own, busy = (after - before for after, before in zip(self._look(), self._before))
        return {"server": server, "others": max(0.0, busy - server - own - load)}
