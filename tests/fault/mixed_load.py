"""All that a server does at once: pushes of many orders, a back end that fails, one that is not there, a bench with connections of
its own, reloads, and operators who list, replay, requeue, erase, check and back up. For ThreadSanitizer, which `./dev fault` builds it
with: a report of it is a finding. Everything acknowledged has to arrive, in order.

That reports would be seen is shown first: a program with a race (race.c) is found out in the same place, and there the server
says that it runs under ThreadSanitizer.
"""

import itertools
import os
import pathlib
import shutil
import subprocess
import threading
import time

import campaigns  # first

import backend
import client
import ledgers
import runs
import server

THREADS = 8
QUICK = {"timeout": "2s", "retry_min": "100ms", "retry_max": "2s", "max_attempts": 1000}
NOWHERE = {"name": "nowhere", "type": "http", "allow_private": True, "timeout": "200ms", "retry_max": "1s", "max_attempts": 3}
RACE = pathlib.Path(__file__).with_name("race.c")
COMPILER = "clang-16"
REPORT = "WARNING: ThreadSanitizer"
UNDER_IT = "Running under ThreadSanitizer"
BENCH_SECONDS = 3
DRAIN = 60


def sanitizer_options(directory):
    return f"verbosity=1:halt_on_error=0:exitcode=0:second_deadlock_stack=1:log_path={directory}/tsan"


class Operators:
    """One command after the other, and a signal now and then, until stop()."""

    def __init__(self, run, running):
        self._run, self._running = run, running
        self._backup = running.directory / "backup"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self.done = 0
        self.failed = []  # (command, code, stderr)
        self.ended_by = None  # what ended them before their time: nobody asks for anything any more
        self.slowest = {}  # seconds, by command

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(client.DEADLINE)
        runs.hold(not self._thread.is_alive(), "an operator's command does not end")
        runs.hold(self.ended_by is None, f"the operators ended after {self.done} commands: {self.ended_by!r}")

    def commands(self):
        """What may be asked, with the exit codes that are right."""
        certificate = str(self._running.sections["server"]["certificate"])
        where = ("--url", self._running.url(), "--ca-file", certificate, "--deliver")
        return (
            (("status",), (0,)),
            (("events", "list", "--limit", "50"), (0,)),
            (("events", "list", "--order", "mixed-1", "--reveal"), (0, 1)),
            (("orders", "list", "--limit", "20"), (0, 1)),
            (("dlq", "list", "--since", "10s"), (0, 1)),
            (("dlq", "requeue", "--handler", "nowhere", "--yes"), (0, 1)),
            (("events", "replay", "--handler", "log", "--order", "mixed-2", "--yes"), (0, 1)),
            (("events", "erase", "--order", "mixed-3", "--yes"), (0, 1)),
            (("handler", "list"), (0,)),
            (("quarantine", "list"), (0, 1)),
            (("store", "check"), (0,)),
            (("store", "backup", str(self._backup)), (0,)),
            (("reload",), (0,)),
            (("bench", "--duration", str(BENCH_SECONDS), "--rate", "50", "--connections", "8", *where), (0,)),
        )

    def _go_on(self):
        try:
            self._work()
        except Exception as error:  # of whatever kind: the load is not mixed any more
            self.ended_by = error

    def _work(self):
        for words, right in itertools.cycle(self.commands()):
            if self._stop.is_set():
                return
            shutil.rmtree(self._backup, ignore_errors=True)
            began = time.monotonic()
            result = self._running.run(*words)
            self.done += 1
            name = " ".join(words[:2])
            self.slowest[name] = max(self.slowest.get(name, 0), round(time.monotonic() - began, 1))
            if result.returncode not in right:
                self.failed.append((words, result.returncode, result.stderr[-500:]))
            metrics = self._running.admin("/metrics")
            runs.hold(metrics.status == 200, f"/metrics answered {metrics.status}")


def reports(directory):
    """Each from its first line on."""
    found = []
    for path in directory.glob("tsan*"):
        found += [REPORT + report for report in path.read_text(errors="replace").split(REPORT)[1:]]
    return found


def show_that_races_are_found(directory):
    program = directory / "race"
    subprocess.run([COMPILER, "-g", "-fsanitize=thread", str(RACE), "-o", str(program)], check=True, timeout=client.DEADLINE)
    subprocess.run([str(program)], check=True, timeout=client.DEADLINE)
    runs.hold(reports(directory), "a program with a race was not found out")
    for path in directory.glob("tsan*"):
        path.unlink()


def hold_that_it_is_watched(running):
    """By its own word, in the file to which it would report."""
    file = running.directory / f"tsan.{running.status_at_start['pid']}"
    watched = file.exists() and UNDER_IT in file.read_text(errors="replace")
    runs.hold(watched, f"{server.BINARY} does not run under ThreadSanitizer, or reports elsewhere")


def prepare(run, port):
    handlers = [
        runs.handler(f"http://127.0.0.1:{port}/", **QUICK),
        {**NOWHERE, "url": f"http://127.0.0.1:{backend.free_port()}/"},
        server.LOG_HANDLER,
    ]
    # At its end, too, a sanitizer slows it, and who has not ended soon after this time ends by force, with 74.
    running = run.server(handlers=handlers, sections=campaigns.quiet(server={"drain": f"{DRAIN}s"}))
    key = running.directory / "store.key"
    subprocess.run([server.BINARY, "keygen", "--store-key", str(key)], check=True, capture_output=True, timeout=client.DEADLINE)
    running.sections["store"]["encryption_key_file"] = str(key)
    os.environ["TSAN_OPTIONS"] = running.environment["TSAN_OPTIONS"] = sanitizer_options(running.directory)
    log = runs.log_to_file(running)
    running.sections["log"] = {"level": "info"}  # a line for each push and attempt, in which nothing private may stand
    return running, log


def main():
    run = campaigns.Campaign(__doc__, seconds=(1800.0, 8.0), rate=(100.0, 60.0))
    with run:
        port = backend.free_port()
        running, log = prepare(run, port)
        moody = ledgers.MoodyBackend(running.directory, port, seed=run.chance.randrange(1 << 30), fail=0.1)
        run.on_end(moody.kill)
        moody.start()
        if not run.short:
            show_that_races_are_found(running.directory)
        running.start()
        if not run.short:
            hold_that_it_is_watched(running)
        orders = ledgers.numbered("mixed", int(run.options.seconds * run.options.rate / len(ledgers.STATUSES)))
        plans = ledgers.plans(run.chance, orders, THREADS)
        with Operators(run, running) as operators:
            began = time.monotonic()
            with ledgers.Pushing(running, plans, run.options.rate) as pushing:
                pass
            run.say(f"{len(pushing.acknowledged)} acknowledged in {time.monotonic() - began:.0f} s")
            found = reports(running.directory)  # so far: told also where something else does not hold
            run.say(f"{len(found)} reports of ThreadSanitizer; the slowest commands: {operators.slowest}")
        runs.wait_for_all(running, client.DEADLINE * 2, runs.HANDLER)
        runs.hold(not operators.failed, f"commands failed: {operators.failed[:3]}")
        ours = [line for line in moody.lines() if line.order.startswith("mixed-")]  # the bench's are its own
        ledgers.check(pushing, ours)
        code = running.stop(DRAIN * 2)
        end = "\n".join(log.read_text().splitlines()[-20:])
        runs.hold(code == 0, f"the server ended with {code}:\n{end}")
        found = reports(running.directory)
        run.counts.update(acknowledged=len(pushing.acknowledged), commands=operators.done, reports=len(found))
        run.say(f"{operators.done} commands of operators; {len(found)} reports of ThreadSanitizer")
        runs.hold(not found, f"{len(found)} reports of ThreadSanitizer, the first:\n{found[0] if found else ''}")


if __name__ == "__main__":
    main()
