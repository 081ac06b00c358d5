"""A sync that fails, the n-th for every n of a run: no acknowledgement after it, exit 74, and nothing lost by a power cut.

    eio.py [--short] [--seed N] [--scripts N] [--program store|wxpush|both]

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
import server_lives
import verdicts

MODELS = ("drop", "keep")
EXIT_STORE_FAILED = 74
PROMISES = ("stored", "known")


class StoreRun:
    """A script for the store alone: one life of everything that it does."""

    name = "store"

    def __init__(self, seed, steps):
        self._seed = seed
        chance = random.Random(seed)
        self._sizes = {**recording.sizes(chance), "wal_pages": 16, "recent_ids": 8, "generation_ids": 12}
        self._script = recording.Script(chance)
        self._steps = self._script.life(steps)

    def begin(self, workspace):
        subject = recording.Subject(recording.Recording(workspace), self._sizes)
        subject.pushed = self._script.pushed
        return subject

    def live(self, subject, **options):
        return subject.live(self._steps, **options)

    def live_again(self, subject):
        """Everything once more, as if nobody had heard an answer."""
        return subject.live([f"push 1 {subject.pushed}", "pass 61000", f"push 1 {subject.pushed}"])

    def end(self, subject):
        pass


class ServerRun:
    """wxpush itself, and a few pushes."""

    name = "wxpush"

    def __init__(self, seed, steps):
        self._pushes = max(2, steps // 4)

    def begin(self, workspace):
        return server_lives.ServerSubject(recording.Recording(workspace))

    def live(self, subject, **options):
        pushes = [subject.new_push() for _ in range(self._pushes)]
        self._all = pushes
        return subject.live(pushes, **options)

    def live_again(self, subject):
        subject.unanswered = []
        return subject.live(self._all)

    def end(self, subject):
        subject.remove()


class Campaign:
    def __init__(self, options):
        self.options = options
        self.seed = random.randrange(1 << 32) if options.seed is None else options.seed
        self.chance = random.Random(self.seed)
        self.workspace = pathlib.Path(powercut.memory())
        self.cuts = crashes.Cuts(self.workspace, self.chance)
        self.failed_syncs = self.runs = self.not_reached = 0
        self.findings = []
        self._stamp = ledger.stamp("eio")
        self._began = time.monotonic()

    def say(self, text):
        print(f"eio: {text}", flush=True)

    def run(self):
        self.say(f"seed {self.seed}" + (", short form" if self.options.short else ""))
        kinds = {"store": [StoreRun], "wxpush": [ServerRun], "both": [StoreRun, ServerRun]}[self.options.program]
        try:
            for kind in kinds:
                for _ in range(self.options.scripts if kind is StoreRun else self.options.server_scripts):
                    self.every_sync(kind(self.chance.randrange(1 << 32), self.options.steps))
        finally:
            self.cuts.close()
            shutil.rmtree(self.workspace, ignore_errors=True)
        return self.account()

    def every_sync(self, run):
        subject = self.begin(run)
        code, records = run.live(subject)
        run.end(subject)
        if code != 0:
            raise recording.HarnessError(f"exit {code} though nothing failed")
        syncs = sum(1 for record in records if record.kind == "S")
        self.runs += 1
        every = range(1, syncs + 1)
        if self.options.most:
            every = sorted(self.chance.sample(every, min(self.options.most, syncs)))
        for number in every:
            for model in MODELS:
                try:
                    self.fail(run, number, model)
                except verdicts.Broken as broken:
                    self.findings.append(f"{run.name}, sync {number} of {syncs}, {model}: {broken}")
                    self.say("FOUND " + self.findings[-1])
        self.say(f"{run.name}: {syncs} syncs, {len(every)} failed in both models")

    def begin(self, run):
        place = self.workspace / "trace"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        return run.begin(place)

    def fail(self, run, number, model):
        subject = self.begin(run)
        try:
            code, records = run.live(subject, fail_sync_at=number, fail_sync_how=model)
            kinds = [record.kind for record in records]
            if "F" not in kinds:  # batches fell otherwise this time, and there were fewer
                self.not_reached += 1
                return
            self.failed_syncs += 1
            self.look_at_end(code, records[kinds.index("F") :])
            promises = powercut.promises_of(subject)
            for record in subject.recording.records:
                if record.kind == "M":
                    promises.note(record)
            self.cut_here(subject, promises)
            code, records = run.live_again(subject)
            if code != 0:
                raise verdicts.Broken("corrupt", f"the next life ended with {code}")
            self.cut_later(subject, promises, records)
        finally:
            run.end(subject)

    def look_at_end(self, code, after):
        if code != EXIT_STORE_FAILED:
            raise verdicts.Broken("lost", f"exit {code} instead of {EXIT_STORE_FAILED}")
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
            "runs": self.runs,
            "failed_syncs": self.failed_syncs,
            "not_reached": self.not_reached,
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
        "scripts": (4, 1, "of the store alone"),
        "server_scripts": (1, 1, "of wxpush itself"),
        "steps": (24, 12, "of each script"),
        "most": (0, 8, "syncs that fail, of each script; 0: every one"),
    }
    return recording.options(__doc__, sizes)


if __name__ == "__main__":
    recording.need_tools()
    sys.exit(Campaign(options()).run())
