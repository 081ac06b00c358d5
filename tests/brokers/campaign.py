"""A broker that fails for a while, under steady pushes: nothing lost, order kept, acknowledgements as quick as before.

campaign.py --broker amqp|redis|kafka --fault outage|flapping|half_open|swallowed|nodes

The long form adds a line to tests/fault/ledger.jsonl, whatever came of it.
"""

import collections
import os
import sys
import time

import broker  # first

sys.path.append(str(broker.TESTS / "fault"))

import campaigns
import client
import ledger
import ledgers
import probe
import process
import runs
import server
import troubles
from troubles import HANDLER

THREADS = 16
TIMED = 0.2  # of the pushes
MOST_GROWTH = 50_000_000  # bytes
MOST_SLOWER = 1.2  # p99 of acknowledgements, in trouble against calm
# The same while the backlog rushes out, ten times as fast as it came: the server has one processor here, and there is none of it
# left then. Whoever pushes waits 5 s.
MOST_IN_DRAIN = 50.0  # ms
FEW = 100  # pushes that were timed: of fewer a p99 says nothing
LEAST_DRAIN = 3.0  # times the arrival rate
LOOK_AGAIN = 1.0  # seconds: each look counts what is pending, a microsecond each, on the one processor of the server


def keep_apart():
    """From here on what we start has every processor but the first; what is to precede the server's words, so that it has that one.

    A broker that starts again takes what it can get: elsewhere it would have processors of its own.
    """
    others = os.sched_getaffinity(0) - {0}
    if not others:
        return ()
    os.sched_setaffinity(0, others)
    return ("taskset", "-c", "0")


def pending(running):
    return runs.of_handler(running, HANDLER)["pending"]


def check(pushing, received):
    """All that was acknowledged is there; an order's events came the first time in the order in which they were pushed."""
    seen = collections.Counter(one.event_id for one in received)
    missing = [event for event in pushing.acknowledged if event not in seen]
    runs.hold(not missing, f"{len(missing)} acknowledged events are not at the broker: {missing[:3]}")
    place = {}
    for at, one in enumerate(received):
        place.setdefault(one.event_id, (one.partition, at))
    for order, events in pushing.orders.items():
        places = [place[event] for event in events if event in place]
        runs.hold(places == sorted(places), f"order {order} came out of order")
        runs.hold(len({partition for partition, _ in places}) <= 1, f"order {order} is in several partitions")
    return sum(seen.values()) - len(seen)


class Spans:
    """When what was (time.monotonic()), and what it says of the acknowledgements."""

    def __init__(self, began, troubled, returned, drained, ended):
        self.calm = ((began, troubled), (drained, ended))
        self.trouble = ((troubled, returned),)
        self.drain = ((returned, drained),)

    def judge(self, run, timing):
        calm = timing.p99(*self.calm)
        run.figures["calm_p99_ms"] = round(calm, 2)
        for name, spans in (("trouble", self.trouble), ("drain", self.drain)):
            count = timing.count(*spans)
            if count < FEW:
                run.say(f"{name}: {count} pushes were timed, too few for a p99")
                continue
            p99 = timing.p99(*spans)
            run.figures[f"{name}_p99_ms"] = round(p99, 2)
            most = MOST_SLOWER * calm if name == "trouble" else MOST_IN_DRAIN
            run.judge(p99 <= most, f"p99 of acknowledgements {calm:.1f} ms in calm, {p99:.1f} in {name}")


def judge_memory(run, at_first, most):
    growth = most - at_first
    run.figures["grown_bytes"] = growth
    run.judge(
        growth <= MOST_GROWTH, f"memory grew by {growth / 1e6:.1f} MB, wanted at most {MOST_GROWTH / 1e6:.0f}"
    )


def judge_drain(run, backlog, arrived, seconds):
    """A backlog of some size only: a small one is gone before it can be timed."""
    arrival = run.options.rate
    run.figures["backlog"] = backlog
    if backlog <= 10 * arrival:
        return run.say(f"backlog of {backlog}: too small to say how fast it drains")
    rate = (backlog + arrived) / seconds
    run.figures["drained_times_the_arrival"] = round(rate / arrival, 2)
    run.judge(
        rate >= LEAST_DRAIN * arrival,
        f"backlog of {backlog} drained with {rate:.0f}/s, {rate / arrival:.1f} times the arrival rate, wanted 3",
    )


def pushers(run, running):
    """(what times, what pushes): enough for the calm, the trouble, and a drain at the least rate that is wanted."""
    options = run.options
    pushes = options.rate * (2 * options.calm + max(options.trouble, 20.0 * options.kills) * 2 + 120)
    orders = [f"order-{number}" for number in range(int(pushes / len(ledgers.STATUSES)))]
    timed, others = orders[: int(TIMED * len(orders))], orders[int(TIMED * len(orders)) :]
    timing = probe.Probe(running, ledgers.plans(run.chance, timed, probe.THREADS), TIMED * options.rate)
    plans = ledgers.plans(run.chance, others, THREADS)
    return timing, ledgers.Pushing(running, plans, (1 - TIMED) * options.rate)


def last(run, running, target, fault):
    """The whole run, from calm to calm; `running` serves."""
    options = run.options
    pid = running.status_at_start["pid"]
    timing, pushing = pushers(run, running)
    with pushing:
        began = time.monotonic()
        time.sleep(options.calm)
        at_first = process.memory(pid)["VmRSS"]
        with process.MemoryWatch(pid) as watch:
            troubled = time.monotonic()
            fault.last(options.trouble)
            returned = time.monotonic()
            backlog = pending(running)
            server.wait_until(lambda: pending(running) <= options.rate, "the backlog gone", 3600.0, LOOK_AGAIN)
            drained = time.monotonic()
            time.sleep(options.calm)  # the machine is not the same all the time: calm on both sides of the trouble
            pushing.stop()
            ended = time.monotonic()
    timing.stop(pushing)
    server.wait_until(lambda: pending(running) == 0, "nothing pending", client.DEADLINE * 3)
    repeated = check(pushing, target.received())
    run.counts.update(acknowledged=len(pushing.acknowledged), came_again=repeated)
    run.say(
        f"{options.broker}, {options.fault}: {len(pushing.acknowledged)} acknowledged, all at the broker, in order;"
        f" {repeated} came more than once, each with its event_id"
    )
    Spans(began, troubled, returned, drained, ended).judge(run, timing)
    judge_memory(run, at_first, watch.most["VmRSS"])
    arrived = sum(returned <= at < drained for at in pushing.acknowledged.values())
    judge_drain(run, backlog, arrived, drained - returned)


def main():
    run = campaigns.Campaign(
        __doc__,
        name="brokers",
        broker=("amqp", "amqp"),
        fault=("outage", "outage"),
        rate=(500.0, 100.0),
        calm=(60.0, 3.0),
        trouble=(600.0, 6.0),
        kills=(50, 2),
        apart=(1, 0),
    )
    options = run.options
    run.figures.update(broker=options.broker, fault=options.fault, rate=options.rate)
    with run:
        run.say(f"commit {ledger.commit()}")
        prefix = keep_apart() if options.apart else ()
        target = troubles.make_broker(options.broker, options.fault)
        run.on_end(target.close)
        target.start()
        fault = troubles.FAULTS[options.fault](run, target)
        running = run.server(handlers=[fault.handler()], command_prefix=prefix)
        runs.log_to_file(running)
        running.start()
        last(run, running, target, fault)
        runs.hold(running.stop(client.DEADLINE) == 0, "the server did not end well")
        run.verdict()


if __name__ == "__main__":
    main()
