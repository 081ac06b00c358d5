"""A sync that fails, the n-th for every n of a run: no acknowledgement after it, exit 74, and nothing lost by a power cut.

    eio.py [--short] [--seed N] [--scripts N] [--program store|wxpush|both]

A run begins in an empty directory, or over what a killed life left: a log to be recovered, written again and written back.
In both models of what is left of bytes whose sync failed (disk_model.py): dropped at once, or readable in the cache, marked
clean, and gone when the power goes. The power is cut right after the exit; and, in another world, only after the next life
was pushed everything again, answered 200, and trusted what it found.
"""

import pathlib
import random
import shutil
import sys
import time

import recording  # first

import crashes
import ledger
import powercut
import scripts
import server_lives
import verdicts

MODELS = ("drop", "keep")
EXIT_STORE_FAILED = 74
PROMISES = ("stored", "known")
BEGINNINGS = ("killed", "empty", "killed anywhere")  # killed: idle, with a log to be recovered
KILLED_SERVER = (33, 55)  # after an operation between these, which is among its first pushes; a life with two has 63
LIVES = 3  # of which the one with the fewest syncs says how many there are: a machine that is busy may make another one needed
TRIES = 20  # of wxpush, whose commits fall otherwise each time: so often until the n-th sync is reached


class StoreRun:
    """A script for the store alone: one life of everything that it does, over nothing or over what a killed life left."""

    name = "store"

    def __init__(self, seed, steps, beginning):
        chance = random.Random(seed)
        in_order = {"in_order": 1}  # as many syncs each time
        self._sizes = {**scripts.sizes(chance), "wal_pages": 16, "recent_ids": 8, "generation_ids": 12, **in_order}
        script = scripts.Script(chance)
        self._before = [] if beginning == "empty" else [*script.life(steps), "kill"]
        self._kill_at = chance.randrange(30, 150) if beginning == "killed anywhere" else 0
        self._keys_before, self._keys = scripts.keys_of_lives(chance, 2)
        self._steps = script.life(steps)
        self._pushed = script.pushed

    def begin(self, workspace):
        subject = recording.Subject(recording.Recording(workspace), self._sizes)
        subject.pushed = self._pushed
        if self._before:
            subject.keys = self._keys_before
            code, _ = subject.live(self._before, kill_at=self._kill_at)
            if code != -9:
                raise recording.HarnessError(f"exit {code} of a life that was to be killed")
        subject.keys = self._keys
        return subject

    def live(self, subject, **options):
        return subject.live(self._steps, **options)

    def live_again(self, subject):
        """Everything once more, as if nobody had heard an answer."""
        return subject.live([f"push 1 {subject.pushed}", "pass 61000", f"push 1 {subject.pushed}"])

    def end(self, subject):
        pass


class ServerRun:
    """wxpush itself, and a few pushes; over nothing or over what a killed life left."""

    name = "wxpush"

    def __init__(self, seed, steps, beginning):
        self._pushes = max(2, steps // 4)
        self._kill_at = 0 if beginning == "empty" else random.Random(seed).randrange(*KILLED_SERVER)

    def begin(self, workspace):
        subject = server_lives.ServerSubject(recording.Recording(workspace))
        if self._kill_at:
            code, _ = subject.live([subject.new_push() for _ in range(self._pushes)], kill_at=self._kill_at)
            if code != -9:
                raise recording.HarnessError(f"exit {code} of a life that was to be killed")
        return subject

    def live(self, subject, **options):
        return subject.live([subject.new_push() for _ in range(self._pushes)], **options)

    def live_again(self, subject):
        subject.unanswered = []
        return subject.live(subject.made)

    def end(self, subject):
        subject.remove()


class Campaign:
    def __init__(self, options):
        self.options = options
        self.seed = random.randrange(1 << 32) if options.seed is None else options.seed
        self.chance = random.Random(self.seed)
        self.workspace = pathlib.Path(powercut.memory())
        self.cuts = crashes.Cuts(self.workspace, self.chance)
        self.syncs = self.failures = self.runs = self.over_killed = self.tried_again = 0
        self.findings = []
        self._stamp = ledger.stamp("eio")
        self._began = time.monotonic()

    def say(self, text):
        print(f"eio: {text}", flush=True)

    def run(self):
        self.say(f"seed {self.seed}" + (", short form" if self.options.short else ""))
        kinds = {"store": [StoreRun], "wxpush": [ServerRun], "both": [StoreRun, ServerRun]}[self.options.program]
        with recording.told(self.findings):
            for kind in kinds:
                for number in range(self.options.scripts if kind is StoreRun else self.options.server_scripts):
                    beginning = BEGINNINGS[number % len(BEGINNINGS)]
                    self.say(f"{kind.name}, beginning: {beginning}")
                    self.over_killed += beginning != "empty"
                    self.every_sync(kind(self.chance.randrange(1 << 32), self.options.steps, beginning))
        self.cuts.close()
        shutil.rmtree(self.workspace, ignore_errors=True)
        return self.account()

    def every_sync(self, run):
        syncs = min(self.syncs_of(run) for _ in range(LIVES))
        self.runs += 1
        self.syncs += syncs
        every = range(1, syncs + 1)
        if self.options.most:
            every = sorted(self.chance.sample(every, min(self.options.most, syncs)))
        for number in every:
            for model in MODELS:
                try:
                    if not any(self.fail(run, number, model) for _ in range(TRIES)):
                        raise verdicts.Broken("lost", "this sync was not reached, and what follows from it not seen")
                except verdicts.Broken as broken:
                    self.findings.append(f"{run.name}, sync {number} of {syncs}, {model}: {broken}")
                    self.say("FOUND " + self.findings[-1])
        self.say(f"{run.name}: {syncs} syncs, {len(every)} failed in both models")

    def syncs_of(self, run):
        subject = self.begin(run)
        code, records = run.live(subject)
        run.end(subject)
        if code != 0:
            raise recording.HarnessError(f"exit {code} though nothing failed")
        return sum(1 for record in records if record.kind == "S")

    def begin(self, run):
        place = self.workspace / "trace"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        return run.begin(place)

    def fail(self, run, number, model):
        """False: there were fewer syncs this time."""
        subject = self.begin(run)
        try:
            code, records = run.live(subject, fail_sync_at=number, fail_sync_how=model)
            kinds = [record.kind for record in records]
            if "F" not in kinds:
                self.tried_again += 1
                return False
            self.failures += 1
            self.look_at_end(code, records[kinds.index("F") :], subject.said)
            promises = powercut.promises_of(subject)
            for record in subject.recording.records:
                if record.kind == "M":
                    promises.note(record)
            self.cut_here(subject, promises)
            code, records = run.live_again(subject)
            if code != 0:
                raise verdicts.Broken("corrupt", f"the next life ended with {code}")
            self.cut_later(subject, promises, records)
            return True
        finally:
            run.end(subject)

    def look_at_end(self, code, after, said):
        if code != EXIT_STORE_FAILED:
            raise verdicts.Broken("lost", f"exit {code} instead of {EXIT_STORE_FAILED}: {said[-4000:]}")
        told = [record.words() for record in after if record.kind == "M"]
        late = [words for words in told if words[0] in PROMISES]
        if late:
            raise verdicts.Broken("lost", f"{late[0][1]} was acknowledged after the sync that failed")

    def cut_here(self, subject, promises):
        disk = subject.recording.disk
        for mode in ("none", "all"):
            self.cuts.look(disk, promises, subject.verify_words, subject.asked_again, lambda _, mode=mode: mode)
        for _ in range(4):
            self.cuts.look(disk, promises, subject.verify_words, subject.asked_again)

    def cut_later(self, subject, promises, records):
        """Anywhere in the next life, and at its end."""
        everything = subject.recording.records
        before = len(everything) - len(records)
        promises = powercut.promises_of(subject)
        walk = self.cuts.walk(everything, promises, subject.verify_words, 6, 2, subject.asked_again, first=before)
        for state, broken in walk:
            if state is None:
                raise broken
        self.cut_here(subject, promises)

    def account(self):
        counts = {
            "scripts": self.runs,
            "scripts_over_killed": self.over_killed,
            "syncs": self.syncs,
            "failures": self.failures,
            "tried_again": self.tried_again,
            "states": len(self.cuts.states),
            "checks": self.cuts.checks,
            "promises_checked": self.cuts.promised,
            "seconds": round(time.monotonic() - self._began),
        }
        for finding in self.findings:
            self.say("VIOLATED: " + finding)
        self.say(", ".join(f"{value} {name.replace('_', ' ')}" for name, value in counts.items()))
        if not self.options.short:
            ledger.append("eio", self.seed, counts, self.findings, self._stamp)
            self.say(f"with this source so far: {ledger.total('eio')}")
        return 1 if self.findings else 0


def options():
    sizes = {
        "scripts": (6, 2, "of the store alone"),
        "server_scripts": (2, 1, "of wxpush itself"),
        "steps": (24, 12, "of each script"),
        "most": (0, 4, "syncs that fail, of each script; 0: every one"),
    }
    return recording.options(__doc__, sizes)


if __name__ == "__main__":
    recording.need_tools()
    sys.exit(Campaign(options()).run())
