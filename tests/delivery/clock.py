"""The wall clock stepped by an hour and by a day, to and fro, while everything runs: nothing lost, pruned early, or retried late."""

import os
import struct
import time

import runs  # first

import backend
import client
import ledgers

HOUR, DAY = 3600, 86_400
STEPS = (HOUR, -HOUR, -HOUR, HOUR, DAY, -DAY, -DAY, DAY)  # each from where the clock was before
RETRY_MAX = 2.0
SETTINGS = {"timeout": "1s", "retry_min": "50ms", "retry_max": f"{RETRY_MAX:.0f}s", "max_attempts": 1000}
RETENTION = {"retention": "1h", "min_retention": "1m"}  # so each step that was believed would erase
SLACK = 10.0 * client.PATIENCE  # of a busy machine; a wrong due time is an hour or a day off
THREADS = 4


class Clock:
    """The wall clock of one server, through the shim of tests/fault."""

    def __init__(self, running):
        self._file = running.directory / "clock"
        self.offset = 0
        self._file.write_bytes(struct.pack("=q", 0))
        shim = running.directory / "shim.so"
        shim.symlink_to(os.environ["WXPUSH_FAULT_SHIM"])
        asan = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
        running.environment.update(
            LD_PRELOAD=str(shim), WXPUSH_CLOCK_FILE=str(self._file), ASAN_OPTIONS=asan
        )

    def step(self, seconds):
        self.offset += seconds
        with open(self._file, "r+b", buffering=0) as file:  # the same file, since it is mapped
            file.write(struct.pack("=q", self.offset))


def stored(running):
    return {event["event_id"] for event in running.events()}


def latest_retry(lines, restarts):
    """The longest time between two attempts of one event, without the time in which no server ran."""
    last, longest = {}, 0.0
    for line in lines:
        if line.event in last:
            apart = line.at - last[line.event]
            down = sum(up - down for down, up in restarts if last[line.event] <= up and down <= line.at)
            longest = max(longest, apart - down)
        last[line.event] = line.at
    return longest


def main(kind=runs.Run):
    run = kind(
        __doc__,
        rounds=(4, 1),
        pause=(15.0, 1.5),
        rate=(100.0, 60.0),
        fail=(0.3, 0.3),
        deadline=(300.0, client.DEADLINE * 3),
    )
    with run:
        port, secret = backend.free_port(), backend.new_secret()
        handlers = [runs.handler(f"http://127.0.0.1:{port}/", secrets=[secret], **SETTINGS)]
        listen = f"127.0.0.1:{backend.free_port()}"
        running = run.server(handlers=handlers, sections={"server": {"listen": listen}, "store": RETENTION})
        runs.log_to_file(running)
        clock = Clock(running)
        moods = {"secret": secret, "seed": run.seed, "fail": run.options.fail}
        target = ledgers.MoodyBackend(running.directory, port, **moods).start()
        run.on_end(target.kill)
        running.start()
        restarts = []
        steps = [step for _ in range(run.options.rounds) for step in STEPS]
        events = int(run.options.rate * run.options.pause * len(steps) * 0.8)
        orders = ledgers.numbered("order", max(1, events // len(ledgers.STATUSES)))
        plans = ledgers.plans(run.chance, orders, THREADS)
        with ledgers.Pushing(running, plans, run.options.rate) as pushing:
            for step in steps:
                time.sleep(run.options.pause / 2)
                clock.step(step)
                if run.chance.random() < 0.5:  # what waits is read from the disk, by the new clock
                    down = time.monotonic()
                    running.kill()
                    running.start()
                    restarts.append((down, time.monotonic()))
                time.sleep(run.options.pause / 2)
                lost = set(pushing.acknowledged) - stored(running)
                runs.hold(not lost, f"after a step of {step} s {len(lost)} events are gone")
        runs.wait_for_all(running, run.options.deadline)
        lines = target.lines()
        ledgers.check(pushing, lines)
        longest = latest_retry(lines, restarts)
        run.counts.update(steps=len(steps), kills=len(restarts), acknowledged=len(pushing.acknowledged))
        run.say(
            f"{len(steps)} steps, {len(restarts)} restarts after one; {len(pushing.acknowledged)} acknowledged, all"
            f" delivered in order; the latest retry {longest:.1f} s after the attempt before it"
        )
        runs.hold(longest <= RETRY_MAX + SLACK, f"a retry came {longest:.1f} s later, retry_max is {RETRY_MAX:.0f} s")
        runs.hold(runs.of_handler(running)["dead_letters"] == 0, "the steps killed events")
        runs.hold(running.stop(client.DEADLINE * 2) == 0, "the server did not end well")


if __name__ == "__main__":
    main()
