"""A server under `serve --supervise`: its parent is the process that was started, its worker the one that status names."""

import json
import os
import pathlib
import signal

import server
from processes import children, is_alive  # also for those who import this

LOOKS = 20
SUPERVISED = [server.BINARY, "serve", "--supervise", "-c"]


def prepare(case, **options):
    """Not started; removed with the test."""
    return case.prepare(program=SUPERVISED, **options)


def worker(running):
    """The process id of the worker that serves; None between two."""
    response = running.admin("/api/v1/status")
    return json.loads(response.body)["pid"] if response is not None and response.status == 200 else None


def wait_for_another(running, than, deadline=server.START_DEADLINE):
    """The worker that serves in place of `than`."""

    def look():
        found = worker(running)
        return found if found != than else None

    return server.wait_until(look, f"another worker than {than}", deadline)


def replace(running):
    """A graceful restart; returns (the worker before, the worker after)."""
    before = running.status()["pid"]
    running.signal(signal.SIGUSR2)
    after = wait_for_another(running, before)
    wait_until_alone(running, after)
    return before, after


def wait_until_alone(running, worker):
    """Until the supervisor knows of the old one's end: until then a request to replace waits."""
    server.wait_until(lambda: set(children(running.process.pid)) == {worker}, "the end of the old worker")


def kill_worker(running):
    """kill -9; returns the worker after."""
    before = running.status()["pid"]
    os.kill(before, signal.SIGKILL)
    after = wait_for_another(running, before)
    wait_until_alone(running, after)
    return after


def settled_files(pid):
    """open_files() once nothing that comes and goes is among them, as what serves a request for the status: the same in many looks
    in a row."""
    looks = []

    def look():
        looks.append(open_files(pid))
        return looks[-1] if looks[-1:] * LOOKS == looks[-LOOKS:] else None

    return server.wait_until(look, "descriptors that stay the same")


def open_files(pid):
    """What its descriptors are, sorted, numbers of sockets and pipes left out."""
    found = []
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(entry).partition(":[")[0])
        except OSError:
            continue
    return sorted(found)
