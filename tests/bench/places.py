"""Where the parts of a measurement run. Import this first: it makes the modules of tests/e2e, delivery and fault importable.

Servers have the first core to themselves, the load and this harness the second one. A store lies on the disk that holds
build/, or in memory.
"""

import os
import pathlib
import shutil
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
TREE = TESTS.parent
sys.path.insert(0, str(TESTS / "e2e"))
sys.path.extend([str(TESTS / "delivery"), str(TESTS / "fault")])

RIVALS = pathlib.Path(__file__).resolve().parent / "rivals"
BUILT = TREE / "build" / "bench"  # what is made once for all runs
DISK, MEMORY = "disk", "tmpfs"
STORES = {DISK: BUILT / "stores", MEMORY: pathlib.Path("/dev/shm")}

ALL_CORES = os.sched_getaffinity(0)
SEVERAL_CORES = len(ALL_CORES) > 1 and bool(shutil.which("taskset"))
SERVER_CORE, LOAD_CORE = 0, 1
ANY_CORE = None


def on_core(number):
    """Words before a command that keep it on that core, where there are several, and not on this process's; None: on any."""
    if not SEVERAL_CORES:
        return []
    return ["taskset", "-c", ",".join(map(str, sorted(ALL_CORES))) if number is ANY_CORE else str(number)]


def step_aside():
    """This process leaves the servers' core alone."""
    if SEVERAL_CORES:
        os.sched_setaffinity(0, {LOAD_CORE})
