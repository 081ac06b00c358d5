"""How fast a backlog that was taken in while the broker was down is handed over to it, for the runs that measure it."""

import time

import broker  # first

import client
import offer
import process
import runs
import server

HANDLER = "queue"
LOOK_AGAIN = 0.25  # seconds: each look counts what is pending, which takes a processor that the handing over wants


def serve(run, target):
    """A server whose handler's window is the run's; the broker is down."""
    handler = target.handler(HANDLER, concurrency=run.options.window, retry_max="1s")
    running = run.server(handlers=[handler], sections={"store": {"max_size": "100GiB"}})
    runs.log_to_file(running)
    return running.start()


def take_in(run, running):
    """At least so many events; how many."""
    acknowledged = 0
    while acknowledged < run.options.events:
        words = ("--events", run.options.events, "--rate", "max", "--orders", run.options.events)
        acknowledged += offer.offer(running, *words, deadline=600)["acknowledged"]
    return acknowledged


def hand_over(run, running, target, events):
    """Events a second, from the first that was confirmed to the last."""
    target.start()
    delivered = lambda: runs.of_handler(running, HANDLER)["delivered"]
    server.wait_until(delivered, "the first event handed over", client.DEADLINE * 3)
    pid = running.status_at_start["pid"]
    began, first, before = time.monotonic(), delivered(), process.threads(pid)
    server.wait_until(lambda: delivered() >= events, "the backlog handed over", 3600.0, LOOK_AGAIN)
    seconds = time.monotonic() - began
    run.say("threads: " + process.busiest(before, process.threads(pid), seconds))
    return (events - first) / seconds


def median(values):
    return sorted(values)[len(values) // 2]
