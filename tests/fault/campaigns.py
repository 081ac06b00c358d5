"""What the campaigns of this folder that run the real binary have in common. Import this first: it makes the modules of
tests/e2e and tests/delivery importable.

A campaign is a run as those of tests/delivery are (runs.Run: seed, --short, judged figures), and its long form adds a line
to the ledger, whatever came of it: what ended it early is a finding, whatever it was. A server that crashed shows as a broken
connection first.
"""

import pathlib
import sys
import time
import unittest

import faults  # noqa: F401  (makes tests/e2e importable)

DELIVERY = pathlib.Path(__file__).resolve().parents[1] / "delivery"
sys.path.append(str(DELIVERY))

import client  # noqa: E402  (found through the line above)
import ledger  # noqa: E402
import runs  # noqa: E402
import server  # noqa: E402


MOST_OF_A_FINDING = 4000  # characters; some bring a whole log along


class Found(runs.Violation):
    """The run's own findings, which stand in the ledger one by one."""


class Campaign(runs.Run):
    def __init__(self, description, name=None, **sizes):
        """`name`: in the ledger, if not the script's."""
        super().__init__(description, **sizes)
        self.name = name or self.name
        self.figures = {}  # for the ledger, beside self.counts; of this run alone
        self.findings = []  # of a campaign that goes on after one
        self._stamp = None if self.short else ledger.stamp(self.name)  # files may change before it ends

    def __exit__(self, kind, error, trace):
        try:
            super().__exit__(kind, error, trace)
        except Exception as found:  # by what was put away just now
            error = error or found
            raise
        finally:
            self._note(error)

    def _note(self, error):
        no_run = isinstance(error, unittest.SkipTest) or (error and not isinstance(error, Exception))  # left, or interrupted
        if self.short or no_run:
            return
        figures = {"figures": self.figures} if self.figures else {}
        told = [] if error is None or isinstance(error, Found) else [f"{type(error).__name__}: {error}"[:MOST_OF_A_FINDING]]
        ledger.append(self.name, self.seed, {**self.counts, **figures}, [*self.findings, *told], self._stamp)

    def verdict(self):
        super().verdict()
        if self.findings:
            raise Found("\n".join(self.findings[:50]))


def timed_start(running):
    """Seconds from the start of the process until it was ready."""
    began = time.monotonic()
    running.start()
    return time.monotonic() - began


def quiet(**sections):
    """Sections of a configuration whose log holds what is wrong alone, so that nobody has to keep up with it."""
    return {"log": {"level": "warning"}, **sections}


def stop_well(running):
    runs.hold(running.stop(client.DEADLINE * 2) == 0, "the server did not end well:\n" + running.log.text())


def log_of_pushes(running, verdict):
    return running.metric("wxpush_pushes_total", app="shop", verdict=verdict)


__all__ = ["Campaign", "client", "log_of_pushes", "quiet", "runs", "server", "stop_well", "timed_start"]
