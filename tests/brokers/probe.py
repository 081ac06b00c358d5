"""Some of the pushes from a process of their own, which times them.

What the acknowledgements take is the server's affair. The process that pushes most and plays the network between server and
broker has other things to do while a backlog rushes out, and so have the processors that it shares with the broker: a clock in
there would show those: a Redis that takes in a backlog keeps its processor busy throughout, and an ordinary priority, were it
the highest, does not get a process there at once. So this one does nothing else, and is a real-time process where it may.
"""

import contextlib
import multiprocessing
import os
import statistics
import time

import broker  # first

import ledgers
import runs

THREADS = 4
TOGETHER = 10.0  # seconds
PRIORITY = 10  # of a real-time process: above all that are not


def _push(pipe, running, plans, rate):
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    with ledgers.Pushing(running, plans, rate) as pushing:
        pipe.recv()
        pushing.stop()
    pipe.send((pushing.acknowledged, dict(pushing.orders), pushing.took))


class Probe:
    """Pushes with so many a second, until stop()."""

    def __init__(self, running, plans, rate):
        self._pipe, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("fork")  # `running` goes along; before there are threads here
        self._process = context.Process(target=_push, args=(theirs, running, plans, rate), daemon=True)
        self._process.start()
        theirs.close()
        self.took = []

    def stop(self, pushing, deadline=60.0):
        """What it pushed goes into the ledger of `pushing`; `took` is there from now on."""
        self._pipe.send("stop")
        runs.hold(self._pipe.poll(deadline), "the process that times pushes does not end")
        acknowledged, orders, self.took = self._pipe.recv()
        self._process.join(deadline)
        pushing.acknowledged.update(acknowledged)
        pushing.orders.update(orders)

    def count(self, *spans):
        """How many were acknowledged in these spans of time.monotonic()."""
        return sum(any(begin <= at < end for begin, end in spans) for at, _ in self.took)

    def p99(self, *spans):
        """Milliseconds; of what was acknowledged in these spans of time.monotonic(): the median of those of each ten seconds.

        So a machine that stands still for a moment, which others use, too, is not taken for the server; what comes with each attempt
        to connect, every five seconds at least, is in every ten.
        """
        parts = [part for span in spans for part in self._parts(*span)]
        runs.hold(parts, "nothing was timed")
        return statistics.median(1000 * ledgers.percentile(part, 0.99) for part in parts)

    def _parts(self, begin, end):
        count = max(1, int((end - begin) / TOGETHER))
        length = (end - begin) / count
        parts = [[] for _ in range(count)]
        for at, took in self.took:
            if begin <= at < end:
                parts[min(count - 1, int((at - begin) / length))].append(took)
        return [part for part in parts if part]
