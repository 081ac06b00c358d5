"""A backlog handed over to Kafka's mock cluster, which confirms from memory, beside a plain producer over the same library
with the same settings, window and size."""

import os
import subprocess

import kafka_mock  # first

import backlog
import client
import runs

PRODUCER = os.environ.get("WXPUSH_KAFKA_PRODUCER", "")
BODY = 430  # bytes, about as many as those that `wxpush bench` makes up


def produce_plainly(run, target):
    """Messages a second."""
    messages = run.options.events
    words = [PRODUCER, target.bootstrap, kafka_mock.TOPIC, str(messages), str(run.options.window), str(BODY)]
    result = subprocess.run(words, capture_output=True, text=True, timeout=600)
    runs.hold(result.returncode == 0, result.stderr)
    return messages / float(result.stdout)


def one_round(run):
    """What one round's handing over comes to, in times of the plain producer."""
    target = kafka_mock.KafkaBroker(is_read=False)
    run.on_end(target.close)
    target.start().kill()
    running = backlog.serve(run, target)
    events = backlog.take_in(run, running)
    ours = backlog.hand_over(run, running, target, events)
    runs.hold(target.count() == events, "the topic does not hold each event once")
    runs.hold(running.stop(client.DEADLINE) == 0, "the server did not end well")
    plain = produce_plainly(run, target)
    run.say(
        f"{ours:.0f}/s by the handler (read, signed off, confirmed, marked), {plain:.0f}/s by a plain producer;"
        f" ratio {ours / plain:.2f}"
    )
    return ours / plain


def main():
    run = runs.Run(__doc__, events=(100_000, 2000), window=(64, 64), rounds=(3, 1))
    with run:
        ratios = [one_round(run) for _ in range(run.options.rounds)]
        run.say(f"ratio, median of {len(ratios)}: {backlog.median(ratios):.2f}")


if __name__ == "__main__":
    main()
