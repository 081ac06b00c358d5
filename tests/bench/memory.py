"""Resident memory: of a server that has nothing to do, for each idle TLS connection, and over a long load (`--events 10000000`).

A connection counts once it was greeted (one request, answered); they are all open, and idle, when memory is looked at. The long load
goes as fast as it is acknowledged; memory is looked at each second. What it grows by after its first fifth, when caches have
filled, is what a year would multiply: but for the filters that tell a new event from one that is known (docs/store.md, "Memory"), which
grow with the ids that are kept, as long as `store.retention` keeps them.
"""

import threading
import time

import places  # first

import contenders
import measurements
import process
import runs
import turns

IDLE_MIB, CONNECTION_KIB, GROWN_MIB = 40, 25, 4  # at most
BYTES_OF_AN_ID = 4  # three in the filters, and what lies free between them
SETTLES, EACH_HAS_PUSHED = 1.0, 4.0  # seconds
LONGEST = 4 * 3600  # seconds


class Samples:
    """Memory of a process, each second while this is entered: (seconds, MiB)."""

    def __init__(self, running):
        self._running, self._over = running, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.taken = []

    def __enter__(self):
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self._take()

    def _take(self):
        self.taken.append((time.monotonic() - self._began, turns.resident_kib(self._running) / 1024))

    def _look(self):
        while not self._over.wait(1.0):
            self._take()

    def most(self, begin, end):
        """MiB within this part of the time, at most; of a time too short to be looked at within, as it was at the next look."""
        last = self.taken[-1][0]
        inside = [mib for at, mib in self.taken if begin * last <= at <= end * last]
        return max(inside) if inside else next(mib for at, mib in self.taken if at >= begin * last)


def idle(run):
    """MiB of a fresh server, KiB for each idle connection."""
    count = run.options.at_once
    with turns.serving(contenders.WxPush(), run.certificate) as running:
        time.sleep(SETTLES)
        fresh = turns.resident_kib(running)
        seen = []
        look = lambda: seen.append(turns.resident_kib(running))
        # The clock of this load starts when all connections are open and greeted. Each has one push to make, in its turn.
        turns.offer(running, EACH_HAS_PUSHED, connections=count, rate=count / EACH_HAS_PUSHED, begun=look)
    return fresh / 1024, (seen[0] - fresh) / count


def soak(run, events, seconds=LONGEST, store=None, **load):
    """Samples of a fresh server while so many events are pushed, within so many seconds; and what the load told."""
    contender = contenders.WxPush(sections={"store": {"max_size": "1TiB", **(store or {})}})
    with turns.serving(contender, run.certificate) as running:
        with Samples(running) as samples:
            told = turns.offer(running, seconds, more=("--events", events), **load)
    runs.hold(told["acknowledged"] >= events, f"not all were acknowledged: {told}")
    return samples, told


def main():
    run = measurements.Measurement(__doc__, events=(10_000_000, 2_000), at_once=(10_000, 50), connections=(64, 8))
    with run:
        run.certificate = turns.Certificate(run)
        fresh, each = idle(run)
        run.judge(fresh <= IDLE_MIB, f"an idle server: {fresh:.1f} MiB, wanted at most {IDLE_MIB}")
        run.judge(each <= CONNECTION_KIB, f"{run.options.at_once} idle TLS connections: {each:.1f} KiB each, wanted at most {CONNECTION_KIB}")
        samples, told = soak(run, run.options.events, connections=run.options.connections)
        early, late = samples.most(0.1, 0.3), samples.most(0.8, 1.0)
        filters = 0.8 * told["acknowledged"] * BYTES_OF_AN_ID / 2**20
        run.judge(
            late - early <= GROWN_MIB + filters,
            f"{told['acknowledged']} events at {told['acknowledged_per_second']:.0f}/s: {early:.1f} MiB after a fifth, {late:.1f} MiB at the end,"
            f" wanted at most {GROWN_MIB} more, and {filters:.1f} for the filters of the ids that came since",
        )
        parts = [(f"{10 * part} to {10 * part + 10} %", f"{samples.most(part / 10, (part + 1) / 10):.1f}") for part in range(10)]
        run.show("Memory over the load", ("", "MiB at most"), parts)
        run.note("memory", idle_mib=round(fresh, 1), connection_kib=round(each, 1), soak=[[round(at), round(mib, 1)] for at, mib in samples.taken])
        run.verdict()


if __name__ == "__main__":
    main()
