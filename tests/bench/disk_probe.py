"""How fast the disk is by itself: appends of 4 KiB to a file beside the store, each followed by an fdatasync.

Beside a load it would take syncs away from what is measured, and be held up by it: so it runs just before and just after,
in the same seconds. Alone: disk_probe.py DIRECTORY [SECONDS]
"""

import json
import os
import pathlib
import sys
import tempfile
import time

import places  # noqa: F401  (makes tests/delivery importable)

import ledgers

BLOCK = b"\xa5" * 4096


def took(directory, seconds):
    """Seconds that each sync took, write included."""
    found = []
    with tempfile.NamedTemporaryFile(dir=directory, prefix="probe-", buffering=0) as file:
        number = file.fileno()
        end = time.perf_counter() + seconds
        at = time.perf_counter()
        while at < end:
            os.write(number, BLOCK)
            os.fdatasync(number)
            now = time.perf_counter()
            found.append(now - at)
            at = now
    return found


def summary(samples):
    """{"syncs", "per_second" (1 / the median), "p50_ms", "p99_ms"}"""
    median = ledgers.percentile(samples, 0.5)
    return {
        "syncs": len(samples),
        "per_second": round(1 / median),
        "p50_ms": round(1000 * median, 3),
        "p99_ms": round(1000 * ledgers.percentile(samples, 0.99), 3),
    }


if __name__ == "__main__":
    where = pathlib.Path(sys.argv[1])
    print(json.dumps(summary(took(where, float(sys.argv[2]) if len(sys.argv) > 2 else 5.0))))
