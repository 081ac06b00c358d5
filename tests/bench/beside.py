"""Delivery beside intake: pushes as fast as they are acknowledged, once with nobody to deliver to and once with an HTTP handler.

Server, load and back end (tests/delivery/fast_backend.c) share all cores; nothing is pinned. A turn begins with nothing to deliver.
What counts as delivered are different events that the back end had answered when the load's time was over; afterwards all of them
have to come, in order.
"""

import contextlib

import places  # first

import backend
import contenders
import drain
import measurements
import runs
import server
import turns

DELIVERED, SLOWER = 0.5, 2.0  # of what is acknowledged, at least; p99 of that without a handler, at most
DRAINED_IN = 600.0  # seconds
HEADER = ("", "acknowledged/s", "delivered/s", "of the acknowledged", "p50 ms", "p99 ms", "p99.9 ms", "server's cores")


class Alone(contenders.WxPush):
    core = places.ANY_CORE

    def __init__(self, **options):
        super().__init__(sections={"server": {"threads": 0}, "store": {"max_size": "1TiB"}}, **options)
        self.name = "no handler"


class Delivering(Alone):
    def __init__(self, port):
        super().__init__(handlers=[runs.handler(f"http://127.0.0.1:{port}/")])
        self.name = "one HTTP handler"


def take_alone(run, options):
    with turns.serving(Alone(), run.certificate) as running:
        turns.offer(running, run.options.warm, **options)
        return turns.measure(running, run.options.seconds, **options)


def take_delivering(run, options):
    port = backend.free_port()
    anywhere = places.on_core(places.ANY_CORE)
    with contextlib.closing(drain.FastBackend(port, run.options.room, anywhere)) as target, turns.serving(
        Delivering(port), run.certificate
    ) as running:
        came = lambda: target.count()["events"]
        warm = turns.offer(running, run.options.warm, **options)["acknowledged"]
        server.wait_until(lambda: came() >= warm, "all of the warming up", DRAINED_IN)
        before = came()
        turn = turns.measure(running, run.options.seconds, **options)
        turn["delivered"] = came() - before
        all_of_them = lambda: came() >= warm + turn["acknowledged"]
        server.wait_until(all_of_them, "everything that was acknowledged", DRAINED_IN)
        runs.hold(target.count()["out_of_order"] == 0, "events came out of order")
    return {**turn, "delivered_per_second": round(turn["delivered"] / turn["seconds"])}


def row(name, mine):
    middle = lambda look: measurements.median([look(turn) for turn in mine])
    told = lambda look: measurements.spread([look(turn) for turn in mine], "{:.0f}")
    delivered = ["-", "-"]
    if "delivered" in mine[0]:
        delivered = [told(lambda turn: turn["delivered_per_second"]), f"{middle(share):.2f}"]
    latency = [f"{middle(lambda turn: turn['latency_ms'][key]):.2f}" for key in ("p50", "p99", "p99.9")]
    return [name, told(lambda turn: turn["rate"]), *delivered, *latency, f"{middle(lambda turn: turn['server_busy']):.2f}"]


def share(turn):
    return turn["delivered"] / turn["acknowledged"]


def judge(run, what, values, met, wanted):
    run.say(f"{what}: {measurements.spread(values)}, wanted {wanted}: {'met' if met else 'NOT MET'}")
    run.note("bound", row=what, values=[round(value, 3) for value in values], met=met)


def main():
    run = measurements.Measurement(
        __doc__, rounds=(3, 1), seconds=(10.0, 1.0), warm=(2.0, 0.2), connections=(64, 8), room=(2_000_000, 200_000)
    )
    with run:
        runs.hold(drain.FAST_BACKEND, "WXPUSH_FAST_BACKEND does not name the program: call ./dev bench")
        run.certificate = turns.Certificate(run)
        how = {"connections": run.options.connections, "core": places.ANY_CORE}
        alone, beside = [], []
        for number in range(run.options.rounds):
            for kind, mine, take in (("alone", alone, take_alone), ("beside", beside, take_delivering)):
                turn = take(run, how)
                turn.pop("others_busy")  # the back end is no company
                mine.append(turn)
                run.note("turn", round=number, row=kind, **turn)
        run.show("Delivery beside intake, on all cores", HEADER, [row("no handler", alone), row("one HTTP handler", beside)])
        shares = [share(turn) for turn in beside]
        slower = [b["latency_ms"]["p99"] / a["latency_ms"]["p99"] for a, b in zip(alone, beside)]
        judge(run, "delivered, of the acknowledged", shares, measurements.median(shares) >= DELIVERED, f"at least {DELIVERED}")
        judge(run, "p99, of that without a handler", slower, measurements.median(slower) <= SLOWER, f"at most {SLOWER}")


if __name__ == "__main__":
    main()
