"""kill -9 at random moments, under load, within drains and starts: nothing acknowledged is lost, nothing is stored twice, the file
stays sound, and the next start is ready soon, also with a million events stored."""

import itertools
import signal
import time

import campaigns  # first

import accounts
import ledgers
import runs
import stored

READY_WITHIN = 1.0  # seconds, p99
STARTING, DRAINING = 0.1, 0.1  # shares of the kills after which the next comes within the start, or that come within a drain
DRAIN = 0.05  # seconds within which the kill of a drain comes


def kill_a_start(run, running):
    running.spawn()
    time.sleep(run.chance.uniform(0.0, run.options.pause))
    running.kill()


def kill_a_drain(run, running):
    """Whether it was: the drain may have been quicker."""
    running.signal(signal.SIGTERM)
    time.sleep(run.chance.uniform(0.0, DRAIN))
    running.kill(0)
    return running.process.returncode == -signal.SIGKILL


def kill(run, running):
    """Counts it, if there was one to count."""
    if run.chance.random() >= DRAINING:
        running.kill()
        run.counts["kills"] += 1
    elif kill_a_drain(run, running):
        run.counts["kills"] += 1
        run.counts["kills_of_drains"] += 1
    else:
        run.counts["drains_that_were_quicker"] += 1


def main():
    run = campaigns.Campaign(
        __doc__,
        kills=(1000, 20),
        every=(50, 10),  # kills between two checks of the whole store
        pause=(0.3, 0.2),  # seconds within which the kill comes
        stored=(1_000_000, 0),
    )
    with run:
        running = run.server(sections=campaigns.quiet(store=stored.KEEP))
        stored.lay(run, running, run.options.stored)
        running.sections["log"] = {"level": "info"}  # a line for each push, in which nothing private may stand
        ready = [campaigns.timed_start(running)]
        before = accounts.held(running, run.chance)
        runs.hold(before.count == run.options.stored, f"{before.count} events are stored, not {run.options.stored}")
        account = accounts.Account(running, before)
        for number in itertools.count(1):
            with account.under_load() as pushing:
                time.sleep(run.chance.uniform(0.0, run.options.pause))
                kill(run, running)
            account.end(pushing)
            if run.chance.random() < STARTING:
                kill_a_start(run, running)
                run.counts["kills_of_starts"] += 1
            ready.append(campaigns.timed_start(running))
            account.push_again()
            killed = run.counts["kills"]
            if number % run.options.every == 0 or killed == run.options.kills:
                account.check()
                run.say(f"{killed} kills; {len(account.acknowledged)} acknowledged, all there, each once")
            if killed == run.options.kills:
                break
        campaigns.stop_well(running)
        run.counts.update(acknowledged=len(account.acknowledged), pushed_again=account.pushed_again)
        runs.hold(len(account.acknowledged) > run.options.kills, "too little was acknowledged for the kills to matter")
        runs.hold(account.pushed_again > 0, "no kill ever left a push without its answer")
        p50, p99 = (ledgers.percentile(ready, share) for share in (0.5, 0.99))
        run.figures = {"ready_p50": round(p50, 3), "ready_p99": round(p99, 3), "ready_max": round(max(ready), 3)}
        told = f"ready again p50 {p50:.2f} s, p99 {p99:.2f} s, max {max(ready):.2f} s"
        run.judge(p99 < READY_WITHIN, f"{told}, with {run.options.stored} stored before")
        run.verdict()


if __name__ == "__main__":
    main()
