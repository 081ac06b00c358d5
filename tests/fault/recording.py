"""Lives of a store under the disk recorder: started, pushed to, killed, started again; and the trace that they leave.

Import this first: it makes the modules of tests/e2e importable.
"""

import argparse
import contextlib
import os
import pathlib
import random
import subprocess
import sys
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import disk_model  # noqa: E402  (after the line above, which is for all who import this)
import scripts  # noqa: E402
import traces  # noqa: E402
import verdicts  # noqa: E402

RECORDER = os.environ.get("WXPUSH_DISK_RECORDER", "")
LIFE_DEADLINE = 120.0  # seconds
RESTORED = 0.1  # of the traces begin with the restoring of a backup
BEGIN = 1_800_000_000_000  # milliseconds: when the first life begins


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


@contextlib.contextmanager
def told(findings):
    """What ends a run early is a finding, whatever it was."""
    try:
        yield
    except Exception as error:
        traceback.print_exc()
        findings.append(f"ended early: {type(error).__name__}: {error}")


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
        # What an earlier life left unsynced is gone with the rest; the recorder knows of its own process alone.
        for record in new if self.records else []:
            if record.kind == "F" and record.name == "drop":
                self.disk.put(record.inode, self.root)
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
        self.backup = ""  # that a life restores which finds no store
        self.keys = ""  # that seal bodies, by their digits, the newest first; those of the lives before among them

    def words(self, clock):
        """What `store_subject drive` has to know of this store."""
        return f"clock={clock} keys={self.keys} restore={self.backup} " + " ".join(f"{name}={value}" for name, value in self.sizes.items())

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


def recorded(workspace, seed, lives=None, **options):
    """A Recording of a few lives, some killed, some stopped; returns the Subject that lived them. Broken if one ended otherwise."""
    chance = random.Random(seed)
    subject = Subject(Recording(workspace), scripts.sizes(chance))
    script = scripts.Script(chance)
    keys = scripts.keys_of_lives(chance, lives or chance.randrange(3, 6))
    if chance.random() < RESTORED:
        subject = _restored(workspace, subject, script, chance)
        keys = [subject.keys] * len(keys)
    for subject.keys in keys:
        steps = script.life(chance.randrange(5, 16))
        end = chance.random()
        _live(subject, [*steps, "kill"] if end > 0.8 else steps, kill_at=chance.randrange(5, 400) if end < 0.5 else 0, **options)
        subject.clock += chance.choice((10, 5_000, 5 * scripts.MINUTE, 50 * scripts.MINUTE))
    subject.pushed = script.pushed
    return subject


def _live(subject, steps, **options):
    code, _ = subject.live(steps, **options)
    if code not in (0, -9):
        raise verdicts.Broken("corrupt", f"a life ended with {code}: {subject.said}")


def _restored(workspace, before, script, chance):
    """A Subject on a disk of its own, whose first life restores what this one lived and backed up."""
    backup = pathlib.Path(workspace) / "backup"
    before.keys = chance.choice(("", "1"))
    for end in ([], [f"backup {backup}"]):
        _live(before, [*script.life(chance.randrange(5, 16)), *end])
        before.clock += scripts.MINUTE
    place = pathlib.Path(workspace) / "restored"
    place.mkdir()
    subject = Subject(Recording(place), before.sizes)
    subject.backup, subject.keys, subject.clock = backup, before.keys, before.clock
    return subject
