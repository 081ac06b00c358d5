"""What was promised up to a point of a trace, and whether what a power cut left keeps it."""

import hashlib
import json
import os
import pathlib
import select
import shutil
import subprocess

OWNER = 16  # bytes of LOCK: the process id of whoever has the store, for people

SUBJECT = os.environ.get("WXPUSH_STORE_SUBJECT", "")
VERIFY_DEADLINE = 60.0  # seconds


class Promises:
    """Follows the markers of a trace. An event is promised from the moment somebody heard that it is stored."""

    def __init__(self, retention, min_retention):
        self.clock = 0  # milliseconds, of the wall
        self.tried = {}  # event id: received_at of the push that may have stored it
        self.promised = {}  # event id: (received_at, row id)
        self.settled = 0  # no more than this may count as settled
        self.marked = 0  # no less than this must
        self._owing = {}  # row id: what the cursor is when that it is still owed is durable
        self.owed = set()  # row ids of events that the cursor has passed, and that were not delivered
        self.pushed = 0  # pushes that were promised
        self.erasing = set()  # events that somebody asked to erase: they may be gone
        self.erased = set()  # those of them for which that was answered: they must be gone
        self._not_owed = set()  # row ids of all that anybody ever asked to erase: a row is never used again, an event may be stored anew
        self._retention = retention * 1000
        self._kept = self._retention  # by each row
        self._min_retention = min_retention * 1000

    def note(self, record):
        what, *words = record.words()
        if what == "clock":
            self.clock = int(words[0])
        elif what == "try":
            self.tried.setdefault(words[0], int(words[1]))
            if words[0] in self.erased and not self._retained(words[0]):
                self.erased.discard(words[0])  # nobody has to know its id any more: it may be stored anew
        elif what in ("stored", "known"):
            self.pushed += 1
            event, received, row = words[0], int(words[1]), int(words[2])
            if what == "stored" or (event in self.promised and self.promised[event][1] != row):  # anew
                self.erasing.discard(event)
                self.erased.discard(event)
            if what == "known":  # it was stored by an earlier push, at the earliest by the first
                received = self.promised[event][0] if event in self.promised else self.tried[event]
            self.promised[event] = (received, row)
        elif what == "left":  # the id of an event that went early
            self.promised[words[0]] = (int(words[1]), int(words[2]))
            self.erasing.add(words[0])
            self.erased.add(words[0])
        elif what == "erasing":
            self.erasing.add(words[0])
            if words[0] in self.promised:
                self._not_owed.add(self.promised[words[0]][1])
        elif what == "erased":
            self.erased.add(words[0])
        elif what == "kept":
            self.erasing.discard(words[0])
            self._not_owed.discard(self.promised[words[0]][1])
        elif what == "settle":
            self.settled = max(self.settled, int(words[0]))
        elif what == "marked":
            self.marked = max(self.marked, int(words[0]))
            self.owed |= {row for row, cursor in self._owing.items() if cursor <= self.marked}
        elif what == "life":
            self._owing = {}  # what was on its way when the life before ended is on its way no more
        elif what == "owe":
            self._owing[int(words[0])] = int(words[1])
        elif what == "space" and words[0] == "low":
            self._kept = self._min_retention

    def rows(self):
        """Events that must be there: all but those that are settled and old enough to go, or were to be erased."""
        for event, (received, row) in self.promised.items():
            waits = row > self.settled or row in self.owed
            if event not in self.erasing and (waits or received + self._kept >= self.clock):
                yield event

    def known(self):
        """Events whose next push must be answered as a duplicate."""
        for event, (_, row) in self.promised.items():
            waits = row > self.settled or row in self.owed
            if self._retained(event) or (waits and event not in self.erasing):
                yield event

    def still_owed(self):
        """Row ids that must be listed: of all that is owed but what somebody wanted erased."""
        erasing = {self.promised[event][1] for event in self.erasing if event in self.promised}
        return self.owed - erasing - self._not_owed

    def _retained(self, event):
        return self.promised[event][0] + self._retention >= self.clock

    def key(self):
        sets = (frozenset(found) for found in (self.promised.items(), self.erasing, self.erased, self.owed, self._not_owed))
        return hash((self.clock, self.settled, self.marked, *sets))


class Broken(Exception):
    """What was promised did not hold. kind: lost, corrupt."""

    def __init__(self, kind, account):
        super().__init__(f"{kind}: {account}")
        self.kind = kind
        self.state = None  # the files that it is about, where it is about some


def judge(promises, answer, asked_again=True):
    """Broken, if this answer of `store_subject verify` does not keep the promises."""
    if "error" in answer:
        raise Broken("corrupt", f"the store does not open: {answer['error']}")
    if answer["wrong"]:
        raise Broken("corrupt", "; ".join(answer["wrong"][:5]))
    rows, known = set(answer["rows"]), set(answer["known"])
    lost = [event for event in promises.rows() if event not in rows]
    if lost:
        raise Broken("lost", f"{len(lost)} of {len(promises.promised)} acknowledged events, {lost[0]} first")
    back = [event for event in promises.erased if event in rows]
    if back:
        raise Broken("corrupt", f"{len(back)} erased events are there again, {back[0]} first")
    if promises.marked > answer["cursor"]:
        raise Broken("lost", f"marks were durable up to {promises.marked}, the cursor is at {answer['cursor']}")
    missing = promises.still_owed() - set(map(int, answer.get("owed", ())))
    if missing:
        raise Broken("lost", f"{len(missing)} events that were owed to a handler are not any more, {min(missing)} first")
    forgotten = [event for event in promises.known() if event not in known] if asked_again else []
    if forgotten:
        raise Broken("lost", f"{len(forgotten)} acknowledged events were not known when pushed again, {forgotten[0]} first")


def digest(state):
    """The same for states that differ in nothing, or in the process id in LOCK alone."""
    found = hashlib.blake2b(digest_size=16)
    for path, content in sorted(state.items()):
        if content is not None and path.endswith("/LOCK"):
            content = content[OWNER:]
        size = -1 if content is None else len(content)
        found.update(f"{path}\0{size}\0".encode() + (content or b""))
    return found.digest()


def lay_out(state, directory):
    """Makes the files of a state below the directory, which is emptied first."""
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory, mode=0o700)
    for path, content in sorted(state.items()):
        place = os.path.join(directory, path)
        if content is None:
            os.mkdir(place, mode=0o700)
            continue
        with open(place, "wb") as file:
            file.write(content)


class Verifier:
    """A process that opens one store after another, by the product's own start procedure."""

    def __init__(self, workspace):
        self.place = pathlib.Path(workspace) / "state"
        self._process = None

    def ask(self, state, words):
        """Its answer about this state; a verifier that dies or hangs is an answer, too."""
        lay_out(state, self.place)
        if self._process is None:
            self._process = subprocess.Popen(
                [SUBJECT, "verify"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        try:
            self._process.stdin.write(f"{self.place / 'store'} {words}\n")
            self._process.stdin.flush()
            ready, _, _ = select.select([self._process.stdout], [], [], VERIFY_DEADLINE)
            line = self._process.stdout.readline() if ready else ""
        except BrokenPipeError:
            line = ""
        if line:
            return json.loads(line)
        self.close()
        return {"error": "the program that looks into it died or hung"}

    def close(self):
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._process = None
