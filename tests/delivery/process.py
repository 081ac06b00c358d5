"""What a process costs, from /proc: resident memory, and which of its threads take the processor."""

import os
import threading

KIB = 1024
TICKS = os.sysconf("SC_CLK_TCK")
LOOK_EVERY = 0.2  # seconds


def memory(pid):
    """{"VmRSS": bytes, "RssAnon": bytes}"""
    found = {}
    with open(f"/proc/{pid}/status") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name in ("VmRSS", "RssAnon"):
                found[name] = int(value.split()[0]) * KIB
    return found


class MemoryWatch:
    """The most that a process takes while this is entered."""

    def __init__(self, pid):
        self.most = memory(pid)
        self._pid = pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _look(self):
        while not self._stop.wait(LOOK_EVERY):
            try:
                now = memory(self._pid)
            except OSError:
                return
            self.most = {name: max(value, now[name]) for name, value in self.most.items()}


def thread_seconds(pid):
    """Processor time of each thread: {"number name": seconds}"""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/stat") as file:
                head, _, rest = file.read().rpartition(") ")
        except OSError:
            continue
        fields = rest.split()
        found[f"{thread} {head.partition('(')[2]}"] = (int(fields[11]) + int(fields[12])) / TICKS
    return found


def busiest(before, after, seconds, count=5):
    """What the busiest threads took between two looks, in percent of one core."""
    shares = {name: 100 * (spent - before.get(name, 0)) / seconds for name, spent in after.items()}
    ranked = sorted(shares.items(), key=lambda share: -share[1])[:count]
    return ", ".join(f"{name} {share:.0f} %" for name, share in ranked)
