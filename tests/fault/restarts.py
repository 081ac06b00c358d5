"""Graceful restarts and kill -9 of the worker under load, with a client that behaves as WeChat does: no push is exhausted, and of
graceful restarts no first try fails. Told besides: the longest pause of all answers, and how long it took from the old worker's unlock
of the store, or its kill, to the new one's first answer. The new one's are those to tries that began when the old one had let go of
the store: the kernel takes a process's lock away when the last of its threads is gone.

Each run is made once with no time between a push's tries, and once with 5 s.
"""

import bisect
import collections
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import time
import unittest

import campaigns  # first

import accounts
import client
import ledgers
import runs
import stored
import supervised

SENDER = os.environ.get("WXPUSH_WECHAT_SENDER", "")
SENDERS = 2  # each is one thread
UNLOCK_TO_ANSWER = 1.0  # seconds, promised with a million stored events
LOG_LINES = 60
LATE = 1.0  # seconds by which a push may begin later than meant: else it is not the rate that was meant
Line = collections.namedtuple("Line", "began tried answered failed event")
# Of one restart: what the time counts from, and from when on no answer is the old worker's.
Change = collections.namedtuple("Change", "at gone")


class Sending:
    """The senders while they run; what they noted once they have ended."""

    def __init__(self, running, rate, gap, name):
        if not SENDER:
            raise unittest.SkipTest("WXPUSH_WECHAT_SENDER does not name the program that pushes")
        port = running.status()["listening"][0].rsplit(":", 1)[1]
        url = f"{'https' if running.tls else 'http'}://127.0.0.1:{port}{ledgers.APP.path()}"
        trusted = str(running.sections["server"]["certificate"]) if running.tls else ""
        app = ledgers.APP
        self._files = [running.directory / f"{name}-{number}.ledger" for number in range(SENDERS)]
        self._senders = [
            subprocess.Popen(
                [SENDER, url, trusted, str(rate / SENDERS), str(gap), f"{name}-{number}", file, app.appid, app.token, app.encoding_aes_key],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number, file in enumerate(self._files)
        ]

    def end(self):
        """What they noted. `late`: seconds that a push began later than meant, at most."""
        for sender in self._senders:
            sender.stdin.close()
        codes = [sender.wait(client.DEADLINE * 3) for sender in self._senders]
        runs.hold(codes == [0] * SENDERS, f"senders ended with {codes}")
        self.late = max(float(sender.stdout.read()) for sender in self._senders)
        lines = []
        for file in self._files:
            for line in file.read_text().splitlines():
                *times, failed, event = line.split("\t")
                lines.append(Line(*map(float, times), [] if failed == "-" else failed.split(";"), event))
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
    """The old worker lets go of the store, looked at every millisecond: from the last look at which it had not."""
    lock = running.store / "LOCK"
    end = time.monotonic() + client.DEADLINE
    held = looked = time.monotonic()
    while owner_of(lock) == old:
        runs.hold(looked < end, f"worker {old} does not let go of the store")
        held = looked
        time.sleep(0.001)
        looked = time.monotonic()
    return Change(held, time.monotonic())


def restart_often(run, running, kind, count):
    """Returns a Change for each."""
    changes = []
    for _ in range(count):
        time.sleep(run.options.pause * run.chance.uniform(0.5, 1.5))
        old = running.status()["pid"]
        if kind == "graceful":
            running.signal(signal.SIGUSR2)
            changes.append(watch_unlock(running, old))
            supervised.wait_for_another(running, old)
        else:
            killed = time.monotonic()
            os.kill(old, signal.SIGKILL)
            changes.append(Change(killed, watch_unlock(running, old).gone))
            supervised.wait_until_alone(running, supervised.wait_for_another(running, old))
    time.sleep(run.options.pause)
    return changes


def pauses(lines, changes):
    """From each change to the new worker's first answer, in seconds."""
    answers = sorted((line.tried, line.answered) for line in lines if line.answered)
    first = [answered for _, answered in answers]  # to this try or a later one
    for at in reversed(range(len(first) - 1)):
        first[at] = min(first[at], first[at + 1])
    found = []
    for change in changes:
        at = bisect.bisect(answers, (change.gone, float("inf")))
        runs.hold(at < len(answers), "nothing was answered after a restart")
        found.append(first[at] - change.at)
    return found


def longest_pause(lines):
    answered = sorted(line.answered for line in lines if line.answered)
    return max((after - before for before, after in zip(answered, answered[1:])), default=0.0)


def check_stored(running, lines, before=accounts.NOTHING):
    """Everything acknowledged is stored, with its body, and nothing twice. Nobody pushes any more."""
    acknowledged = {line.event for line in lines if line.answered}
    accounts.check_store(running, acknowledged, {"all": [line.event for line in lines]}, before)


def percentile(values, share):
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))]


def one_run(run, running, kind, count, gap):
    """Restarts of one kind under load; returns what the senders noted."""
    name = f"{kind}-{gap:g}"
    sending = Sending(running, run.options.rate, gap, name)
    run.on_end(sending.kill)
    changes = restart_often(run, running, kind, count)
    lines = sending.end()
    failed_first = [line for line in lines if line.failed]
    exhausted = [line for line in lines if not line.answered]
    why = collections.Counter(reason for line in lines for reason in line.failed)
    to_answer = pauses(lines, changes)
    slow = max(line.answered - line.began for line in lines)
    run.say(
        f"{count} restarts ({kind}), {gap:g} s between tries: {len(lines)} pushes, first tries failed {len(failed_first)}"
        f" {dict(why) or ''}, exhausted {len(exhausted)}; {'unlock' if kind == 'graceful' else 'kill'} to first answer: median"
        f" {percentile(to_answer, 0.5) * 1000:.0f} ms, most {max(to_answer) * 1000:.0f} ms; longest pause of all answers"
        f" {longest_pause(lines) * 1000:.0f} ms; slowest push {slow * 1000:.0f} ms; the senders were {sending.late * 1000:.0f} ms late at most"
    )
    run.counts.update({f"{kind}_restarts": count, "pushes": len(lines), "exhausted": len(exhausted)})
    run.counts[f"{kind}_first_tries_failed"] += len(failed_first)
    figures = {"to_answer_p50": percentile(to_answer, 0.5), "to_answer_max": max(to_answer), "longest_pause": longest_pause(lines), "senders_late": sending.late}
    run.figures[name] = {what: round(seconds, 3) for what, seconds in figures.items()}
    run.judge(sending.late < LATE, f"the senders were {sending.late:.3f} s late at most, {LATE} s are allowed")
    runs.hold(not exhausted, f"{len(exhausted)} pushes were exhausted: {[line.failed for line in exhausted][:3]}")
    if kind == "graceful":
        runs.hold(not failed_first, f"{len(failed_first)} first tries failed: {[line.failed for line in failed_first][:3]}")
    run.judge(max(to_answer) < UNLOCK_TO_ANSWER, f"to the first answer {max(to_answer):.3f} s, at most {UNLOCK_TO_ANSWER} s")
    return lines


@contextlib.contextmanager
def telling_its_end(log):
    """What does not hold ends with the log's last lines, which go away with the run."""
    try:
        yield
    except (AssertionError, runs.Violation):
        print("\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:]), flush=True)
        raise


def serve(run):
    """A supervised server over a store that holds much, so that a start has something to read; and what it holds."""
    # One address stands for the many of WeChat. And what it left behind may be on every port that the kernel would choose, where each
    # new worker would want one.
    server = {"max_connections_per_address": 20000}
    running = run.server(sections=campaigns.quiet(server=server, store=stored.KEEP, admin={"listen": "off"}))
    runs.log_to_file(running)
    running.program[2] = running.program[2].replace(" serve -c", " serve --supervise -c")
    stored.lay(run, running, run.options.stored)
    running.start()
    before = accounts.held(running, run.chance)
    runs.hold(before.count == run.options.stored, f"{before.count} events are stored, not {run.options.stored}")
    return running, before


def check_ends(running, log, kills):
    """Workers that were relieved ended well and in time; those that were killed, and nobody else, by that."""
    entries = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    ends = collections.Counter(entry["how"] for entry in entries if entry["message"] == "a worker ended")
    runs.hold(ends == {"signal 9": kills}, f"workers ended otherwise than they should: {dict(ends)}, {kills} were killed")
    late = [entry for entry in entries if "does not end in its time" in entry["message"]]
    runs.hold(not late, f"{len(late)} workers did not end in their time")


def main():
    run = campaigns.Campaign(
        __doc__,
        graceful=(200, 3),
        kills=(200, 3),
        rate=(1000.0, 100.0),
        pause=(2.0, 0.8),
        stored=(1_000_000, 0),
        gaps=("0,5", "0"),
    )
    with run:
        running, before = serve(run)
        run.figures["stored_before"] = before.count
        every = []
        log = running.directory / "server.log"
        with telling_its_end(log):
            for gap in map(float, run.options.gaps.split(",")):
                for kind, count in (("graceful", run.options.graceful), ("kill", run.options.kills)):
                    if count:
                        every += one_run(run, running, kind, count, gap)
            check_stored(running, every, before)
            gaps = len(run.options.gaps.split(","))
            check_ends(running, log, run.options.kills * gaps)
            runs.hold(running.stop(client.DEADLINE) == 0, "the supervisor did not end well")
        run.verdict()


if __name__ == "__main__":
    main()
