"""A disk whose syncs take longer, and one that stalls: how long acknowledgements take, that everything acknowledged is
stored, and that what was put off during a stall is stored once, and known when it comes again."""

import threading

import campaigns  # first

import accounts
import client
import faults
import ledgers
import offer
import runs
import server

# Milliseconds by which each sync takes longer, and the pushes a second that are offered to such a disk.
SLOW = {0: 2000, 2: 2000, 10: 2000, 50: 2000, 500: 200}
JUDGED, P99_WITHIN = 10, 100.0  # milliseconds
CONNECTIONS = 256  # as many pushes as may wait at once; fewer would hold the offer back
REQUEST_DEADLINE = 3.5  # seconds, the default
LATE = 0.25  # seconds by which an answer may come later, since the client is slow
THREADS = 150


def offered(run, extra):
    """`wxpush bench` at a fixed rate, timed from when each push was meant to be sent."""
    running = run.server(sections=campaigns.quiet())
    disk = faults.Faults(running)
    running.start()
    if extra:
        disk.set(f"slow-sync {extra}")
    rate = SLOW[extra] if not run.short else 100
    words = ("--rate", rate, "--connections", CONNECTIONS if not run.short else 16, "--duration", run.options.seconds)
    told = offer.offer(running, *words, deadline=run.options.seconds + client.DEADLINE * 3)
    runs.hold(not told["failures"], f"+{extra} ms: {told['failures']}")
    stored = accounts.number(running, "SELECT count(*) FROM event")
    runs.hold(stored == told["acknowledged"], f"+{extra} ms: {told['acknowledged']} acknowledged, {stored} stored")
    disk.clear()
    campaigns.stop_well(running)
    running.remove()
    latency = told["latency_ms"]
    run.counts["acknowledged"] += told["acknowledged"]
    run.figures[f"+{extra} ms"] = {"rate": rate} | {name: round(value, 1) for name, value in latency.items()}
    account = ", ".join(f"{name} {value:.1f} ms" for name, value in latency.items())
    run.judge(extra != JUDGED or latency["p99"] < P99_WITHIN, f"+{extra} ms a sync, {rate}/s: {account}")


def stalled(run):
    """No sync returns for a while. Many pushes wait, none beyond its deadline, and their next tries find the one row."""
    running = run.server(sections=campaigns.quiet(server={"request_deadline": f"{run.options.deadline}s"}))
    disk = faults.Faults(running)
    run.on_end(disk.clear)
    running.start()
    orders = ledgers.numbered("order", 20 * run.options.threads)  # more than are pushed until the end
    with ledgers.Pushing(running, ledgers.plans(run.chance, orders, run.options.threads)) as pushing:
        server.wait_until(lambda: len(pushing.acknowledged) >= 3 * run.options.threads, "pushes acknowledged", client.DEADLINE * 3)
        disk.set("hold-sync")
        threading.Event().wait(run.options.stall)
        waited_out = len(pushing.put_off)
        disk.clear()
        pushing.stop()
    runs.hold(waited_out > 0, "nobody was put off: the stall was none")
    slowest = max(seconds for _, seconds in pushing.put_off + pushing.took)
    known = campaigns.log_of_pushes(running, "duplicate")
    accounts.check_store(running, pushing.acknowledged, pushing.orders)
    everything = {event for events in pushing.orders.values() for event in events}
    runs.hold(everything == set(pushing.acknowledged), "not everything was acknowledged in the end")
    runs.hold(pushing.broken == 0, f"{pushing.broken} pushes got no answer at all")
    put_off = len(pushing.put_off_events)
    runs.hold(known == put_off, f"{put_off} pushes were put off, {known:.0f} of them were known when they came again")
    run.counts.update(put_off=len(pushing.put_off), known=int(known), acknowledged=len(pushing.acknowledged))
    told = f"{run.options.stall} s without a sync: {len(pushing.put_off)} put off, {known:.0f} known after"
    run.figures["stall"] = {"seconds": run.options.stall, "slowest_answer": round(slowest, 2)}
    run.judge(slowest < run.options.deadline + LATE, f"{told}; the slowest answer took {slowest:.2f} s")
    campaigns.stop_well(running)


def main():
    run = campaigns.Campaign(
        __doc__,
        seconds=(60, 1),  # so long that its beginning, when all connections are made at once, is less than 1 %
        slow=(",".join(map(str, SLOW)), "10"),
        stall=(4.0, 1.5),
        deadline=(REQUEST_DEADLINE, 1.0),
        threads=(THREADS, 8),
    )
    with run:
        for extra in map(int, run.options.slow.split(",")):
            offered(run, extra)
        stalled(run)
        run.verdict()


if __name__ == "__main__":
    main()
