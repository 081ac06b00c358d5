"""Does it stay as fast when there is much of everything: stored events, connections, orders, apps?

Each case is compared with its small one, in rounds that take turns. Stores are filled through the front door, once, and kept
under build/bench/stored for the next time (20 million events take 14 GB and a quarter of an hour); so they
grow by what the rounds push. Each turn over a store ends by kill -9, and the next start is timed: from the process's start to its
first answered connection.
"""

import shutil
import time

import places  # first

import contenders
import measurements
import turns
import wechat

FILLING_SECONDS = 4 * 3600
STORED = places.BUILT / "stored"
HOLD_ALL = {"store": {"append_queue": contenders.MOST_CONNECTIONS}}  # each connection has a push under way
HEADER = ("", "pushes/s", "of the first", "p99 ms", "us/push", "ready after s", "memory MiB", "load's core", "disk syncs/s")


def numbers(text):
    """"10_000,1000000" """
    return [int(word) for word in text.split(",") if word.strip()]


class Case:
    """One size of one thing."""

    def __init__(self, name, contender=None, store=None, **options):
        self.name, self.store, self.options = name, store, options
        self.contender = contender or contenders.WxPush()
        self.turns = []

    def take(self, run):
        with turns.serving(self.contender, run.certificate, self.store) as running:
            ready = running.ready_after
            options = {"connections": run.options.connections, **self.options}
            turns.offer(running, run.options.warm, **options)
            turn = turns.beside_the_disk(self.contender, running, run.options.seconds, **options)
            turn["resident_kib"] = turns.resident_kib(running)
            running.kill()
        self.turns.append({**turn, "ready_s": round(ready, 3)})
        return self.turns[-1]


def filled(run, count):
    """The directory of a store with so many events."""
    directory = STORED / str(count)
    done = directory / "filled"
    if done.exists():
        return directory
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    began = time.monotonic()
    with turns.serving(contenders.WxPush(), run.certificate, directory) as running:
        told = turns.offer(running, FILLING_SECONDS, connections=256, more=("--events", count))
        measurements.runs.hold(told["acknowledged"] >= count, f"the store of {count} was not filled: {told}")
    done.touch()
    run.say(f"{count} events stored in {time.monotonic() - began:.0f} s, kept in {directory.relative_to(places.TREE)}")
    return directory


def cases(run):
    """[(title, [Case, the small one first])]"""
    options = run.options
    groups = {name: numbers(getattr(options, name)) for name in ("stored", "at_once", "orders", "apps")}
    apps = lambda count: [wechat.App(), *(wechat.App(name=f"shop-{n}", appid=f"wx{n:016d}") for n in range(1, count))]
    return [
        ("Events stored before", [Case(f"{n}", store=filled(run, n)) for n in groups["stored"]]),
        ("Connections", [Case(f"{n}", contenders.WxPush(sections=HOLD_ALL), connections=n) for n in groups["at_once"]]),
        ("Orders that the pushes go round", [Case(f"{n}", more=("--orders", n)) for n in groups["orders"]]),
        ("Apps configured, one of them pushed to", [Case(f"{n}", contenders.WxPush(apps=apps(n))) for n in groups["apps"]]),
    ]


def row(case, first):
    middle = lambda look: measurements.median([look(turn) for turn in case.turns])
    share = measurements.median([a["rate"] / b["rate"] for a, b in zip(case.turns, first.turns) if b["rate"]] or [0])
    limits = " *" if sum(turns.load_limits(turn) for turn in case.turns) * 2 > len(case.turns) else ""
    return [
        case.name,
        measurements.spread([turn["rate"] for turn in case.turns], "{:.0f}"),
        f"{share:.2f}",
        f"{middle(lambda turn: turn['latency_ms']['p99']):.2f}",
        f"{middle(lambda turn: turn['server_us']):.1f}",
        f"{middle(lambda turn: turn['ready_s']):.2f}",
        f"{middle(lambda turn: turn['resident_kib']) / 1024:.0f}",
        f"{100 * middle(lambda turn: turn['load_busy']):.0f} %{limits}",
        f"{middle(lambda turn: turn['disk']['per_second']):.0f}",
    ]


def main():
    run = measurements.Measurement(
        __doc__,
        rounds=(3, 1),
        seconds=(5.0, 1.0),
        warm=(1.0, 0.2),
        connections=(64, 8),
        stored=("10000,1000000,20000000", "100,1000"),
        at_once=("1,64,10000", "1,8"),
        orders=("1,1000000", ""),
        apps=("1,100", ""),
    )
    with run:
        run.certificate = turns.Certificate(run)
        for title, group in cases(run):
            if not group:
                continue
            for number in range(run.options.rounds):
                for case in group:
                    turn = case.take(run)
                    run.note("turn", group=title, case=case.name, round=number, **turn)
            run.show(title, HEADER, [row(case, group[0]) for case in group])
        run.tell_company()


if __name__ == "__main__":
    main()
