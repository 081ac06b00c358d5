"""Many orders, statuses interleaved, into a back end that fails now and then; some orders that always fail; one that hangs."""

import collections
import json
import statistics

import runs  # first

import backend
import client
import ledgers
import server

BAD = "bad"  # how the orders begin that always fail
THREADS = 8
QUICK = {"timeout": "1s", "retry_min": "100ms", "retry_max": "2s", "max_attempts": 6}
WITHIN = 1.2  # p99 with and without the orders that always fail
KEPT = 0.8  # of the rate, beside a handler that never answers


class Scene:
    """One server over a fresh store, with a back end of its own."""

    def __init__(self, run, name, fail=None, **more):
        self.run, self.name = run, name
        self.secret = backend.new_secret()
        port = backend.free_port()
        handlers = [
            runs.handler(f"http://127.0.0.1:{port}/", secrets=[self.secret], **QUICK),
            *more.get("others", []),
        ]
        self.running = run.server(handlers=handlers)
        runs.log_to_file(self.running)
        fail = run.options.fail if fail is None else fail
        moods = {"secret": self.secret, "seed": run.chance.randrange(1 << 30), "fail": fail}
        self.backend = ledgers.MoodyBackend(self.running.directory, port, name, **moods)
        run.on_end(self.backend.kill)
        self.backend.start(refuse=more.get("refuse", ""))
        self.running.start()

    def push(self, orders):
        plans = ledgers.plans(self.run.chance, orders, THREADS)
        with ledgers.Pushing(self.running, plans, self.run.options.rate) as pushing:
            pass
        return pushing

    def wait(self):
        runs.wait_for_all(self.running, self.run.options.deadline)

    def end(self):
        runs.hold(self.running.stop(client.DEADLINE * 2) == 0, "the server did not end well")
        self.backend.kill()


def is_bad(order):
    return order.startswith(BAD)


def delays(pushing, lines):
    """Seconds from the acknowledgement to the first 2xx, of the healthy orders' events."""
    taken = ledgers.taken_at(lines)
    events = [event for order, ids in pushing.orders.items() if not is_bad(order) for event in ids]
    return [max(0.0, taken[event] - pushing.acknowledged[event]) for event in events]


def dead_letters(running):
    result = running.run("dlq", "list", "--format", "json", deadline=client.DEADLINE * 3)
    return [json.loads(line)["event_id"] for line in result.stdout.splitlines()]


def everything_arrives(run):
    """The healthy ones in order, the others as dead letters, which come back."""
    good, bad = ledgers.numbered("order", run.options.orders), ledgers.numbered(BAD, run.options.bad)
    scene = Scene(run, "all", refuse=BAD)
    mixed = good + bad
    run.chance.shuffle(mixed)
    pushing = scene.push(mixed)
    scene.wait()
    lines = list(scene.backend.lines())
    ledgers.check(pushing, lines, but=is_bad)
    outcomes = collections.Counter(line.what for line in lines)
    run.say(f"{len(pushing.acknowledged)} acknowledged; answers of the back end {dict(sorted(outcomes.items()))}")
    wanted = {event for order in bad for event in pushing.orders[order]}
    letters = dead_letters(scene.running)
    runs.hold(set(letters) == wanted, f"{len(letters)} dead letters, wanted the {len(wanted)} of the orders that fail")
    come_back(run, scene, pushing, bad, len(lines))
    scene.end()


def come_back(run, scene, pushing, bad, before):
    scene.backend.kill()
    scene.backend.start(refuse="")
    result = scene.running.run("dlq", "requeue", "--handler", runs.HANDLER, "--yes", deadline=client.DEADLINE * 3)
    runs.hold(result.returncode == 0, f"dlq requeue: {result.stderr}")
    server.wait_until(lambda: not dead_letters(scene.running), "no dead letter left", run.options.deadline)
    scene.wait()
    lines = scene.backend.lines()[before:]
    again = ledgers.Pushing(None, [])  # the part of the ledger that was to come back
    again.orders = {order: pushing.orders[order] for order in bad}
    again.acknowledged = {event: 0.0 for order in bad for event in pushing.orders[order]}
    ledgers.check(again, lines)
    run.say(f"{len(again.acknowledged)} dead letters of {len(bad)} orders came back, in order")


def poisoned_ones_slow_nobody(run):
    """p99 of the healthy orders, with and without the others, in turns."""
    found = {0: [], run.options.bad: []}
    for number in range(run.options.rounds):
        for count in found:
            scene = Scene(run, f"round-{number}-{count}", refuse=BAD)
            orders = ledgers.numbered("order", run.options.round_orders) + ledgers.numbered(BAD, count)
            run.chance.shuffle(orders)
            pushing = scene.push(orders)
            scene.wait()
            lines = scene.backend.lines()
            ledgers.check(pushing, lines, but=is_bad)
            found[count].append(ledgers.percentile(delays(pushing, lines), 0.99))
            scene.end()
    told = {count: [f"{1000 * one:.0f}" for one in values] for count, values in found.items()}
    run.say(f"p99 from acknowledged to taken, ms, without and with {run.options.bad} that always fail: {told}")
    without, with_them = (statistics.median(values) for values in found.values())
    run.judge(with_them <= WITHIN * without, f"p99 with them is {with_them / without:.2f} of without, wanted 1.2")


def one_that_hangs_slows_nobody(run):
    """The rate at which a backlog is taken, beside a handler that never answers and without it."""
    found = {False: [], True: []}
    for number in range(run.options.rounds):
        for hangs in found:
            found[hangs].append(rate_of_backlog(run, f"hang-{number}-{hangs}", hangs))
    told = {("beside it" if hangs else "alone"): [f"{one:.0f}" for one in values] for hangs, values in found.items()}
    run.say(f"events taken a second beside a handler that never answers: {told}")
    alone, beside = (statistics.median(values) for values in found.values())
    run.judge(beside >= KEPT * alone, f"beside it the rate is {beside / alone:.2f} of alone, wanted 0.8")


def rate_of_backlog(run, name, hangs):
    others = []
    if hangs:
        port = backend.free_port()
        others = [{**runs.handler(f"http://127.0.0.1:{port}/", **QUICK), "name": "hanging"}]
    scene = Scene(run, name, fail=0.0, others=others)
    if hangs:
        stuck = ledgers.MoodyBackend(scene.running.directory, port, "hanging", hang=True)
        run.on_end(stuck.kill)
        stuck.start()
    scene.backend.kill()
    plans = ledgers.plans(run.chance, ledgers.numbered("order", run.options.round_orders), THREADS)
    with ledgers.Pushing(scene.running, plans) as pushing:
        pass
    scene.backend.start()
    scene.wait()
    lines = scene.backend.lines()
    ledgers.check(pushing, lines)
    if hangs:
        runs.hold(len(stuck.lines()) > 0, "the handler that hangs was never called")
        runs.hold(all(line.what == "withheld" for line in stuck.lines()), "the handler that hangs answered")
        stuck.kill()
    scene.end()
    return len(pushing.acknowledged) / (max(line.at for line in lines) - min(line.at for line in lines))


def main():
    run = runs.Run(
        __doc__,
        orders=(5000, 300),
        bad=(100, 10),
        rounds=(3, 1),
        round_orders=(1000, 60),
        rate=(300.0, 400.0),
        fail=(0.15, 0.15),
        deadline=(1800.0, client.DEADLINE * 3),
    )
    with run:
        everything_arrives(run)
        poisoned_ones_slow_nobody(run)
        one_that_hangs_slows_nobody(run)
        run.verdict()


if __name__ == "__main__":
    main()
