"""Thousands of idle, dribbling, mute and deaf clients beside genuine pushes, at every step of a connection, and others that do
nothing but handshakes: no push fails or is put off, none waits, and the others are cut at their deadlines. What comes over a bound of
connections is turned away quickly, an app that floods leaves room for another one, and so do orders that wait for a back end (bounds.py)."""

import pathlib
import subprocess
import sys
import threading
import time

from campaigns import Campaign, client, quiet, runs, server, stop_well  # first

import bounds
import ledgers
import process
import wechat

CROWD = pathlib.Path(__file__).with_name("crowd.py")
# Seconds, of the settings below.
DEADLINES = {"idle": 60.0, "dribbling": 3.0, "greeting": 5.0, "hello": 5.0, "unheard": 5.0, "unread": 3.5}
SERVER = {"idle_timeout": "60s", "header_timeout": "3s", "handshake_timeout": "5s", "request_deadline": "3500ms"}
SLACK = 1.0
COMING_BACK = "dribbling"  # when it was cut: so many are there until all others are gone
MOST_BETWEEN = 0.2  # the share of them that is being cut, or connects again
MOST_P99 = 250.0  # milliseconds
NEW_CONNECTIONS = 20.0  # genuine ones a second, beside those that are kept
ORDERS = 100  # times the rate: more than are pushed until the end


class Crowd:
    def __init__(self, run, running, kind, count):
        port = running.status_at_start["listening"][0].rsplit(":", 1)[1]
        words = [sys.executable, "-B", str(CROWD), kind, str(count), port, str(running.sections["server"]["certificate"])]
        self.kind, self.count, self.run = kind, count, run
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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
        self.run.figures[f"{self.kind}_lived_s"] = lived
        self.run.judge(
            lived <= DEADLINES[self.kind] + SLACK,
            f"{self.count} {self.kind}: gone {lived:.1f} s after their deadline of {DEADLINES[self.kind]:.1f} s began",
        )
        soonest = self.told("soonest")
        runs.hold(soonest >= DEADLINES[self.kind] / 2, f"{self.kind}: one was cut {soonest:.1f} s after its deadline began, well before it")
        self.told("refused")

    def come_back_no_more(self):
        self.process.stdin.close()

    def end(self):
        """Of those that drop: how many handshakes they made, and how many came to nothing."""
        self.process.stdin.close()
        return int(self.told("made")), int(self.told("refused"))


class NewConnections:
    """Genuine pushes, each over a connection of its own."""

    def __init__(self, running, name):
        self.took, self.failed = [], []
        self._running, self._name = running, name
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
            push = wechat.push(ledgers.APP, wechat.waybill(f"{self._name}-new-{number}"))
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


class Genuine:
    """Genuine pushes over kept connections and over new ones, while this is entered."""

    def __init__(self, run, running, name):
        orders = ledgers.numbered(name, int(run.options.rate * ORDERS))
        self._run, self._running, self._name = run, running, name
        self._kept = ledgers.Pushing(running, ledgers.plans(run.chance, orders, 8), run.options.rate)
        self._new = NewConnections(running, name)

    def __enter__(self):
        self._kept.__enter__()
        self._new.__enter__()
        return self

    def __exit__(self, *failure):
        self._new.__exit__(*failure)
        self._kept.stop()
        self._kept.__exit__(*failure)

    def judge(self):
        run, kept, new = self._run, self._kept, self._new
        runs.hold(not new.failed, f"genuine pushes over new connections failed: {new.failed[:3]}")
        bounds.hold_untouched(kept)
        p99 = {"kept": ledgers.percentile(kept.waited, 0.99), "new": ledgers.percentile(new.took, 0.99)}
        p99 = {name: round(1000 * seconds, 1) for name, seconds in p99.items()}
        run.judge(
            max(p99.values()) <= MOST_P99,
            f"{self._name}: {len(kept.waited)} pushes over kept connections, p99 {p99['kept']} ms;"
            f" {len(new.took)} over new ones, {p99['new']} ms",
        )
        run.counts["acknowledged"] += len(kept.acknowledged) + len(new.took)
        run.figures[f"{self._name}_p99_ms"] = p99
        stored = {event["event_id"] for event in self._running.events()}
        runs.hold(stored >= set(kept.acknowledged), "an acknowledged push is not stored")


def crowded(run, running, counts):
    """All kinds at once, until each is gone."""
    pid = running.status_at_start["pid"]
    with Genuine(run, running, "crowded") as genuine:
        time.sleep(1.0)
        before = process.memory(pid)["VmRSS"]
        idle = Crowd(run, running, "idle", counts["idle"])
        idle.wait_until_open()
        there = running.status()["connections"]
        runs.hold(there >= counts["idle"], f"{there} connections are open, not {counts['idle']} idle ones and more")
        each = (process.memory(pid)["VmRSS"] - before) / counts["idle"]
        run.say(f"{counts['idle']} idle connections, {each / 1024:.1f} KiB of memory each")
        run.figures["kib_per_idle_connection"] = round(each / 1024, 1)
        dribbling = Crowd(run, running, COMING_BACK, counts[COMING_BACK])
        dribbling.wait_until_open()
        at_once = counts["idle"] + counts[COMING_BACK] * (1 - MOST_BETWEEN)
        server.wait_until(lambda: running.status()["connections"] >= at_once, "all that are idle, and those that dribble, at once")
        others = [Crowd(run, running, kind, counts[kind]) for kind in counts if kind not in ("idle", COMING_BACK)]
        for crowd in others:
            crowd.wait_until_open()
        for crowd in [*others, idle]:
            crowd.wait_until_gone()
        dribbling.come_back_no_more()
        dribbling.wait_until_gone()
    genuine.judge()
    run.counts.update(counts)
    server.wait_until(lambda: running.status()["connections"] == 0, "all connections gone", client.DEADLINE)


def handshakes(run, running):
    """As many as one process can make, each connection dropped when it is done."""
    with Genuine(run, running, "handshakes") as genuine:
        crowd = Crowd(run, running, "dropping", run.options.dropping)
        crowd.wait_until_open()
        time.sleep(run.options.seconds)
        made, refused = crowd.end()
    runs.hold(made > 0, "no handshake was made")
    run.say(f"{made} handshakes in {run.options.seconds:.0f} s, and dropped; {refused} came to nothing")
    run.counts.update(handshakes_dropped=made)
    genuine.judge()


def main():
    run = Campaign(
        __doc__,
        idle=(10_000, 200),
        dribbling=(1000, 50),
        greeting=(1000, 50),
        hello=(1000, 50),
        unheard=(200, 10),
        unread=(200, 10),
        dropping=(64, 8),
        seconds=(20.0, 2.0),
        half_sent=(2000, 500),
        over=(2000, 50),  # connections over each bound
        stalls=(10, 2),
        waiting=(260_000, 400),  # orders, of which every other one waits for a back end
        waiting_rate=(3000, 200),
        rate=(200.0, 50.0),
    )
    with run:
        counts = {kind: getattr(run.options, kind) for kind in DEADLINES}
        shorter = {**SERVER, "idle_timeout": "5s"} if run.short else SERVER
        if run.short:
            DEADLINES["idle"] = 5.0
        running = run.server(sections=quiet(server=shorter))
        running.start()
        crowded(run, running, counts)
        handshakes(run, running)
        stop_well(running)
        bounds.over_bounds(run)
        bounds.bodies(run)
        bounds.held_bytes(run)
        bounds.flood(run)
        bounds.lanes(run)
        run.verdict()


if __name__ == "__main__":
    main()
