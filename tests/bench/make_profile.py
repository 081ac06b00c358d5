"""What wxpush does most under a load of pushes, for the compiler: writes cmake/wxpush.profdata.

The server is the one that WXPUSH_PROFILED names, which counts what it runs (WXPUSH_PROFILING); the load is the usual program.
Pushes as fast as they are acknowledged: with the log that is the default, over a new connection each, and delivered to an HTTP handler.
"""

import contextlib
import os
import pathlib
import subprocess

import places  # first

import backend
import contenders
import drain
import measurements
import runs
import turns

PROFILED = os.environ.get("WXPUSH_PROFILED", "")
PROFILE = places.TREE / "cmake" / "wxpush.profdata"
MERGE = "llvm-profdata-16"


class Profiled(contenders.WxPush):
    def __init__(self, counts, **options):
        super().__init__(**options)
        self._counts = counts

    def command(self, place):
        return [PROFILED, *super().command(place)[1:]]

    def environment(self, place):
        return {**super().environment(place), "LLVM_PROFILE_FILE": str(self._counts / "%p.profraw")}


def load(run, contender, seconds, more=()):
    with turns.serving(contender, run.certificate) as running:
        told = turns.offer(running, seconds, connections=run.options.connections, more=more)
    runs.hold(told["acknowledged"] > 0, f"nothing was acknowledged: {told}")


def main():
    run = measurements.Measurement(__doc__, seconds=(10.0, 0.5), connections=(64, 8), out=(str(PROFILE), ""))
    with run:
        runs.hold(PROFILED, "WXPUSH_PROFILED does not name a program that counts what it runs")
        run.certificate = turns.Certificate(run)
        counts = pathlib.Path(run.directory) / "counts"
        seconds = run.options.seconds
        load(run, Profiled(counts, log_level="info"), seconds)
        load(run, Profiled(counts, log_level="info"), seconds / 5, more=("--new-connections",))
        port = backend.free_port()
        with contextlib.closing(drain.FastBackend(port, 1_000_000)):
            load(run, Profiled(counts, handlers=[runs.handler(f"http://127.0.0.1:{port}/")]), seconds / 2)
        found = sorted(counts.glob("*.profraw"))
        runs.hold(len(found) == 3, f"three servers have run, and {len(found)} have left counts")
        out = pathlib.Path(run.options.out or counts / "profdata")
        subprocess.run([MERGE, "merge", "-sparse", *found, "-o", out], check=True)
        run.say(f"{out}: {out.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()
