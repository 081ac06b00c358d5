"""Graceful restarts and kill -9 of the worker under load, with a client that behaves as WeChat does: no push is exhausted, and of
graceful restarts no first try fails. Told besides: the longest pause of all answers, and how long from the old worker's unlock
of the store to the new one's first answer.

Each run is made once with no time between a push's tries, and once with 5 s.
"""

import collections
import json
import pathlib
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "delivery"))

import runs  # noqa: E402  (found through the line above; makes tests/e2e importable)

import client  # noqa: E402
import ledger  # noqa: E402
import supervised  # noqa: E402

SENDER = pathlib.Path(__file__).with_name("wechat_sender.py")
SENDERS = 2  # each is one thread
UNLOCK_TO_ANSWER = 1.0  # seconds, promised with a million stored events
Line = collections.namedtuple("Line", "began answered failed event")


class Sending:
    """The senders while they run; what they noted once they have ended."""

    def __init__(self, running, rate, gap, name):
        port = running.status()["listening"][0].rsplit(":", 1)[1]
        self._files = [running.directory / f"{name}-{number}.ledger" for number in range(SENDERS)]
        trusted = ["--ca", str(running.sections["server"]["certificate"])] if running.tls else []
        self._senders = [
            subprocess.Popen(
                [sys.executable, "-B", str(SENDER), "--port", port, "--rate", str(rate / SENDERS), "--gap", str(gap)]
                + ["--name", f"{name}-{number}", "--ledger", str(file), *trusted],
                stdin=subprocess.PIPE,
            )
            for number, file in enumerate(self._files)
        ]

    def end(self):
        for sender in self._senders:
            sender.stdin.close()
        codes = [sender.wait(client.DEADLINE * 3) for sender in self._senders]
        runs.hold(codes == [0] * SENDERS, f"senders ended with {codes}")
        lines = []
        for file in self._files:
            for line in file.read_text().splitlines():
                began, answered, failed, event = line.split("\t")
                lines.append(Line(float(began), float(answered), [] if failed == "-" else failed.split(","), event))
            file.unlink()
        return lines

    def kill(self):
        for sender in self._senders:
            if sender.poll() is None:
                sender.kill()
                sender.wait()


def owner_of(lock):
    """The process that holds the store's lock, by the kernel's own list; None if nobody does."""
    number = str(lock.stat().st_ino)
    for line in pathlib.Path("/proc/locks").read_text().splitlines():
        fields = line.split()
        if fields[1] == "FLOCK" and fields[5].rpartition(":")[2] == number:
            return int(fields[4])
    return None


def watch_unlock(running, old):
    """When the old worker let go of the store, looked at every millisecond."""
    lock = running.store / "LOCK"
    end = time.monotonic() + client.DEADLINE
    while owner_of(lock) == old:
        runs.hold(time.monotonic() < end, f"worker {old} does not let go of the store")
        time.sleep(0.001)
    return time.monotonic()


def restart_often(run, running, kind, count):
    """Returns when each unlock of the store was."""
    unlocked = []
    for _ in range(count):
        time.sleep(run.options.pause * run.chance.uniform(0.5, 1.5))
        old = running.status()["pid"]
        if kind == "graceful":
            running.signal(signal.SIGUSR2)
            unlocked.append(watch_unlock(running, old))
            supervised.wait_for_another(running, old)
        else:
            began = time.monotonic()
            supervised.kill_worker(running)
            unlocked.append(began)
    time.sleep(run.options.pause)
    return unlocked


def pauses(lines, moments):
    """From each moment to the first answer after it, in seconds."""
    answered = sorted(line.answered for line in lines if line.answered)
    found, at = [], 0
    for moment in moments:
        while at < len(answered) and answered[at] <= moment:
            at += 1
        runs.hold(at < len(answered), "nothing was answered after a restart")
        found.append(answered[at] - moment)
    return found


def longest_pause(lines):
    answered = sorted(line.answered for line in lines if line.answered)
    return max((after - before for before, after in zip(answered, answered[1:])), default=0.0)


def check_stored(running, lines):
    """Everything acknowledged is stored, and nothing twice. The server has ended."""
    database = sqlite3.connect(f"file:{running.store / 'queue.db'}?mode=ro", uri=True)
    stored = collections.Counter(row[0].hex() for row in database.execute("SELECT event_id FROM event"))
    database.close()
    missing = [line.event for line in lines if line.answered and line.event not in stored]
    runs.hold(not missing, f"{len(missing)} acknowledged pushes are not stored: {missing[:3]}")
    twice = [event for event, count in stored.items() if count > 1]
    runs.hold(not twice, f"{len(twice)} events are stored twice: {twice[:3]}")


def percentile(values, share):
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))]


def one_run(run, running, kind, count, gap, counts):
    """Restarts of one kind under load; returns what the senders noted, and adds to the counts for the ledger."""
    name = f"{kind}-{gap:g}"
    sending = Sending(running, run.options.rate, gap, name)
    run.on_end(sending.kill)
    moments = restart_often(run, running, kind, count)
    lines = sending.end()
    failed_first = [line for line in lines if line.failed]
    exhausted = [line for line in lines if not line.answered]
    why = collections.Counter(reason for line in lines for reason in line.failed)
    to_answer = pauses(lines, moments)
    slow = max(line.answered - line.began for line in lines)
    run.say(
        f"{count} restarts ({kind}), {gap:g} s between tries: {len(lines)} pushes, first tries failed {len(failed_first)}"
        f" {dict(why) or ''}, exhausted {len(exhausted)}; {'unlock' if kind == 'graceful' else 'kill'} to first answer: median"
        f" {percentile(to_answer, 0.5) * 1000:.0f} ms, most {max(to_answer) * 1000:.0f} ms; longest pause of all answers"
        f" {longest_pause(lines) * 1000:.0f} ms; slowest push {slow * 1000:.0f} ms"
    )
    counts.update({f"{kind}_restarts": count, "pushes": len(lines), "exhausted": len(exhausted)})
    counts[f"{kind}_first_tries_failed"] += len(failed_first)
    runs.hold(not exhausted, f"{len(exhausted)} pushes were exhausted: {[line.failed for line in exhausted][:3]}")
    if kind == "graceful":
        runs.hold(not failed_first, f"{len(failed_first)} first tries failed: {[line.failed for line in failed_first][:3]}")
    run.judge(max(to_answer) < UNLOCK_TO_ANSWER, f"to the first answer {max(to_answer):.3f} s, at most {UNLOCK_TO_ANSWER} s")
    return lines


def fill(run, running):
    """So many stored events that a start has something to read."""
    if not run.options.stored:
        return
    asked = ("--url", running.url(), "--events", str(run.options.stored), "--duration", "3600", "--connections", "64")
    trusted = ("--ca-file", str(running.sections["server"]["certificate"])) if running.tls else ()
    result = running.run("bench", *asked, *trusted, deadline=client.DEADLINE * 60)
    runs.hold(result.returncode == 0, f"bench: {result.stdout} {result.stderr}")
    run.say(f"{json.dumps(running.status()['store']['last_id'])} events are stored")


def restart_all(run, running, counts):
    every = []
    for gap in map(float, run.options.gaps.split(",")):
        for kind, count in (("graceful", run.options.graceful), ("kill", run.options.kills)):
            if not count:
                continue
            every += one_run(run, running, kind, count, gap, counts)
    runs.hold(running.stop(client.DEADLINE) == 0, "the supervisor did not end well")
    check_stored(running, every)


def main():
    run = runs.Run(
        __doc__,
        graceful=(200, 3),
        kills=(200, 3),
        rate=(1000.0, 100.0),
        pause=(2.0, 0.8),
        stored=(0, 0),
        gaps=("0,5", "0"),
    )
    with run:
        # One address stands for the many of WeChat.
        running = run.server(sections={"server": {"max_connections_per_address": 20000}})
        running.environment["WXPUSH__LOG__LEVEL"] = "warning"
        runs.log_to_file(running)
        running.program[2] = running.program[2].replace(" serve -c", " serve --supervise -c")
        running.start()
        fill(run, running)
        counts, findings = collections.Counter(stored=run.options.stored), []
        try:
            restart_all(run, running, counts)
            run.verdict()
        except Exception as failure:  # whatever it was: a run that did not end well showed nothing
            findings.append(f"{type(failure).__name__}: {failure}")
            raise
        finally:
            if not run.short:
                ledger.append("restarts", run.seed, counts, findings)


if __name__ == "__main__":
    main()
