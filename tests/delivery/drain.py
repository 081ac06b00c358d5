"""A great backlog, taken in while the back end is stopped, then drained while more keeps arriving."""

import json
import os
import subprocess
import time
import urllib.request

import runs  # first

import backend
import client
import load
import offer
import process
import server
import wechat

MIB = 1 << 20
MOST_OVER_IDLE = 32 * MIB
ORDERS_PER_EVENT = 0.2
FAST_BACKEND = os.environ.get("WXPUSH_FAST_BACKEND", "")
THREADS = 16  # of the pushes that keep arriving


class FastBackend:
    """The small program beside this file: never the limit, and with a ledger of its own."""

    def __init__(self, port, events, before=()):
        words = [*before, FAST_BACKEND, str(port), str(events)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def count(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=client.DEADLINE) as answer:
            return json.load(answer)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Steady(load.Load):
    """So many pushes a second, each of an order of its own, until stopped."""

    def __init__(self, running, rate):
        self._rate = rate
        self._began = time.monotonic()
        super().__init__(running, self._message, threads=THREADS)

    def _message(self, thread, number):
        at = self._began + (number * THREADS + thread) / self._rate
        time.sleep(max(0.0, at - time.monotonic()))
        order = f"meanwhile-{thread}-{number:012d}"
        return wechat.waybill(order)

    def __enter__(self):
        self._began = time.monotonic()
        return super().__enter__()


def bench(running, seconds, orders):
    """One load of `wxpush bench`; its JSON."""
    words = ("--duration", f"{seconds:.1f}", "--orders", orders)
    return offer.offer(running, *words, deadline=seconds + client.DEADLINE * 3, may_fail=True)


def take_in(run, running):
    """At least so many events; (acknowledged, failed, seconds). Nearly all by one load, so that the orders are as told."""
    wanted = run.options.events
    orders = max(1, int(wanted * ORDERS_PER_EVENT))
    acknowledged, failed, seconds = 0, 0, 0.0
    while acknowledged < wanted:
        rate = acknowledged / seconds if acknowledged else 0
        duration = max(1.0, 1.01 * (wanted - acknowledged) / rate) if rate else (1.0 if run.short else 5.0)
        told = bench(running, duration, orders)
        acknowledged += told["acknowledged"]
        failed += sum(told["failures"].values())
        seconds += told["seconds"]
        run.say(
            f"  {acknowledged} acknowledged, {told['acknowledged_per_second']:.0f}/s, failed {told['failures'] or 0}"
        )
    return acknowledged, failed, seconds


def tell_memory(run, name, found):
    run.say(f"memory {name}: VmRSS {found['VmRSS'] / MIB:.1f} MiB, of it RssAnon {found['RssAnon'] / MIB:.1f}")


def drain(run, running, port, backlog, extra):
    """Starts the back end; (back end, seconds until as many were delivered as waited, pushes acknowledged meanwhile)."""
    pid = running.status_at_start["pid"]
    deadline = run.options.deadline
    with Steady(running, run.options.rate) as meanwhile:
        target = FastBackend(port, backlog + extra)
        run.on_end(target.close)
        # Nothing comes before the handler's breaker probes again, at most retry_max later.
        server.wait_until(lambda: target.count()["events"], "the first event", client.DEADLINE * 3)
        began, before, told = time.monotonic(), process.threads(pid), 0
        pushed_before = len(meanwhile.acknowledged)
        while (events := target.count()["events"]) < backlog:
            passed = time.monotonic() - began
            runs.hold(passed < deadline, f"only {events} of {backlog} events came within {deadline:.0f} s")
            if passed > told + run.options.tell_every:
                told = passed
                run.say(
                    f"  {events} came after {passed:.0f} s, VmRSS {process.memory(pid)['VmRSS'] / MIB:.1f} MiB"
                )
            time.sleep(0.05)
        seconds = time.monotonic() - began
        arrived = len(meanwhile.acknowledged) - pushed_before
        run.say("threads: " + process.busiest(before, process.threads(pid), seconds))
        run.say(f"{arrived / seconds:.0f}/s arrived meanwhile")
    runs.hold(not meanwhile.refused and not meanwhile.unanswered, "pushes were refused during the drain")
    return target, seconds, meanwhile.acknowledged


def settle(run, running, target, acknowledged, failed):
    """Everything arrives, and is known to have arrived."""
    look = lambda: target.count()["events"] >= acknowledged and runs.of_handler(running)["pending"] == 0
    server.wait_until(look, f"all {acknowledged} events, and none pending", client.DEADLINE * 6)
    count = target.count()
    done = running.metric("wxpush_deliveries_total", handler=runs.HANDLER, outcome="done")
    run.say(
        f"acknowledged {acknowledged}; at the back end {count['events']} events in {count['requests']} requests,"
        f" {count['out_of_order']} out of order; deliveries by the metrics {done:.0f}"
    )
    runs.hold(count["events"] <= acknowledged + failed, "the back end got events that nobody sent")
    runs.hold(count["out_of_order"] == 0, "events came out of order")
    runs.hold(done >= acknowledged, "the metrics miss deliveries")


def main():
    run = runs.Run(
        __doc__,
        events=(1_000_000, 20_000),
        rate=(500.0, 200.0),
        concurrency=(16, 16),
        log_level=("info", "info"),
        deadline=(7200.0, 60.0 * client.PATIENCE),
        tell_every=(10.0, 60.0),
        settle_seconds=(5.0, 1.0),
    )
    with run:
        port = backend.free_port()
        running = run.server(
            handlers=[runs.handler(f"http://127.0.0.1:{port}/", concurrency=run.options.concurrency)],
            sections={"store": {"max_size": "1TiB"}, "log": {"level": run.options.log_level}},
        )
        runs.log_to_file(running)
        running.start()
        pid = running.status_at_start["pid"]
        time.sleep(run.options.settle_seconds)
        fresh = process.memory(pid)
        tell_memory(run, "of a fresh server", fresh)
        before, began = process.threads(pid), time.monotonic()
        acknowledged, failed, seconds = take_in(run, running)
        intake = acknowledged / seconds
        run.say("threads: " + process.busiest(before, process.threads(pid), time.monotonic() - began))
        time.sleep(run.options.settle_seconds)
        idle = process.memory(pid)
        tell_memory(run, "idle with the backlog", idle)
        extra = int(run.options.rate * run.options.deadline)
        with process.MemoryWatch(pid) as watch:
            target, seconds, meanwhile = drain(run, running, port, acknowledged, extra)
            settle(run, running, target, acknowledged + len(meanwhile), failed)
        tell_memory(run, "at most during the drain", watch.most)
        time.sleep(run.options.settle_seconds)
        tell_memory(run, "after it", process.memory(pid))
        rate = acknowledged / seconds
        run.say(f"intake {intake:.0f}/s, drain {rate:.0f}/s")
        run.judge(rate >= 5000, f"the drain does {rate:.0f}/s, wanted 5000/s")
        run.judge(rate >= intake / 2, f"the drain does {rate / intake:.2f} of the intake, wanted 0.5")
        over = watch.most["VmRSS"] - idle["VmRSS"]
        run.judge(over <= MOST_OVER_IDLE, f"memory over idle {over / MIB:.1f} MiB, wanted at most 32")
        run.say(f"memory over a fresh server {(watch.most['VmRSS'] - fresh['VmRSS']) / MIB:.1f} MiB")
        runs.hold(running.stop(client.DEADLINE * 3) == 0, "the server did not end well")
        run.verdict()


if __name__ == "__main__":
    main()
