"""A backlog handed over to Redis, which syncs before it answers, beside redis-benchmark adding the same entries."""

import subprocess

import broker  # first

import backlog
import client
import redis_streams
import runs

STREAM = "wxpush:events"


def add_plainly(run, target, clients, pipeline):
    """XADDs a second, each with all that an entry of ours has. In a pipeline the next ones wait for all answers."""
    ((_, fields),) = target.entries(STREAM, most=1)
    words = [word for field in fields.items() for word in field]
    command = ["redis-benchmark", "-p", str(target.port), "-n", str(run.options.events), "--csv"]
    command += ["-c", str(clients), "-P", str(pipeline), "XADD", "plain", "*", *words]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    runs.hold(result.returncode == 0 and "rror" not in result.stdout, result.stdout + result.stderr)
    added = target.call("XLEN", "plain")
    runs.hold(added >= run.options.events, f"redis-benchmark added {added} entries only")
    target.call("DEL", "plain")
    return float(result.stdout.splitlines()[-1].rsplit('","', 7)[1])


def one_round(run):
    """What one round's handing over comes to, in times of redis-benchmark's pipeline and of its clients."""
    target = redis_streams.RedisBroker()
    run.on_end(target.close)
    running = backlog.serve(run, target)
    events = backlog.take_in(run, running)
    ours = backlog.hand_over(run, running, target, events)
    runs.hold(target.call("XLEN", STREAM) == events, "the stream does not hold each event once")
    runs.hold(running.stop(client.DEADLINE) == 0, "the server did not end well")
    window = run.options.window
    pipeline = add_plainly(run, target, clients=1, pipeline=window)
    clients = add_plainly(run, target, clients=window, pipeline=1)
    target.kill()
    run.say(
        f"{ours:.0f}/s by the handler (read, added unless known, confirmed, marked); XADD alone: {pipeline:.0f}/s in"
        f" a pipeline of {window}, {clients:.0f}/s by {window} clients; ratios {ours / pipeline:.2f},"
        f" {ours / clients:.2f}"
    )
    return ours / pipeline, ours / clients


def main():
    run = runs.Run(__doc__, events=(100_000, 2000), window=(64, 64), rounds=(3, 1))
    with run:
        pipeline, clients = zip(*(one_round(run) for _ in range(run.options.rounds)))
        run.say(
            f"ratios, medians of {len(pipeline)}: {backlog.median(pipeline):.2f} of a pipeline,"
            f" {backlog.median(clients):.2f} of clients"
        )


if __name__ == "__main__":
    main()
