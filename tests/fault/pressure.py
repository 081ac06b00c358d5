"""Thousands of idle, dribbling, mute and deaf clients beside genuine pushes: no push fails, none waits, and the others are cut at
their deadlines."""

import pathlib
import subprocess
import sys
import threading
import time

from campaigns import Campaign, client, quiet, runs, server, stop_well  # first

import ledgers
import process
import wechat

CROWD = pathlib.Path(__file__).with_name("crowd.py")
DEADLINES = {"idle": 60.0, "dribbling": 3.0, "greeting": 5.0, "unread": 3.5}  # of the settings below
SERVER = {"idle_timeout": "60s", "header_timeout": "3s", "handshake_timeout": "5s", "request_deadline": "3500ms"}
SLACK = 1.0
MOST_P99 = 250.0  # milliseconds
NEW_CONNECTIONS = 20.0  # genuine ones a second, beside those that are kept


class Crowd:
    def __init__(self, run, running, kind, count):
        port = running.status_at_start["listening"][0].rsplit(":", 1)[1]
        words = [sys.executable, "-B", str(CROWD), kind, str(count), port, str(running.sections["server"]["certificate"])]
        self.kind, self.count, self.run = kind, count, run
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        run.on_end(self.process.kill)

    def told(self, what):
        word, number = self.process.stdout.readline().split()
        assert word == what, (word, what)
        return float(number)

    def wait_until_open(self):
        opened = self.told("open")
        runs.hold(opened == self.count, f"{self.kind}: {opened:.0f} of {self.count} clients came in")

    def wait_until_gone(self):
        """All are closed by the server; how long the longest lived after its deadline had begun."""
        lived = self.told("gone")
        self.run.judge(
            lived <= DEADLINES[self.kind] + SLACK,
            f"{self.count} {self.kind}: gone {lived:.1f} s after their deadline of {DEADLINES[self.kind]:.1f} s began",
        )
        self.told("refused")


class NewConnections:
    """Genuine pushes, each over a connection of its own."""

    def __init__(self, running):
        self.took, self.failed = [], []
        self._running = running
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._push, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _push(self):
        number = 0
        while not self._stop.wait(1 / NEW_CONNECTIONS):
            push = wechat.push(ledgers.APP, wechat.waybill(f"new-{number}"))
            number += 1
            began = time.monotonic()
            try:
                status = self._running.post(push).status
            except OSError as error:
                status = repr(error)
            if status == 200:
                self.took.append(time.monotonic() - began)
            else:
                self.failed.append(status)


def main():
    run = Campaign(
        __doc__, idle=(10_000, 200), dribbling=(1000, 50), greeting=(1000, 50), unread=(200, 10), rate=(200.0, 50.0)
    )
    options = run.options
    with run:
        counts = {kind: getattr(options, kind) for kind in DEADLINES}
        shorter = {**SERVER, "idle_timeout": "5s"} if run.short else SERVER
        if run.short:
            DEADLINES["idle"] = 5.0
        running = run.server(sections=quiet(server=shorter))
        running.start()
        pid = running.status_at_start["pid"]
        orders = [f"order-{number}" for number in range(int(options.rate * 100))]
        with ledgers.Pushing(running, ledgers.plans(run.chance, orders, 8), options.rate) as pushing:
            with NewConnections(running) as new:
                time.sleep(1.0)
                before = process.memory(pid)["VmRSS"]
                idle = Crowd(run, running, "idle", counts["idle"])
                idle.wait_until_open()
                each = (process.memory(pid)["VmRSS"] - before) / counts["idle"]
                run.say(f"{counts['idle']} idle connections, {each / 1024:.1f} KiB of memory each")
                others = [Crowd(run, running, kind, counts[kind]) for kind in counts if kind != "idle"]
                for crowd in others:
                    crowd.wait_until_open()
                for crowd in [*others, idle]:
                    crowd.wait_until_gone()
            pushing.stop()
        runs.hold(not new.failed, f"genuine pushes over new connections failed: {new.failed[:3]}")
        runs.hold(pushing.broken == 0, f"{pushing.broken} genuine pushes were broken off")
        kept = 1000 * ledgers.percentile([took for _, took in pushing.took], 0.99)
        fresh = 1000 * ledgers.percentile(new.took, 0.99)
        run.judge(
            max(kept, fresh) <= MOST_P99,
            f"{len(pushing.took)} pushes over kept connections, p99 {kept:.1f} ms; {len(new.took)} over new ones, {fresh:.1f} ms",
        )
        run.counts = {**counts, "acknowledged": len(pushing.acknowledged) + len(new.took)}
        run.figures = {"kib_per_idle_connection": round(each / 1024, 1), "p99_kept_ms": round(kept, 1), "p99_new_ms": round(fresh, 1)}
        stored = {event["event_id"] for event in running.events()}
        runs.hold(stored >= set(pushing.acknowledged), "an acknowledged push is not stored")
        server.wait_until(lambda: running.status()["connections"] == 0, "all connections gone", client.DEADLINE)
        stop_well(running)
        run.verdict()


if __name__ == "__main__":
    main()
