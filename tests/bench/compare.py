"""wxpush beside the floor (a bare Beast server that stores nothing) and beside what people would use instead.

All get the same pushes by the same load over the same TLS; each has the first core to itself, the load has the second. In a
round each has one turn, in an order that rotates; told are medians of the rounds. A turn of a contender that stores on the
disk also tells what the disk did by itself just before and after; where that is below 2,000 fdatasyncs a second the
disk is what limits, and the turn is told but not judged. The rows on tmpfs show the same without a disk.

With a new connection for each push the load costs more than most servers do. So there each server has half of its core; where the
kernel cannot be told so, and the load limits, ratios are by the processor time for a push. (What the kernel does for a server's syncs is
in no part.)
"""

import places  # first

import contenders
import measurements
import share
import turns

JUDGED_SYNCS = 2000  # fdatasyncs a second
TARGETS = [
    ("wxpush", "bare Beast", 0.50),
    ("wxpush", "Go net/http", 1.2),
    ("wxpush", "Node fastify", 1.5),
    ("wxpush", "Node fastify fdatasync", 3.0),
    ("wxpush tmpfs", "bare Beast", 0.50),
    ("wxpush tmpfs", "Go net/http", 1.2),
    ("wxpush tmpfs", "Node fastify", 1.5),
    ("wxpush tmpfs", "Node fastify fdatasync tmpfs", 3.0),
]
PART_FOR_NEW_CONNECTIONS = 0.5  # of the servers' core
TARGETS_OF_NEW_CONNECTIONS = [("wxpush", "bare Beast", 0.8), ("wxpush tmpfs", "bare Beast", 0.8)]
FLOOR = "bare Beast"
HEADER = ("", "a 200 means", "pushes/s", "of the floor", "p50 ms", "p99 ms", "p99.9 ms", "us/push", "load's core", "disk syncs/s")


def present(run, names):
    """The contenders that can take part; the others are told."""
    found = []
    for contender in contenders.named(names):
        reason = contender.missing()
        if reason:
            run.say(f"{contender.name}: {reason}")
        else:
            found.append(contender)
    return found


def judged(turn):
    return "disk" not in turn or turn["disk"]["per_second"] >= JUDGED_SYNCS


def rounds(run, found, count, kind, part=1.0, before=(), more=()):
    """{name: [turn of each round]}; the servers have this part of a core, by the words before their commands."""
    options = run.options
    taken = {contender.name: [] for contender in found}
    for number in range(count):
        first = number % len(found)
        for contender in found[first:] + found[:first]:
            turn = turns.take(
                contender,
                run.certificate,
                options.seconds,
                options.warm,
                before=before,
                connections=options.connections,
                more=more,
            )
            turn["judged"], turn["load_limits"] = judged(turn), turns.load_limits(turn, part)
            taken[contender.name].append(turn)
            run.note("turn", table=kind, round=number, row=contender.name, means=contender.means, **turn)
            failed = f", FAILED {turn['failures']}" if turn["failures"] else ""
            run.say(f"round {number + 1}: {contender.name} {turn['rate']}/s{failed}")
    return taken


def ratio(one, other):
    """How much more the one answers. Where the load limited the other, no more than by how much less processor time it takes."""
    by_rate, by_processor = one["rate"] / other["rate"], other["server_us"] / one["server_us"]
    if not other["load_limits"]:
        return by_rate
    return by_processor if one["load_limits"] else min(by_rate, by_processor)


def ratios(taken, one, other):
    """Of each round in which both may be judged."""
    pairs = zip(taken.get(one, []), taken.get(other, []))
    return [ratio(a, b) for a, b in pairs if a["judged"] and b["judged"] and b["rate"]]


def row(contender, taken):
    mine = taken[contender.name]
    middle = lambda look: measurements.median([look(turn) for turn in mine])
    floor = [ratio(a, b) for a, b in zip(mine, taken.get(FLOOR, [])) if b["rate"]]
    limits = " *" if sum(turn["load_limits"] for turn in mine) * 2 > len(mine) else ""
    latency = [f"{middle(lambda turn: turn['latency_ms'][name]):.2f}" for name in ("p50", "p99", "p99.9")]
    return [
        contender.name,
        contender.means,
        measurements.spread([turn["rate"] for turn in mine], "{:.0f}"),
        f"{measurements.median(floor):.2f}" if floor else "-",
        *latency,
        f"{middle(lambda turn: turn['server_us']):.1f}",
        f"{100 * middle(lambda turn: turn['load_busy']):.0f} %{limits}",
        f"{middle(lambda turn: turn['disk']['per_second']):.0f}" if "disk" in mine[0] else "-",
    ]


def tell(run, title, kind, found, taken, targets):
    run.show(title, HEADER, [row(contender, taken) for contender in found])
    protocols = {turn["protocol"] for mine in taken.values() for turn in mine}
    print(" / ".join(sorted(protocols)) + ("" if len(protocols) == 1 else ": NOT THE SAME FOR ALL"))
    if any(turn["load_limits"] for turns_of_one in taken.values() for turn in turns_of_one):
        print("* the load took its whole core and the server did not: this row is worth more than it shows, and what is told of others")
        print("  in its terms is at most what the processor time for a push says")
    for one, other, wanted in targets:
        if one not in taken or other not in taken:
            continue
        found_ratios = ratios(taken, one, other)
        of = f"{len(found_ratios)} of {len(taken[one])} rounds judged"
        met = measurements.median(found_ratios) >= wanted if found_ratios else None
        word = {None: "not judged", True: "met", False: "NOT MET"}[met]
        limits = any(turn["load_limits"] for name in (one, other) for turn in taken[name])
        word += ", but the load limited" if limits and met is not None else ""
        run.say(f"{one} / {other}: {measurements.spread(found_ratios)}, wanted {wanted:.2f}: {word} ({of})")
        run.note("ratio", table=kind, one=one, other=other, ratios=found_ratios, wanted=wanted, met=met, load_limits=limits)


def main():
    run = measurements.Measurement(
        __doc__,
        rounds=(5, 1),
        seconds=(5.0, 1.0),
        warm=(3.0, 0.2),
        connections=(64, 8),
        rows=("", "wxpush,wxpush tmpfs,nginx"),
        new_rows=("wxpush,wxpush tmpfs,bare Beast,nginx,Go", "wxpush,nginx"),
        new_rounds=(3, 1),
    )
    with run:
        run.certificate = turns.Certificate(run)
        options = run.options
        found = present(run, options.rows)
        taken = rounds(run, found, options.rounds, "kept") if options.rounds else {}
        fresh = present(run, options.new_rows) if options.new_rounds else []
        with share.of_a_core(PART_FOR_NEW_CONNECTIONS) as before:
            part = PART_FOR_NEW_CONNECTIONS if before else 1.0
            fresh_taken = rounds(run, fresh, options.new_rounds, "new", part, before, ("--new-connections",))
        if taken:
            title = f"{options.connections} connections that are kept, as fast as they are answered"
            tell(run, title, "kept", found, taken, TARGETS)
        if fresh_taken:
            title = f"A new TLS connection for each push, {options.connections} at once, each server on {part:g} of a core"
            tell(run, title, "new", fresh, fresh_taken, TARGETS_OF_NEW_CONNECTIONS)
        run.tell_company()


if __name__ == "__main__":
    main()
