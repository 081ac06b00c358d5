"""A part of the servers' core, held by the kernel (CFS bandwidth control), so that a load that costs more for each push than the
server does is not what limits. All who are measured get the same part.
"""

import contextlib
import os
import pathlib
import subprocess

PERIOD_US = 10_000
CONTROLLERS = [pathlib.Path("/sys/fs/cgroup/cpu"), pathlib.Path("/sys/fs/cgroup")]  # cgroup v1, v2
ENTER = 'echo 0 > "$0/cgroup.procs" && exec "$@"'


def _write(file, text):
    with open(file, "r+") as there:  # the kernel made it, or this is no group
        there.write(text)


def _limit(group, quota):
    if (group / "cpu.max").exists():
        _write(group / "cpu.max", f"{quota} {PERIOD_US}")
    else:
        _write(group / "cpu.cfs_period_us", str(PERIOD_US))
        _write(group / "cpu.cfs_quota_us", str(quota))


def _made(controller, part):
    """The words that enter a group of this controller with so much of a core; None: it cannot be had."""
    group = controller / f"wxpush-bench-{os.getpid()}"
    try:
        group.mkdir()
    except OSError:
        return None
    words = ["sh", "-c", ENTER, str(group)]
    try:
        _limit(group, round(PERIOD_US * part))
        subprocess.run([*words, "true"], stderr=subprocess.DEVNULL, check=True)
    except (OSError, subprocess.CalledProcessError):
        group.rmdir()
        return None
    return words


@contextlib.contextmanager
def of_a_core(part):
    """Gives the words before a command that hold it to this part of one core; none where that cannot be had here."""
    words = next(filter(None, (_made(controller, part) for controller in CONTROLLERS)), [])
    try:
        yield words
    finally:
        if words:
            with contextlib.suppress(OSError):  # somebody is still in it
                pathlib.Path(words[-1]).rmdir()
