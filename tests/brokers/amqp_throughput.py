"""A backlog handed over to RabbitMQ, beside a plain publisher over the same library with the same window and size."""

import os
import subprocess

import broker  # first

import backlog
import client
import rabbit
import runs

PUBLISHER = os.environ.get("WXPUSH_AMQP_PUBLISHER", "")
BODY = 430  # bytes, about as many as those that `wxpush bench` makes up


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
            running = backlog.serve(run, target)
            events = backlog.take_in(run, running)
            try:
                ours = backlog.hand_over(run, running, target, events)
                plain = publish_plainly(target, run.options.events, run.options.window)
            finally:
                target.close()
            ratios.append(ours / plain)
            run.say(
                f"{ours:.0f}/s by the handler (read, signed off, confirmed, marked), {plain:.0f}/s by a plain publisher;"
                f" ratio {ours / plain:.2f}"
            )
            runs.hold(running.stop(client.DEADLINE) == 0, "the server did not end well")
        run.say(f"ratio, median of {len(ratios)}: {backlog.median(ratios):.2f}")


if __name__ == "__main__":
    main()
