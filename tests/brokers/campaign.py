"""A broker that fails for a while, under steady pushes: nothing lost, order kept, acknowledgements as quick as before.

campaign.py --broker amqp|redis|kafka --fault outage|flapping|half_open|nodes
"""

import collections
import importlib
import os
import time

import broker  # first

import client
import ledgers
import probe
import process
import proxy
import runs
import server

BROKERS = {
    "amqp": ("rabbit", "RabbitBroker"),
    "redis": ("redis_streams", "RedisBroker"),
    "kafka": ("kafka_mock", "KafkaBroker"),
}
HANDLER = "queue"
THREADS = 16
TIMED = 0.2  # of the pushes
FLAP_EVERY = 5.0  # seconds up, seconds down
MOST_GROWTH = 50 << 20
MOST_SLOWER = 1.2  # p99 of acknowledgements, in trouble against before
LEAST_DRAIN = 3.0  # times the arrival rate
SETTINGS = {"timeout": "2s", "retry_max": "2s"}


def keep_apart():
    """From here on what we start has every processor but the first; what is to precede the server's words, so that it has that one.

    A broker that starts again takes what it can get: elsewhere it would have processors of its own.
    """
    others = os.sched_getaffinity(0) - {0}
    if not others:
        return ()
    os.sched_setaffinity(0, others)
    return ("taskset", "-c", "0")


def make_broker(kind, fault):
    module, name = BROKERS[kind]
    made = getattr(importlib.import_module(module), name)
    return made(nodes=3) if fault == "nodes" else made()


class Outage:
    def __init__(self, run, target):
        self.run, self.target = run, target

    def handler(self):
        return self.target.handler(HANDLER, **SETTINGS)

    def last(self, seconds):
        self.target.kill()
        time.sleep(seconds)
        self.target.start()


class HalfOpen(Outage):
    """Connections stay, and nothing is answered."""

    def last(self, seconds):
        self.target.pause()
        time.sleep(seconds)
        self.target.resume()


class Flapping(Outage):
    """Between the two stands somebody who cuts all connections and lets none through, again and again."""

    def handler(self):
        own = self.target.handler(HANDLER, **SETTINGS)
        if self.target.name == "kafka":  # which tells its clients where its brokers are, past anybody between
            self.refuse, self.allow = self.target.kill, self.target.start
            return own
        host, port = own["hosts"][0].rsplit(":", 1)
        between = proxy.Proxy((host, int(port)))
        self.refuse, self.allow = between.refuse, between.allow
        self.run.on_end(between.close)
        return {**own, "hosts": [f"127.0.0.1:{between.port}"]}

    def last(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.refuse()
            time.sleep(FLAP_EVERY)
            self.allow()
            time.sleep(FLAP_EVERY)


class Nodes(Outage):
    """One node of three is killed and started again, each time another by chance."""

    def last(self, seconds):
        for _ in range(self.run.options.kills):
            node = self.run.chance.choice(self.target.nodes)
            node.kill()
            time.sleep(self.run.chance.uniform(0.0, 2.0))
            self.target.start()


FAULTS = {"outage": Outage, "flapping": Flapping, "half_open": HalfOpen, "nodes": Nodes}


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


def main():
    run = runs.Run(
        __doc__,
        broker=("amqp", "amqp"),
        fault=("outage", "outage"),
        rate=(500.0, 100.0),
        calm=(60.0, 3.0),
        trouble=(600.0, 6.0),
        kills=(50, 2),
        apart=(1, 0),
    )
    options = run.options
    with run:
        prefix = keep_apart() if options.apart else ()
        target = make_broker(options.broker, options.fault)
        run.on_end(target.close)
        target.start()
        fault = FAULTS[options.fault](run, target)
        running = run.server(handlers=[fault.handler()], command_prefix=prefix)
        runs.log_to_file(running)
        running.start()
        pid = running.status_at_start["pid"]
        # Enough for the calm, the trouble, and a drain at the least rate that is wanted.
        pushes = options.rate * (2 * options.calm + max(options.trouble, 20.0 * options.kills) * 2 + 120)
        orders = [f"order-{number}" for number in range(int(pushes / len(ledgers.STATUSES)))]
        timed, others = orders[: int(TIMED * len(orders))], orders[int(TIMED * len(orders)) :]
        timing = probe.Probe(running, ledgers.plans(run.chance, timed, probe.THREADS), TIMED * options.rate)
        plans = ledgers.plans(run.chance, others, THREADS)
        with ledgers.Pushing(running, plans, (1 - TIMED) * options.rate) as pushing:
            began = time.monotonic()
            time.sleep(options.calm)
            at_first = process.memory(pid)["VmRSS"]
            with process.MemoryWatch(pid) as watch:
                troubled = time.monotonic()
                fault.last(options.trouble)
                returned = time.monotonic()
                backlog = pending(running)
                server.wait_until(lambda: pending(running) <= options.rate, "the backlog gone", 3600.0)
                drained = time.monotonic()
                time.sleep(options.calm)  # the machine is not the same all the time: calm on both sides of the trouble
                pushing.stop()
                ended = time.monotonic()
        timing.stop(pushing)
        server.wait_until(lambda: pending(running) == 0, "nothing pending", client.DEADLINE * 3)
        repeated = check(pushing, target.received())
        run.say(
            f"{options.broker}, {options.fault}: {len(pushing.acknowledged)} acknowledged, all at the broker, in order;"
            f" {repeated} came more than once, each with its event_id"
        )
        calm = timing.p99((began, troubled), (drained, ended))
        during = timing.p99((troubled, returned))
        run.judge(during <= MOST_SLOWER * calm, f"p99 of acknowledgements {calm:.1f} ms in calm, {during:.1f} in trouble")
        growth = watch.most["VmRSS"] - at_first
        run.judge(growth <= MOST_GROWTH, f"memory grew by {growth / (1 << 20):.1f} MiB, wanted at most 50")
        if backlog > 10 * options.rate:
            arrived = sum(returned <= at < drained for at in pushing.acknowledged.values())
            rate = (backlog + arrived) / (drained - returned)
            run.judge(
                rate >= LEAST_DRAIN * options.rate,
                f"backlog of {backlog} drained with {rate:.0f}/s, {rate / options.rate:.1f} times the arrival rate, wanted 3",
            )
        runs.hold(running.stop(client.DEADLINE) == 0, "the server did not end well")
        run.verdict()


if __name__ == "__main__":
    main()
