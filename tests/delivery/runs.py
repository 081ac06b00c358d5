"""What the delivery runs of this folder have in common. Import this first: it makes the modules of tests/e2e importable.

A run is `NAME.py [--short] [--seed N] […]`: it prints what it measured, keeps its own ledger of what was acknowledged, and
ends with 1 and an account of what was violated, else with 0. `--short` is the form for every test run: small, and judged by
what arrives alone, never by how fast.
"""

import argparse
import collections
import os
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import client  # noqa: E402  (found through the line above)
import server  # noqa: E402

HANDLER = "backend"  # the name of the one that is looked at


class Violation(Exception):
    """What was promised did not hold."""


def hold(truth, account):
    if not truth:
        raise Violation(account)


class Run:
    """One run: its options, its chance, its servers and back ends, which go away with it."""

    def __init__(self, description, **sizes):
        """`sizes`: an option for each, name=(long, short)."""
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--short", action="store_true", help="small, and nothing is timed")
        parser.add_argument("--seed", type=int, default=None, help="of a run that is to be repeated")
        for name, (long, short) in sizes.items():
            kind = type(long)
            parser.add_argument(
                "--" + name.replace("_", "-"), type=kind, default=None, help=f"{long}; {short} if short"
            )
        self.options = parser.parse_args()
        self.short = self.options.short
        for name, (long, short) in sizes.items():
            if getattr(self.options, name) is None:
                setattr(self.options, name, short if self.short else long)
        self.seed = random.randrange(1 << 32) if self.options.seed is None else self.options.seed
        self.chance = random.Random(self.seed)
        self.counts = collections.Counter()  # what adds up over runs, for those who keep account of it
        self.name = pathlib.Path(sys.argv[0]).stem
        self._began = time.monotonic()
        self._cleanups = []

    def __enter__(self):
        self.say(f"seed {self.seed}" + (", short form" if self.short else ""))
        return self

    def __exit__(self, kind, error, _):
        for cleanup in reversed(self._cleanups):
            cleanup()
        if kind is not None and issubclass(kind, (Violation, AssertionError)):
            self.say(f"VIOLATED (seed {self.seed}): {error}")
            sys.exit(1)
        if kind is not None and issubclass(kind, Exception):  # what it was follows, with its trace
            self.say(f"BROKEN OFF (seed {self.seed})")
        if kind is None:
            self.say(f"held, in {time.monotonic() - self._began:.0f} s")

    def say(self, text):
        print(f"{self.name}: {text}", flush=True)

    def judge(self, truth, account):
        """A figure. It is told in any case, and decides in the long form only."""
        self.say(("" if truth else "NOT MET: ") + account)
        if not self.short:
            self._missed = getattr(self, "_missed", []) + ([] if truth else [account])

    def verdict(self):
        hold(not getattr(self, "_missed", []), "; ".join(getattr(self, "_missed", [])))

    def on_end(self, cleanup):
        self._cleanups.append(cleanup)

    def server(self, **options):
        running = server.Server(**options)
        self.on_end(running.remove)
        return running


def handler(url, **settings):
    return {"name": HANDLER, "type": "http", "url": url, "allow_private": True, **settings}


def log_to_file(running, program=server.BINARY):
    """The log goes to a file, so that nobody has to keep up with it. Before start()."""
    log = running.directory / "server.log"
    look = running.wait  # for leaks, also in this file

    def wait(*arguments):
        code = look(*arguments)
        running.hidden.look_at_file(log)
        return code

    running.wait = wait
    running.program = ["/bin/sh", "-c", f'exec "{program}" serve -c "$0" >>"{log}" 2>&1']
    return log


def of_handler(running, name=HANDLER):
    """A handler in `wxpush status`."""
    return next(one for one in running.status()["handlers"] if one["name"] == name)


def wait_for_all(running, deadline, name=HANDLER):
    """Until nothing is pending for the handler."""
    server.wait_until(lambda: of_handler(running, name)["pending"] == 0, "nothing pending", deadline)
