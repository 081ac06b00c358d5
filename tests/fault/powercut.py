"""Power cuts by the thousand, at any point of many lives of a store: nothing acknowledged is lost, nothing is corrupt.

    powercut.py [--short] [--seed N] [--program store|wxpush|both] [--traces N] [--states N] […]

A trace is a few lives of one store under disk_recorder.c: pushes, repeats, marks, checkpoints, filing, pruning, erasing, sealing,
new keys, stops, kills, and what was unanswered pushed again (happenings.py counts what there was). crashes.py builds what a power cut may leave (disk_model.py says what that is), and
`store_subject verify` opens it by the product's own start procedure; some are opened by wxpush itself. The same is done for
defects that are planted, each of which must be found, or the campaign proves nothing.
"""

import pathlib
import random
import shutil
import sys
import tempfile
import time

import recording  # first

import crashes
import happenings
import ledger
import planted
import scripts
import server
import server_lives
import verdicts

TRACES_FOR_A_DEFECT = 20  # among so many, each planted defect shows, or it is not found


def memory():
    """A directory in memory: what a disk would make of this is what is built here."""
    return tempfile.mkdtemp(prefix="wxpush-powercut-", dir="/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None)


def promises_of(subject):
    return verdicts.Promises(subject.sizes["retention"], subject.sizes["min_retention"])


def key_settings(place, keys):
    """The keys of `store_subject`, the newest first, as files below `place`; what the configuration says of them."""
    files = []
    for key in keys:
        file = place / f"key-{key}"
        file.touch(mode=0o600)
        file.write_text(f"{ord(key):02x}" * 32)
        files.append(file)
    return {"encryption_key_file": files[0], "old_encryption_key_files": files[1:]} if files else {}


class Campaign:
    def __init__(self, options):
        self.options = options
        self.seed = random.randrange(1 << 32) if options.seed is None else options.seed
        self.chance = random.Random(self.seed)
        self.workspace = pathlib.Path(memory())
        self.cuts = crashes.Cuts(self.workspace, self.chance)
        self.traces = self.pushed_again = self.opened_by_wxpush = 0
        self.happened = happenings.Happenings()
        self.findings, self.found = [], []
        self._stamp = ledger.stamp("powercut")
        self._began = time.monotonic()

    def say(self, text):
        print(f"powercut: {text}", flush=True)

    def run(self):
        self.say(f"seed {self.seed}" + (", short form" if self.options.short else ""))
        with recording.told(self.findings):
            if self.options.program != "store":
                for _ in range(self.options.server_traces):
                    self.trace(server_lives.recorded, self.options.server_states)
                if self.options.defects_in_server:
                    self.plant_all(server_lives.recorded, planted.DEFECTS)
            if self.options.program != "wxpush":
                for _ in range(self.options.traces):
                    self.trace(recording.recorded, self.options.states)
                self.push_again_after_every_kill()
                self.plant_all(recording.recorded, {**planted.DEFECTS, **planted.OF_THE_STORE})
        self.cuts.close()
        shutil.rmtree(self.workspace, ignore_errors=True)
        return self.account()

    def subject(self, record, seed, **options):
        place = self.workspace / "trace"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        return record(place, seed, **options)

    def trace(self, record, states):
        """One trace, and about so many states of it."""
        seed = self.chance.randrange(1 << 32)
        self.traces += 1
        try:
            subject = self.subject(record, seed)
            self.happened.note(subject.recording)
            promises, records = promises_of(subject), subject.recording.records
            walk = self.cuts.walk(records, promises, subject.verify_words, states // 2, 3, subject.asked_again)
            for state, promised in walk:
                if state is None:
                    raise promised
                if self.cuts.checks % self.options.open_every == 0 and subject.asked_again:
                    self.open(state, promised, subject.keys)
        except verdicts.Broken as broken:
            self.findings.append(f"trace {seed}: {broken}")
            self.say("FOUND " + self.findings[-1] + self.keep(broken))
        if self.traces % 20 == 0:
            self.say(f"{self.traces} traces, {len(self.cuts.states)} states, {time.monotonic() - self._began:.0f} s")

    def push_again_after_every_kill(self):
        """Killed after its n-th operation, for every n of a life; started, pushed the same again, answered 200; the power cut."""
        seed = self.chance.randrange(1 << 32)
        operations = len(self.killed_life(seed, 0).recording.records)
        every = range(1, operations + 1)
        for number in sorted(self.chance.sample(every, min(self.options.kills or operations, operations))):
            subject = self.killed_life(seed, number)
            code, _ = subject.live([f"push 1 {subject.pushed}", "kill"])
            promises = promises_of(subject)
            for record in subject.recording.records:
                if record.kind == "M":
                    promises.note(record)
            try:
                if code != -9 or len(promises.promised) != subject.pushed:
                    raise verdicts.Broken("lost", f"the next life ended with {code}: {subject.said}")
                for mode in ("none", "all", None, None):
                    fares = None if mode is None else lambda _, mode=mode: mode
                    self.cuts.look(subject.recording.disk, promises, subject.verify_words, mode_of=fares)
            except verdicts.Broken as broken:
                self.findings.append(f"life {seed}, killed after operation {number}, pushed again: {broken}")
                self.say("FOUND " + self.findings[-1])
            self.pushed_again += 1

    def killed_life(self, seed, number):
        chance = random.Random(seed)

        def record(place, _):
            subject = recording.Subject(recording.Recording(place), scripts.sizes(chance))
            subject.pushed = 12
            subject.live(["push 1 3", "push 4 6", "settle", "pass 150", "push 7 8", "push 9 12", "pass 1100"], kill_at=number)
            return subject

        return self.subject(record, seed)

    def keep(self, broken):
        """The files that it is about, for who is to look into it: a trace does not come again as it was."""
        if broken.state is None:
            return ""
        place = tempfile.mkdtemp(prefix="wxpush-powercut-found-")
        verdicts.lay_out(broken.state, place)
        return f" (kept in {place})"

    def open(self, state, promises, keys):
        """By wxpush itself."""
        place = self.workspace / "opened"
        verdicts.lay_out(state, place)
        handlers = [{"name": "backend", "type": "log"}]
        sections = {"store": key_settings(place, keys)}
        running = server.Server(store=place / "store", handlers=handlers, sections=sections, tls=False)
        try:
            running.start()
            rows = [event["event_id"] for event in running.events()]
            if len(rows) != len(set(rows)):
                raise verdicts.Broken("corrupt", "wxpush shows an event twice")
            lost = set(promises.rows()) - set(rows)
            if lost:
                raise verdicts.Broken("lost", f"wxpush does not show {len(lost)} acknowledged events")
            if promises.erased & set(rows):
                raise verdicts.Broken("corrupt", "wxpush shows an erased event")
            if running.stop() != 0:
                raise verdicts.Broken("corrupt", "wxpush did not end well: " + running.log.text())
        except AssertionError as error:
            raise verdicts.Broken("corrupt", f"wxpush does not start: {error}") from error
        finally:
            running.remove()
        self.opened_by_wxpush += 1

    def plant_all(self, record, defects):
        """Each has to be found among what this program wrote."""
        for name, (accounts, options, spoil) in defects.items():
            self.plant(record, name, accounts, options, spoil)

    def plant(self, record, name, accounts, options, spoil):
        cuts = crashes.Cuts(self.workspace, self.chance)
        try:
            for number in range(1, TRACES_FOR_A_DEFECT + 1):
                subject = self.subject(record, self.chance.randrange(1 << 32), **options)
                records = list(spoil(subject.recording.records))
                walk = cuts.walk(records, promises_of(subject), subject.verify_words, 60, 3, subject.asked_again)
                told = (str(broken) for state, broken in walk if state is None)
                found = next((account for text in told for account in accounts if account in text), None)
                if found is not None:
                    self.say(f"planted {name}: {found} in trace {number}, as it must be")
                    self.found.append(name)
                    return
        finally:
            cuts.close()
        self.findings.append(f"the planted defect {name} was not found: this campaign proves nothing")

    def account(self):
        if not self.options.short and self.options.program != "wxpush":
            self.findings += [f"no trace holds any {name}" for name in self.happened.missing()]
        counts = {
            "traces": self.traces,
            "states": len(self.cuts.states),
            "states_before_a_promise": len(self.cuts.early),
            "checks": self.cuts.checks,
            "promises_checked": self.cuts.promised,
            "kills_pushed_again": self.pushed_again,
            "opened_by_wxpush": self.opened_by_wxpush,
            "defects_found": len(self.found),
            **self.happened.counts,
            "seconds": round(time.monotonic() - self._began),
        }
        for finding in self.findings:
            self.say("VIOLATED: " + finding)
        self.say(", ".join(f"{value} {name.replace('_', ' ')}" for name, value in counts.items()))
        if not self.options.short:
            ledger.append("powercut", self.seed, counts, self.findings, self._stamp)
            self.say(f"with this source so far: {ledger.total('powercut')}")
        return 1 if self.findings else 0


def options():
    sizes = {
        "traces": (200, 3, "traces of the store alone"),
        "states": (120, 100, "states of each, more or less"),
        "server_traces": (10, 1, "traces of wxpush itself"),
        "server_states": (60, 20, "states of each"),
        "defects_in_server": (1, 0, "0: the planted defects in traces of the store alone"),
        "kills": (0, 6, "after an operation of a life, pushed again; 0: after every one"),
        "open_every": (500, 150, "every so manieth state is opened by wxpush, too"),
    }
    return recording.options(__doc__, sizes)


if __name__ == "__main__":
    recording.need_tools()
    sys.exit(Campaign(options()).run())
