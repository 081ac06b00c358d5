"""A part of the servers' core, held by the kernel (CFS bandwidth control), so that a load that costs more for each push than the
server does is not what limits. All who are measured get the same part.
"""

import contextlib
import os
import pathlib

PERIOD_US = 10_000
CONTROLLERS = [pathlib.Path("/sys/fs/cgroup/cpu"), pathlib.Path("/sys/fs/cgroup")]  # cgroup v1, v2
ENTER = 'echo 0 > "$0/cgroup.procs" && exec "$@"'


def _limit(group, quota):
    if (group / "cpu.max").exists():
        (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
    else:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(quota))


@contextlib.contextmanager
def of_a_core(part):
    """Gives the words before a command that hold it to this part of one core; none where that cannot be had here."""
    for controller in CONTROLLERS:
        group = controller / f"wxpush-bench-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            _limit(group, round(PERIOD_US * part))
        except OSError:  # made, but without this controller
            group.rmdir()
            continue
        try:
            yield ["sh", "-c", ENTER, str(group)]
        finally:
            with contextlib.suppress(OSError):  # somebody is still in it
                group.rmdir()
        return
    yield []
