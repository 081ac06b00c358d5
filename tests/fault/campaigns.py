"""What the campaigns of this folder that run the real binary have in common. Import this first: it makes the modules of
tests/e2e and tests/delivery importable.

A campaign is a run as those of tests/delivery are (runs.Run: seed, --short, judged figures), and its long form adds a line
to the ledger, whatever came of it.
"""

import pathlib
import sys
import time

import faults  # noqa: F401  (makes tests/e2e importable)

DELIVERY = pathlib.Path(__file__).resolve().parents[1] / "delivery"
sys.path.append(str(DELIVERY))

import client  # noqa: E402  (found through the line above)
import ledger  # noqa: E402
import runs  # noqa: E402
import server  # noqa: E402


class Campaign(runs.Run):
    def __init__(self, description, **sizes):
        super().__init__(description, **sizes)
        self.figures = {}  # for the ledger, beside self.counts; of this run alone

    def __exit__(self, kind, error, trace):
        judged = kind is None or issubclass(kind, (runs.Violation, AssertionError))
        if judged and not self.short:
            figures = {"figures": self.figures} if self.figures else {}
            findings = [f"{kind.__name__}: {error}"] if kind else []
            ledger.append(self.name, self.seed, {**self.counts, **figures}, findings)
        super().__exit__(kind, error, trace)


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
