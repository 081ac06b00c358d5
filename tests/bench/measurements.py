"""What the measurements of this folder have in common: options, a directory, one table for people, JSON lines for machines.

`--results FILE` adds a line for every turn and every summary, each with the commit, the time and the machine, so that a line
says by itself what it is a figure of.
"""

import datetime
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile

import places  # first

import ledger
import machine
import runs
import server

BUSY = 0.15  # of a core, taken by others: from there on the machine is called busy


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def spread(values, form="{:.2f}"):
    """Median, and from which to which."""
    if not values:
        return "-"
    told = form.format(median(values))
    return told if len(values) == 1 else f"{told} ({form.format(min(values))} to {form.format(max(values))})"


def table(header, rows):
    """Lines; the first column to the left, the others to the right."""
    cells = [list(map(str, row)) for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = []
    for row in cells:
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join([row[0].ljust(widths[0]), *rest]).rstrip())
    return [lines[0], "-" * len(lines[0]), *lines[1:]]


class Measurement(runs.Run):
    def __init__(self, description, **sizes):
        super().__init__(description, results=("", ""), **sizes)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and not without what is cleaned up at the end
        places.step_aside()
        places.BUILT.mkdir(parents=True, exist_ok=True)
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="wxpush-bench-"))
        self.on_end(lambda: shutil.rmtree(self.directory, ignore_errors=True))
        runs.hold(server.BINARY, "WXPUSH_BINARY does not name the program: call ./dev bench")
        self._stamp = {
            "measurement": self.name,
            "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "commit": ledger.commit(),
            "machine": machine.describe(places.BUILT),
        }
        self._others = []

    def __enter__(self):
        told = self._stamp["machine"]
        self.say(
            f"{self._stamp['at']}, commit {self._stamp['commit']}; {told['cores']} cores {told['processor']},"
            f" {told['memory_gib']} GiB, Linux {told['kernel']}, {told['file_system']};"
            f" load before: {os.getloadavg()[0]:.1f}"
        )
        return self

    def note(self, kind, **what):
        """One line of the results."""
        if "others_busy" in what:
            self._others.append(what["others_busy"])
        if self.options.results:
            self.keep(self.options.results, kind, **what)

    def keep(self, file, kind, **what):
        with open(file, "a") as lines:
            lines.write(json.dumps({**self._stamp, "kind": kind, **what}, ensure_ascii=False) + "\n")

    def show(self, title, header, rows):
        print(f"\n{title}")
        print("\n".join(table(header, rows)), flush=True)

    def tell_company(self):
        """Whether the machine was ours."""
        if self._others:
            typical, most = median(self._others), max(self._others)
            kind = "BUSY WITH OTHER THINGS, so these are no figures to keep" if typical > BUSY else "quiet"
            self.say(f"others took {typical:.2f} of a core (at most {most:.2f}): the machine was {kind}")
