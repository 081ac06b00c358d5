"""wxpush itself under the disk recorder: pushed to from outside, what it answered 200 is promised; and asked what it then has."""

import json
import pathlib
import random
import sqlite3
import subprocess
import time

import recording  # first

import configuration
import server
import verdicts
import wechat

SHOP = wechat.App()
DAY = 86_400
SERVED_EVERY = 20  # states: these are listed by the command for it, and pushed everything again
NOT_YET = (69, 77)  # a command finds no store, or one that was cut off before its first table; a server goes on with either
ENDS = (0, -9)  # stopped or killed; nothing else happens to these lives
HANDLER = {"name": "backend", "type": "log"}


class ServerSubject:
    asked_again = False  # `store_subject verify` cannot: ProgramVerifier does it, to a share of the states

    def __init__(self, record):
        self.recording = record
        self.sizes = {"retention": 7 * DAY, "min_retention": DAY}
        self.made = []  # all pushes, in order
        self.unanswered, self.answered = [], []
        self._running = server.Server(tls=False, store=record.root / "store", handlers=[HANDLER])

    def verify_words(self, _):
        """What ProgramVerifier has to know: all that was ever pushed."""
        return self.made

    @property
    def said(self):
        return self._running.log.text()

    def new_push(self):
        self.made.append(wechat.push(SHOP, wechat.waybill(f"order-{len(self.made) + 1}")))
        return self.made[-1]

    def live(self, pushes, **options):
        """One life: starts, pushes first what went unanswered, then these, and stops; returns the exit code and its records."""
        running = self._running
        running.environment = self.recording.environment(**options)
        self.recording.mark(f"clock {int(time.time() * 1000)}")
        try:
            running.start()
            self._push_all([*self.unanswered, *pushes])
        except (AssertionError, AttributeError):  # it ended instead of serving, or of telling where it listens
            self.unanswered += pushes
        except OSError:  # it ended instead of answering
            pass
        if not self.unanswered:  # else it has ended, or is about to
            running.signal(server.signal.SIGTERM)
        return running.wait(), self.recording.life_over()

    def _push_all(self, pushes):
        self.unanswered = list(pushes)
        with self._running.connect() as connection:
            for push in pushes:
                self.recording.mark(f"try {push.event_id} {int(time.time() * 1000)}")
                status = connection.post(push).status
                if status != 200:
                    self.recording.mark(f"refused {push.event_id}")
                    continue
                # What was acknowledged before is known, as far as one can see from here; its row is nobody's business.
                heard = "known" if push in self.answered else "stored"
                self.recording.mark(f"{heard} {push.event_id} {int(time.time() * 1000)} 0")
                self.unanswered.remove(push)
                if heard == "stored":
                    self.answered.append(push)

    def remove(self):
        self._running.remove()


class ProgramVerifier:
    """Opens a store by wxpush's own start procedure; now and then reads it by the command that users have for it, too."""

    def __init__(self, workspace):
        self.place = pathlib.Path(workspace) / "asked"
        self._asked = 0
        self._configuration = pathlib.Path(workspace) / "asked.toml"
        sections = {
            "server": {"listen": "127.0.0.1:0", "tls": "off"},
            "admin": {"listen": "off"},
            "store": {"path": self.place / "store", "min_free": "1MiB", "max_size": "4GiB"},
        }
        self._configuration.write_text(configuration.text(sections, [SHOP.settings()], [HANDLER]))

    def ask(self, state, pushes):
        verdicts.lay_out(state, self.place)
        # Changes nothing, and opens the store as a server does: nobody is called that.
        opened = self._run("handler", "forget", "nobody")
        if opened.returncode in NOT_YET:
            error = self._serve([])
        else:
            well = opened.returncode == 1 and "no handler is called nobody" in opened.stderr
            error = "" if well else f"exit {opened.returncode}: {opened.stderr}"
        if error:
            return {"error": error}
        rows, wrong = self._look_into_database()
        self._asked += 1
        if self._asked % SERVED_EVERY == 0:
            wrong += self._list(rows) + self._push_again(rows, pushes)
        return {"rows": rows, "known": [], "wrong": wrong, "cursor": 0}

    def _list(self, rows):
        listed = self._run("events", "list", "--format", "json", "--limit", "1000000")
        if sorted(json.loads(line)["event_id"] for line in listed.stdout.splitlines()) == sorted(rows):
            return []
        return [f"events list shows other events than there are: exit {listed.returncode}: {listed.stderr}"]

    def _push_again(self, rows, pushes):
        """Everything, what was never answered too: answered 200, each has its one row, and what had one kept it."""
        error = self._serve(pushes)
        if error:
            return ["pushed again: " + error]
        now, wrong = self._look_into_database()
        if set(now) != {push.event_id for push in pushes}:
            wrong.append(f"pushed again: {len(now)} events are stored of {len(pushes)}")
        moved = [event_id for event_id, row in rows.items() if now.get(event_id) != row]
        if moved:
            wrong.append(f"pushed again: {len(moved)} events that were stored have other rows, {moved[0]} first")
        return wrong

    def _serve(self, pushes):
        """Starts a server, pushes, stops it; what went wrong with that, or nothing."""
        running = server.Server(tls=False, store=self.place / "store", handlers=[HANDLER])
        try:
            running.start()
            with running.connect() as connection:
                refused = [push.event_id for push in pushes if connection.post(push).status != 200]
            if refused:
                return f"{len(refused)} pushes were refused, {refused[0]} first"
            return "" if running.stop() == 0 else running.log.text()
        except (AssertionError, OSError) as error:
            return str(error)
        finally:
            running.remove()

    def _look_into_database(self):
        """{event id: row} of what is in it now, and what is wrong with it. An event id is the hash of appid and message."""
        database = sqlite3.connect(f"file:{self.place}/store/queue.db?mode=ro", uri=True)
        try:
            (integrity,) = database.execute("PRAGMA integrity_check").fetchone()
            found = database.execute("SELECT event_id, id, body FROM event").fetchall()
        except sqlite3.Error as error:
            integrity, found = str(error), []
        finally:
            database.close()
        rows = {event_id.hex(): row for event_id, row, _ in found}
        wrong = [] if integrity == "ok" else ["integrity_check: " + integrity]
        if len(rows) != len(found):
            wrong.append("an event is stored twice")
        other = [row for event_id, row, body in found if wechat.event_id(SHOP.appid, body) != event_id.hex()]
        if other:
            wrong.append(f"{len(other)} events have another body, that of row {other[0]} first")
        return rows, wrong

    def _run(self, *arguments):
        command = [server.BINARY, *arguments, "-c", str(self._configuration)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)


def recorded(workspace, seed, lives=None, **options):
    """As recording.recorded: a few lives, some killed, some stopped; each is pushed again some that were acknowledged, too."""
    chance = random.Random(seed)
    subject = ServerSubject(recording.Recording(workspace))
    try:
        for _ in range(lives or chance.randrange(2, 5)):
            again = chance.sample(subject.answered, min(3, len(subject.answered)))
            pushes = [*again, *(subject.new_push() for _ in range(chance.randrange(1, 12)))]
            killed = {"kill_at": chance.randrange(5, 200)} if chance.random() < 0.7 else {}
            code, _ = subject.live(pushes, **killed, **options)
            if code not in ENDS:
                raise verdicts.Broken("corrupt", f"a life ended with {code}: {subject.said[-4000:]}")
    finally:
        subject.remove()
    return subject
