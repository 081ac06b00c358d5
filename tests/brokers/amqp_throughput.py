"""A backlog handed over to RabbitMQ, beside a plain publisher over the same library with the same window and size."""

import json
import os
import subprocess

import broker  # first

import client
import process
import rabbit
import runs
import server
import time

HANDLER = "queue"
PUBLISHER = os.environ.get("WXPUSH_AMQP_PUBLISHER", "")
BODY = 430  # bytes, about as many as those that `wxpush bench` makes up


def take_in(run, running):
    """At least so many events while the broker is down; how many."""
    acknowledged = 0
    while acknowledged < run.options.events:
        certificate = str(running.sections["server"]["certificate"])
        result = running.run(
            *("bench", "--deliver", "--format", "json", "--url", running.url(), "--ca-file", certificate),
            *("--events", str(run.options.events), "--rate", "max", "--orders", str(run.options.events)),
            deadline=600,
        )
        runs.hold(result.returncode == 0, result.stdout + result.stderr)
        acknowledged += json.loads(result.stdout)["acknowledged"]
    return acknowledged


def hand_over(run, running, target, events):
    """Events a second, from the first that was confirmed to the last."""
    target.start()
    delivered = lambda: runs.of_handler(running, HANDLER)["delivered"]
    server.wait_until(delivered, "the first event handed over", client.DEADLINE * 3)
    pid = running.status_at_start["pid"]
    began, first, before = time.monotonic(), delivered(), process.threads(pid)
    server.wait_until(lambda: delivered() >= events, "all events handed over", 3600.0)
    seconds = time.monotonic() - began
    run.say("threads: " + process.busiest(before, process.threads(pid), seconds))
    return (events - first) / seconds


def publish_plainly(target, messages, window):
    """Messages a second."""
    words = [PUBLISHER, str(target.nodes[0].port), "plain", str(messages), str(window), str(BODY)]
    result = subprocess.run(words, capture_output=True, text=True, timeout=600)
    runs.hold(result.returncode == 0, result.stderr)
    return messages / float(result.stdout)


def main():
    run = runs.Run(__doc__, events=(100_000, 2000), window=(64, 64), rounds=(3, 1))
    with run:
        ratios = []
        for _ in range(run.options.rounds):
            target = rabbit.RabbitBroker()
            handler = target.handler(HANDLER, concurrency=run.options.window, retry_max="1s")
            running = run.server(handlers=[handler], sections={"store": {"max_size": "100GiB"}})
            runs.log_to_file(running)
            running.start()
            events = take_in(run, running)
            try:
                ours = hand_over(run, running, target, events)
                plain = publish_plainly(target, run.options.events, run.options.window)
            finally:
                target.close()
            ratios.append(ours / plain)
            run.say(
                f"{ours:.0f}/s by the handler (read, signed off, confirmed, marked), {plain:.0f}/s by a plain publisher;"
                f" ratio {ours / plain:.2f}"
            )
            runs.hold(running.stop(client.DEADLINE) == 0, "the server did not end well")
        run.say(f"ratio, median of {len(ratios)}: {sorted(ratios)[len(ratios) // 2]:.2f}")


if __name__ == "__main__":
    main()
