"""A back end that is down for a long time, while pushes go on: no dead letter, everything delivered after, in order."""

import time

import runs  # first

import backend
import client
import ledgers

THREADS = 4


def main():
    run = runs.Run(
        __doc__,
        minutes=(20.0, 0.1),
        orders=(2000, 60),
        deadline=(600.0, client.DEADLINE * 3),
        settings=("default", "quick"),
    )
    with run:
        quick = run.options.settings == "quick"
        settings = {"retry_min": "20ms", "retry_max": "500ms", "max_attempts": 2} if quick else {}
        port, secret = backend.free_port(), backend.new_secret()
        running = run.server(handlers=[runs.handler(f"http://127.0.0.1:{port}/", secrets=[secret], **settings)])
        runs.log_to_file(running)
        target = ledgers.MoodyBackend(running.directory, port, secret=secret, seed=run.seed)
        run.on_end(target.kill)
        target.start()
        running.start()
        seconds = run.options.minutes * 60
        orders = ledgers.numbered("order", run.options.orders)
        rate = len(orders) * len(ledgers.STATUSES) / (1.2 * seconds)  # some before, most during the outage
        with ledgers.Pushing(running, ledgers.plans(run.chance, orders, THREADS), rate) as pushing:
            time.sleep(0.1 * seconds)
            target.kill()
            down_at = time.monotonic()
            time.sleep(seconds)
            failures = runs.of_handler(running)["failures"]
            before = len(pushing.acknowledged) - runs.of_handler(running)["delivered"]
            target.start()
            up_at = time.monotonic()
        runs.wait_for_all(running, run.options.deadline)
        lines = target.lines()
        first_after = min(line.at for line in lines if line.at > up_at) - up_at
        run.say(
            f"down for {up_at - down_at:.0f} s: {failures:.0f} failed attempts, {before:.0f} waited; the first came"
            f" {first_after:.1f} s after its return, the last {max(line.at for line in lines) - up_at:.1f} s"
        )
        runs.hold(before > 0 and failures > 0, "the outage was none")
        runs.hold(runs.of_handler(running)["dead_letters"] == 0, "the outage killed events")
        ledgers.check(pushing, lines)
        attempts = len(lines)
        run.say(f"{len(pushing.acknowledged)} acknowledged, all delivered in order, in {attempts} requests")
        runs.hold(running.stop(client.DEADLINE * 2) == 0, "the server did not end well")


if __name__ == "__main__":
    main()
