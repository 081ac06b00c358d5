"""Lives of a store under the disk recorder: started, pushed to, killed, started again; and the trace that they leave.

Import this first: it makes the modules of tests/e2e importable.
"""

import argparse
import os
import pathlib
import random
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import disk_model  # noqa: E402  (after the line above, which is for all who import this)
import traces  # noqa: E402
import verdicts  # noqa: E402

RECORDER = os.environ.get("WXPUSH_DISK_RECORDER", "")
LIFE_DEADLINE = 120.0  # seconds
BEGIN = 1_800_000_000_000  # milliseconds: when the first life begins
MINUTE = 60_000


class HarnessError(Exception):
    """The harness itself is wrong: what it would say about the product is worth nothing."""


def options(description, sizes):
    """Those of a campaign over recorded lives; `sizes`: name: (long, short, of what)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--short", action="store_true", help="seconds, and nothing is written to the ledger")
    parser.add_argument("--seed", type=int, help="of a run that is to be repeated")
    parser.add_argument("--program", choices=("store", "wxpush", "both"), default="both", help="whose lives")
    for name, (long, short, what) in sizes.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, help=f"{what} ({long}; {short} if short)")
    found = parser.parse_args()
    for name, (long, short, _) in sizes.items():
        if getattr(found, name) is None:
            setattr(found, name, short if found.short else long)
    return found


def need_tools():
    """Ends the program where nobody told it what to preload and what to run."""
    if not RECORDER or not verdicts.SUBJECT:
        sys.exit("WXPUSH_DISK_RECORDER and WXPUSH_STORE_SUBJECT name nothing: see ./dev fault")


def environment(recorder, root, trace, **options):
    """For a program whose files below `root` are recorded; options by the recorder's names: kill_at=3."""
    told = {name.upper(): str(value) for name, value in options.items()}
    names = {"KILL_AT": "WXPUSH_RECORD_KILL_AT", "PLANT": "WXPUSH_PLANT_SYNCHRONOUS"}
    # The sanitizers' own runtime insists on being the first library otherwise.
    asan = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
    return {
        **os.environ,
        "ASAN_OPTIONS": asan,
        "LD_PRELOAD": str(recorder),
        "WXPUSH_RECORD_ROOT": str(root),
        "WXPUSH_RECORD_FILE": str(trace),
        **{names.get(name, "WXPUSH_" + name): value for name, value in told.items()},
    }


class Recording:
    """One store, from its first life to its last. Its files lie below `root`, which is the disk."""

    def __init__(self, workspace):
        self.root = pathlib.Path(workspace) / "disk"
        self.trace = pathlib.Path(workspace) / "trace"
        self.root.mkdir(mode=0o700)
        self._recorder = pathlib.Path(workspace) / "recorder.so"  # LD_PRELOAD takes no path with a space in it
        self._recorder.symlink_to(RECORDER)
        self.disk = disk_model.Disk()
        self.records = []
        self._read = 0

    def environment(self, **options):
        return environment(self._recorder, self.root, self.trace, **options)

    def mark(self, text):
        traces.mark(self.trace, text)

    def life_over(self):
        """Reads on; what the trace says must be what the files are, or the recorder missed something."""
        new, self._read = traces.read(self.trace, self._read)
        for record in new:
            self.disk.apply(record)
        self.records += new
        wrong = self.disk.difference(self.root)
        if wrong:
            raise HarnessError(wrong)
        return new


class Subject:
    """`store_subject drive` over a Recording."""

    asked_again = True  # the verifier can push its events again

    def __init__(self, recording, sizes):
        self.recording, self.clock, self.pushed = recording, BEGIN, 0
        self.sizes = sizes

    def words(self, clock):
        """What `store_subject drive` has to know of this store."""
        return f"clock={clock} " + " ".join(f"{name}={value}" for name, value in self.sizes.items())

    def verify_words(self, clock):
        return f"{self.words(clock)} push={self.pushed}"

    def live(self, steps, **options):
        """One life; returns the exit code (-9: killed) and its records."""
        self.recording.mark(f"clock {self.clock}")
        script = "\n".join([self.words(self.clock), *steps]) + "\n"
        command = [verdicts.SUBJECT, "drive", str(self.recording.root / "store")]
        ended = subprocess.run(
            command,
            input=script,
            env=self.recording.environment(**options),
            capture_output=True,
            text=True,
            timeout=LIFE_DEADLINE,
        )
        if ended.returncode == 64:
            raise HarnessError(f"store_subject: {ended.stderr}")
        self.said = ended.stderr
        records = self.recording.life_over()
        for record in records:
            if record.kind == "M" and record.words()[0] == "clock":
                self.clock = int(record.words()[1])
        return ended.returncode, records


def sizes(chance):
    """Of a store in which everything happens soon."""
    return {
        "salt": chance.randrange(1 << 30),
        "recent_ids": chance.choice((8, 16, 32)),
        "generation_ids": chance.choice((12, 24, 48)),
        "wal_pages": chance.choice((16, 24, 48, 96)),
        "filing_rows": chance.choice((2, 4, 16)),
        "batch": chance.choice((3, 8, 512)),
        "retention": 7200,
        "min_retention": 1200,
    }


class Script:
    """Makes the steps of one life after the other: pushes old and new, marks, time that passes, space that is short."""

    def __init__(self, chance):
        self._chance, self.pushed = chance, 0
        self._open = 0  # pushed from here on in the life before: answered or not

    def life(self, steps):
        """Pushes first what the life before may have left unanswered, as WeChat does."""
        made, began = [], self.pushed
        if self.pushed > self._open:
            made.append(f"push {self._open + 1} {self.pushed}")
        for _ in range(steps):
            made += self._step()
        self._open = began
        return made

    def _step(self):
        kind = self._chance.random()
        if kind < 0.55 or self.pushed == 0:
            first, self.pushed = self.pushed + 1, self.pushed + self._chance.randrange(1, 9)
            return [f"push {first} {self.pushed}"]
        if kind < 0.65:
            first = self._chance.randrange(1, self.pushed + 1)
            return [f"push {first} {min(self.pushed, first + self._chance.randrange(10))}"]
        if kind < 0.80:
            return [f"settle behind={self._chance.choice((0, 0, 3))}"]
        if kind < 0.90:
            return [f"pass {self._chance.choice((150, 1100, 61_000))}"]
        if kind < 0.97:
            return [f"pass {self._chance.randrange(20, 100) * MINUTE}"]
        return ["space low", "pass 6000", "space high", "pass 2000"]


def recorded(workspace, seed, lives=None, **options):
    """A Recording of a few lives, some killed, some stopped; returns the Subject that lived them. Broken if one ended otherwise."""
    chance = random.Random(seed)
    recording = Recording(workspace)
    subject = Subject(recording, sizes(chance))
    script = Script(chance)
    for _ in range(lives or chance.randrange(3, 6)):
        steps = script.life(chance.randrange(5, 16))
        end = chance.random()
        if end < 0.5:
            code, _ = subject.live(steps, kill_at=chance.randrange(5, 400), **options)
        else:
            code, _ = subject.live([*steps, "kill"] if end < 0.7 else steps, **options)
        if code not in (0, -9):
            raise verdicts.Broken("corrupt", f"a life ended with {code}: {subject.said}")
        subject.clock += chance.choice((10, 5_000, 5 * MINUTE, 50 * MINUTE))
    subject.pushed = script.pushed
    return subject
