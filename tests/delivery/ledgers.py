"""What was acknowledged and what came, each noted by its own side, and whether the one follows from the other."""

import collections
import pathlib
import subprocess
import sys
import threading
import time

import runs  # first

import client
import wechat

STATUSES = (101, 102, 201, 202, 301, 302)
AGAIN_AFTER = 0.02  # seconds; WeChat waits longer
GIVEN_UP_AFTER = 300.0 * client.PATIENCE  # seconds without a 200: no run keeps a server down for so long
APP = wechat.App()


def plans(chance, orders, threads):
    """For each thread the messages of its orders, interleaved by chance, each order's statuses in their order."""
    found = []
    for thread in range(threads):
        mine = [order for order in orders[thread::threads] for _ in STATUSES]
        chance.shuffle(mine)
        seen = collections.Counter()
        messages = []
        for order in mine:
            messages.append((order, STATUSES[seen[order]]))
            seen[order] += 1
        found.append(messages)
    return found


class Pushing:
    """Threads that push as WeChat does, each one push after the other, and again until it is acknowledged.

    `plans`: for each thread the (order, status) pairs. `rate`: pushes a second of all together, None: as fast as it goes.
    `fields`: of each message, besides.
    """

    def __init__(self, running, plans, rate=None, app=APP, **fields):
        self.acknowledged = {}  # event_id: monotonic time of its first 200
        self.orders = collections.defaultdict(list)  # order: its event_ids, as pushed
        self.took = []  # (when it ended, seconds) of each exchange that ended with 200
        self.waited = []  # seconds of each push, from its first try to its 200
        self.put_off = []  # (when it ended, seconds) of each exchange that ended with 503
        self.put_off_events = set()  # whose they were
        self.refused = []  # statuses other than 200 and 503
        self.broken = 0  # pushes whose connection broke
        self.given_up = []  # event_ids of pushes that were never acknowledged
        self._running, self._rate, self._app, self._fields = running, rate, app, fields
        self._stop = threading.Event()
        self._failed = threading.Event()  # the run itself
        self._plans = plans
        self._threads = [
            threading.Thread(target=self._push_all, args=(number, plan), daemon=True)
            for number, plan in enumerate(plans)
        ]

    def __enter__(self):
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            return self.join()
        self._stop.set()
        self._failed.set()
        for thread in self._threads:
            thread.join(client.DEADLINE * 2)

    def stop(self):
        """No push begins any more."""
        self._stop.set()

    def running(self):
        return any(thread.is_alive() for thread in self._threads)

    def join(self, deadline=3600.0):
        for thread in self._threads:
            thread.join(deadline)
            runs.hold(not thread.is_alive(), "a thread that pushes does not end")
        runs.hold(not self.refused, f"pushes were answered {sorted(set(self.refused))}")
        runs.hold(not self.given_up, f"{len(self.given_up)} pushes were not acknowledged in {GIVEN_UP_AFTER:.0f} s")

    def _push_all(self, thread, plan):
        connection = None
        for number, (order, status) in enumerate(plan):
            if self._rate:
                at = self._began + (number * len(self._plans) + thread) / self._rate
                self._stop.wait(max(0.0, at - time.monotonic()))
            if self._stop.is_set():
                break
            message = wechat.waybill(order, status, **self._fields)
            push = wechat.push(self._app, message)
            self.orders[order].append(push.event_id)  # an order is one thread's
            connection = self._push(connection, push)
        if connection:
            connection.close()

    def _push(self, connection, push):
        """Until it is acknowledged, also when the run is over: what was begun is ended."""
        first = time.monotonic()
        while True:
            try:
                connection = connection or self._running.connect()
                began = time.monotonic()
                status = connection.post(push).status
                if status == 503:
                    self.put_off.append((time.monotonic(), time.monotonic() - began))
                    self.put_off_events.add(push.event_id)
            except (OSError, ValueError):
                self.broken += 1
                if connection:
                    connection.close()
                connection = None
                status = 503
            if status == 200:
                now = time.monotonic()
                self.acknowledged[push.event_id] = now
                self.took.append((now, now - began))
                self.waited.append(now - first)
                return connection
            if status != 503:
                self.refused.append(status)
                return connection
            if self._failed.is_set() or time.monotonic() - first > GIVEN_UP_AFTER:
                self.given_up.append(push.event_id)
                return connection
            time.sleep(AGAIN_AFTER)


Line = collections.namedtuple("Line", "at what event attempt order status signed")


class MoodyBackend:
    """moody_backend.py as a process, started and killed at will on one port, over one ledger."""

    def __init__(self, directory, port, name="backend", **moods):
        self.ledger = pathlib.Path(directory) / (name + ".ledger")
        self.ledger.touch()
        self._port, self._moods = port, moods
        self.process = None
        self._offset, self._lines = 0, []

    def start(self, **moods):
        self._moods.update(moods)
        words = [sys.executable, "-B", str(pathlib.Path(__file__).with_name("moody_backend.py"))]
        words += ["--port", str(self._port), "--ledger", str(self.ledger)]
        for name, value in self._moods.items():
            if value is not False:
                words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        runs.hold(self.process.stdout.readline(), "the back end does not start")
        return self

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def lines(self):
        """All whole lines so far."""
        with open(self.ledger) as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind("\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            at, what, event, attempt, order, status, signed = line.split("\t")
            self._lines.append(Line(float(at), what, event, int(attempt), order, int(status), signed == "1"))
        return self._lines


def taken_at(lines):
    """event_id: when it was first answered 2xx."""
    found = {}
    for line in lines:
        if line.what == "200":
            found.setdefault(line.event, line.at)
    return found


def check(pushing, lines, but=lambda order: False):
    """Everything acknowledged was taken, signed, and offered only after all earlier ones of its order were.

    `but(order)`: orders whose events may be missing, since they died.
    """
    unsigned = [line.event for line in lines if not line.signed]
    runs.hold(not unsigned, f"{len(unsigned)} wrong signatures, the first of {unsigned[:1]}")
    position = {event: (order, at) for order, events in pushing.orders.items() for at, event in enumerate(events)}
    strangers = {line.event for line in lines} - set(position)
    runs.hold(not strangers, f"{len(strangers)} events came that nobody pushed: {sorted(strangers)[:3]}")
    missing = [
        event for event in set(pushing.acknowledged) - set(taken_at(lines)) if not but(position[event][0])
    ]
    runs.hold(not missing, f"{len(missing)} acknowledged events never arrived: {sorted(missing)[:3]}")
    taken = collections.Counter()  # order: how many of its first events
    for line in lines:
        order, at = position[line.event]
        runs.hold(
            (line.order, line.status) == (order, STATUSES[at]), f"{line.event} is not the id of what came with it"
        )
        if but(order):
            continue
        runs.hold(
            at <= taken[order],
            f"order {order}: event {at} ({line.event}) was offered when only {taken[order]} before it were taken",
        )
        if line.what == "200" and at == taken[order]:
            taken[order] += 1


def percentile(values, share):
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))] if ranked else float("nan")


def numbered(prefix, count):
    return [f"{prefix}-{number}" for number in range(count)]
