"""The account of a campaign that kills: what was acknowledged, what got no answer and was pushed again, and whether the
store holds all of it, once, with its body, in a sound file.

A body is compared by its hash: event_id is the SHA-256 of appid and message, and the account has it from who pushed it.
"""

import collections
import contextlib
import hashlib
import sqlite3

import campaigns  # first

import ledgers
import load
import runs
import wechat

APP = wechat.App()
THREADS = 4
ALL_ROWS = "SELECT count(*) FROM event"
COUNTED = "SELECT value FROM meta WHERE key = 'events'"
SAMPLE = 1000  # events of those stored before, looked at one by one
# What a store held before: all ids up to `last`, so many events, and of some of them {id: event_id}.
Before = collections.namedtuple("Before", "last count sample")
NOTHING = Before(0, 0, {})


class Account:
    """Of one server over all its lives: push_again(), `with under_load() as pushing: …; running.kill()`, end(pushing), and
    again."""

    def __init__(self, running, before=NOTHING, body=None):
        self.acknowledged = {}  # event_id: number of the round in which it was
        self.orders = collections.defaultdict(list)  # order: its event_ids, as pushed
        self.pushed_again = 0
        self._running = running
        self._before = before  # not of this account, and to be as it was
        self._filler = {"filler": "x" * body} if body else {}
        self._unanswered = []
        self._round = 0

    def push_again(self):
        """WeChat's next try of what got no answer: stored by then or not, it is acknowledged now."""
        for push in self._unanswered:
            response = self._running.post(push)
            runs.hold(response.status == 200, f"a push that came again was answered {response.status}")
            self.acknowledged.setdefault(push.event_id, self._round)
        self.pushed_again += len(self._unanswered)
        self._unanswered = []

    def known(self, message):
        """One that was stored before this account began comes again; check() sees whether it got a second row."""
        response = self._running.post(wechat.push(APP, message))
        runs.hold(response.status == 200, f"what was stored before was answered {response.status}")

    def under_load(self):
        """Threads that push distinct messages until the connection breaks; each one's orders go through all statuses."""
        self._round += 1
        return load.Load(self._running, self._message, THREADS, APP)

    def _message(self, thread, number):
        order = f"{self._round}-{thread}-{number // len(ledgers.STATUSES)}"
        message = wechat.waybill(order, ledgers.STATUSES[number % len(ledgers.STATUSES)], **self._filler)
        self.orders[order].append(wechat.event_id(APP.appid, message))  # an order is one thread's
        return message

    def end(self, pushing):
        """After the round's kill."""
        runs.hold(not pushing.refused, f"pushes were answered {sorted({status for status, _ in pushing.refused})}")
        for event in pushing.acknowledged:
            self.acknowledged.setdefault(event, self._round)
        self._unanswered += pushing.unanswered

    def check(self):
        check_store(self._running, self.acknowledged, self.orders, self._before)

    def check_delivery(self, lines):
        """`lines`: a back end's ledger (tests/delivery). Everything acknowledged was taken, in its order."""
        pushed = ledgers.Pushing(None, [])
        pushed.orders, pushed.acknowledged = self.orders, self.acknowledged
        ledgers.check(pushed, lines)


def held(running, chance):
    """What the store holds now, for later: Before."""
    with reading(running) as database:
        database.execute("BEGIN")
        last, count = database.execute("SELECT coalesce(max(id), 0), count(*) FROM event").fetchone()
        ids = [number for (number,) in database.execute("SELECT id FROM event ORDER BY id")]
        some = chance.sample(ids, min(SAMPLE, count))
        return Before(last, count, {number: look_at(database, number)[0] for number in some})


def look_at(database, number):
    """(event_id, what it should be by the row's body) of the event with this id; None if there is none."""
    row = database.execute("SELECT event_id, appid, body FROM event WHERE id = ?", (number,)).fetchone()
    return (row[0], hash_of(*row[1:])) if row else None


def hash_of(appid, body):
    return hashlib.sha256(appid.encode() + b"\0" + body).digest()


def check_store(running, acknowledged, orders, before=NOTHING):
    """Beside the running server, which nobody uses meanwhile. `orders`: {order: event_ids of all that was pushed}."""
    with reading(running) as database:
        database.execute("BEGIN")  # one state for all questions
        (sound,) = database.execute("PRAGMA integrity_check").fetchone()
        runs.hold(sound == "ok", f"the database is corrupt: {sound}")
        counted, all_rows = (database.execute(query).fetchone()[0] for query in (COUNTED, ALL_ROWS))
        runs.hold(counted == all_rows, f"the store counts {counted} events, and has {all_rows}")
        stored, changed = set(), []
        for event, *content in database.execute("SELECT event_id, appid, body FROM event WHERE id > ?", (before.last,)):
            stored.add(event.hex())
            if hash_of(*content) != event:
                changed.append(event.hex())
        (twice,) = database.execute("SELECT count(*) - count(DISTINCT event_id) FROM event").fetchone()
        check_before(database, before)
    lost = set(acknowledged) - stored
    runs.hold(not lost, f"{len(lost)} acknowledged events are lost: {sorted(lost)[:3]}")
    runs.hold(not changed, f"{len(changed)} bodies are not what was pushed: {sorted(changed)[:3]}")
    runs.hold(twice == 0, f"{twice} rows repeat an event_id")
    strangers = stored - {event for events in orders.values() for event in events}
    runs.hold(not strangers, f"{len(strangers)} events are stored that nobody pushed: {sorted(strangers)[:3]}")


def check_before(database, before):
    (count,) = database.execute("SELECT count(*) FROM event WHERE id <= ?", (before.last,)).fetchone()
    runs.hold(count == before.count, f"{count} of the {before.count} events stored before are there")
    changed = [number for number, event in before.sample.items() if look_at(database, number) != (event, event)]
    runs.hold(not changed, f"of {len(before.sample)} events stored before {len(changed)} changed: {changed[:3]}")


def reading(running):
    """The store, read-only, beside its server (docs/store.md, "Readers and copies"); for a with statement."""
    return contextlib.closing(sqlite3.connect(f"file:{running.store / 'queue.db'}?mode=ro", uri=True))


def number(running, query, *values):
    """The one number that the query asks for; 0 if there is none."""
    with reading(running) as database:
        row = database.execute(query, values).fetchone()
    return row[0] or 0 if row else 0
