"""How long an acknowledgement takes at a load that is no strain, beside what one fdatasync takes on the same disk.

Latency counts from the time at which a push was meant to be sent. The disk is looked at just before and just after each
turn, alone; the bound is twice its p99 and a millisecond. p99.9 is told.
"""

import places  # first

import compare
import measurements
import turns

SYNCS, MARGIN_MS = 2.0, 1.0
HEADER = ("", "offered/s", "acknowledged/s", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms", "disk p50", "disk p99", "bound")


def bound(turn):
    return SYNCS * turn["disk"]["p99_ms"] + MARGIN_MS


def row(name, rate, mine):
    middle = lambda look: f"{measurements.median([look(turn) for turn in mine]):.2f}"
    latency = [middle(lambda turn: turn["latency_ms"][key]) for key in ("p50", "p90", "p99", "p99.9", "max")]
    disk = ["-"] * 3
    if "disk" in mine[0]:
        disk = [middle(lambda turn: turn["disk"][key]) for key in ("p50_ms", "p99_ms")] + [middle(bound)]
    return [name, f"{rate:.0f}", measurements.spread([turn["rate"] for turn in mine], "{:.0f}"), *latency, *disk]


def tell(run, name, mine):
    within = [turn for turn in mine if turn["latency_ms"]["p99"] <= bound(turn)]
    shares = [turn["latency_ms"]["p99"] / bound(turn) for turn in mine]
    met = len(within) * 2 > len(mine)
    run.say(
        f"{name}: p99 is {measurements.spread(shares)} of its bound (twice the disk's p99 and {MARGIN_MS:.0f} ms),"
        f" within it in {len(within)} of {len(mine)} rounds: {'met' if met else 'NOT MET'}"
    )
    run.note("bound", row=name, of_the_bound=[round(share, 3) for share in shares], met=met)


def main():
    run = measurements.Measurement(
        __doc__, rounds=(5, 1), seconds=(10.0, 1.0), warm=(3.0, 0.2), connections=(64, 8), rate=(2000.0, 200.0), rows=("wxpush,wxpush tmpfs",) * 2
    )
    with run:
        run.certificate = turns.Certificate(run)
        options = run.options
        found = compare.present(run, options.rows)
        taken = {contender.name: [] for contender in found}
        how = {"connections": options.connections, "rate": options.rate}
        for number in range(options.rounds):
            for contender in found:
                turn = turns.take(contender, run.certificate, options.seconds, options.warm, **how)
                taken[contender.name].append(turn)
                run.note("turn", round=number, row=contender.name, offered=options.rate, **turn)
        run.show(
            f"{options.rate:.0f} pushes a second over {options.connections} connections",
            HEADER,
            [row(name, options.rate, mine) for name, mine in taken.items()],
        )
        for name, mine in taken.items():
            if "disk" in mine[0]:
                tell(run, name, mine)
        run.tell_company()


if __name__ == "__main__":
    main()
