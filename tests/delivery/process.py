"""What a process costs, from /proc: resident memory, and which of its threads take the processor."""

import os
import threading

KIB = 1024
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


def threads(pid):
    """{"number name": (seconds on a processor, seconds that it waited for one)}"""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{thread}/comm") as file:
                name = file.read().strip()
            with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
                ran, waited, _ = map(int, file.read().split())
        except OSError:
            continue
        found[f"{thread} {name}"] = (ran / 1e9, waited / 1e9)
    return found


def busiest(before, after, seconds, count=5):
    """What the busiest threads took between two looks, in percent of one core. One that waited for a core could do more."""
    shares = []
    for name, (ran, waited) in after.items():
        ran_before, waited_before = before.get(name, (0, 0))
        shares.append((100 * (ran - ran_before) / seconds, 100 * (waited - waited_before) / seconds, name))
    told = [f"{name} {ran:.0f} % (waited for a core {waited:.0f} %)" for ran, waited, name in sorted(shares)[::-1]]
    return ", ".join(told[:count])
