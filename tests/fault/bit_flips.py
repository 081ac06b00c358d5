"""Bits flipped, sectors overwritten and files cut off, in every file of a store, 10,000 times and each on a copy of its own.

Five stores: one that a server left when it was killed under load, and four with everything that a store can hold
(store_flips.cpp), bodies in the clear and sealed, killed and stopped. What is read, started, checked and salvaged then has to say so or to be what was
stored; and some are looked at through the program itself. What is counted:

  detected      `store check` finds it            harmless      everything is as it was, to the last mark
  unanswered_commit_lost   of the killed server's store: the one commit that LOCK did not know of yet, and that nobody was
                told of, is damaged, and looks like one that a power cut tore. Anything older than that is a finding.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import campaigns  # first

import load
import runs
import server
import wechat

FLIPS = os.environ.get("WXPUSH_STORE_FLIPS", "")
MEMORY = pathlib.Path("/dev/shm")


def killed_server(run, place):
    """The store of a server that was killed under load, without the reserve, which is 8 MiB of nothing."""
    running = run.server(handlers=[server.LOG_HANDLER])
    running.start()
    make = lambda thread, number: wechat.waybill(f"flip-{thread}-{number}")  # noqa: E731
    with load.Load(running, make, give_up=True) as pushing:
        pushing.wait_for(150)
        running.kill()
    target = place / "served"
    shutil.copytree(running.store, target, ignore=shutil.ignore_patterns("reserve", "*.sock"))
    return target


def damage_copies(run, base, work, count):
    """(counts, findings) of so many damaged copies of this store."""
    command = [FLIPS, "run", str(base), str(work), str(count), str(run.chance.randrange(1 << 32))]
    result = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    runs.hold(result.returncode == 0, f"{' '.join(command)}: {result.stderr}")
    lines = result.stdout.splitlines()
    findings = [f"{base.name}: {line}" for line in lines if line.startswith("FINDING")]
    return json.loads(lines[-1]), findings


def look_from_outside(run, base, place, count):
    """Through the program: a bit of the database is flipped; `store check` is 74, no event is shown that was not stored, and
    `store salvage` loses nothing."""
    findings = []
    outside = run.server()
    outside.write_configuration()
    shutil.copytree(base, outside.store)
    stored = {event["id"]: event for event in outside.events()}
    for _ in range(count):
        shutil.rmtree(outside.store)
        shutil.copytree(base, outside.store)
        database = outside.store / "queue.db"
        content = bytearray(database.read_bytes())
        at, bit = run.chance.randrange(len(content)), run.chance.randrange(8)
        content[at] ^= 1 << bit
        database.write_bytes(content)
        account = f"outside: byte {at}, bit {bit}"
        check = outside.run("store", "check", "--format", "json")
        whole = check.returncode == 0
        if check.returncode not in (0, 74, 78):
            findings.append(f"{account}: store check ends with {check.returncode}: {check.stderr}")
        listed = outside.run("events", "list", "--format", "json", "--reveal", "--limit", "1000000")
        shown = [json.loads(line) for line in listed.stdout.splitlines()]
        if any(stored.get(event["id"]) != event for event in shown):
            findings.append(f"{account}: an event is shown that was not stored")
        if whole and (listed.returncode != 0 or len(shown) != len(stored)):
            findings.append(f"{account}: found whole, but not all can be listed")
        saved = place / "outside-saved"
        shutil.rmtree(saved, ignore_errors=True)
        salvage = outside.run("store", "salvage", "-o", str(saved), "--format", "json")
        if salvage.returncode != 0 or json.loads(salvage.stdout)["events"] != len(stored):
            findings.append(f"{account}: salvage: {salvage.returncode} {salvage.stdout}{salvage.stderr}")
    return findings


def main():
    run = campaigns.Campaign(__doc__, mutations=(10_000, 120), outside=(60, 3))
    with run:
        runs.hold(FLIPS, "WXPUSH_STORE_FLIPS does not name the program that damages stores")
        parent = MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
        place = pathlib.Path(tempfile.mkdtemp(prefix="wxpush-flips-", dir=parent))
        run.on_end(lambda: shutil.rmtree(place, ignore_errors=True))
        subprocess.run([FLIPS, "make", str(place)], check=True, timeout=120)
        made = sorted(place.iterdir())
        for store in made:
            (store / "reserve").unlink()
            (store / "reserve").write_bytes(b"x" * 4096)
        bases = [killed_server(run, place), *made]
        for number, base in enumerate(bases):
            count = run.options.mutations * (number + 1) // len(bases) - run.options.mutations * number // len(bases)
            counts, found = damage_copies(run, base, place / "work", count)
            run.say(f"{base.name}: {json.dumps(counts)}")
            counts.pop("findings", None)
            run.counts.update(counts)
            run.findings += found
        run.findings += look_from_outside(run, place / "plain-stopped", place, run.options.outside)
        run.counts["outside"] = run.options.outside
        run.say(json.dumps(run.counts))
        runs.hold(run.counts["mutations"] == run.options.mutations, "not all were made")
        runs.hold(run.counts["detected"] > 0 and run.counts["harmless"] > 0, "a campaign that finds nothing finds nothing")
        runs.hold(run.short or run.counts["events_before_a_cut"] > 0, "no cut left an event to be saved")
        run.verdict()


if __name__ == "__main__":
    main()
