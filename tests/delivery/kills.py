"""kill -9 of the server and of the back ends at random while pushes go on: nothing lost, little repeated, nothing marked repeated."""

import bisect
import collections
import json
import random
import time

import runs  # first

import backend
import client
import ledgers

THREADS = 8
NAMES = (runs.HANDLER, "other")
QUICK = {"timeout": "1s", "retry_min": "50ms", "retry_max": "1s", "max_attempts": 1000}
CONCURRENCY = 16
MOST_REPEATED = 512
AT_ONCE = 40  # orders of a thread that are interleaved with each other


def endless(seed, thread):
    chance = random.Random(seed)
    number = 0
    while True:
        orders = [f"order-{thread}-{number + more}" for more in range(AT_ONCE)]
        number += AT_ONCE
        (plan,) = ledgers.plans(chance, orders, 1)
        yield from plan


class Endless:
    """A plan that has no end, and a length that nobody asks for."""

    def __init__(self, seed, thread):
        self._seed, self._thread = seed, thread

    def __iter__(self):
        return endless(self._seed, self._thread)


class ServerKill:
    """One kill of the server, and what the store knew before it was started again."""

    def __init__(self, at, settled):
        self.at = at  # by then all that was under way has come
        self.settled = settled  # handler name: event_ids whose mark was durable
        self.repeated = collections.Counter()  # handler name


def settled_now(running):
    """By the store, while no server runs."""
    found = {}
    for name in NAMES:
        asked = ("--format", "json", "--limit", "10000000", "--handler", name, "--state", "delivered")
        result = running.run("events", "list", *asked, deadline=client.DEADLINE * 6)
        runs.hold(result.returncode == 0, f"events list: {result.stderr}")
        found[name] = {json.loads(line)["event_id"] for line in result.stdout.splitlines()}
    return found


def look_at_repeats(name, lines, server_kills, backend_kills):
    """Each event that came again after a 2xx is put down to a kill in between, and was not marked by then."""
    taken = {}  # event: when it was last answered 2xx
    spare = collections.Counter()  # a back end's kill: events whose 2xx may not have left it
    kill_times = [kill.at for kill in server_kills]
    for line in lines:
        before = taken.get(line.event)
        if before is not None:
            for kill in server_kills[: bisect.bisect(kill_times, line.at)]:
                runs.hold(
                    line.event not in kill.settled[name],
                    f"{name}: {line.event} came again, {line.at - kill.at:.3f} s after a kill at which its mark was durable",
                )
            between = bisect.bisect(kill_times, before), bisect.bisect(kill_times, line.at)
            of_backend = [at for at in backend_kills[name] if before < at < line.at]
            if between[0] < between[1]:
                server_kills[between[0]].repeated[name] += 1
            else:
                runs.hold(of_backend, f"{name}: {line.event} came again though nothing was killed")
                spare[of_backend[0]] += 1
        if line.what == "200":
            taken[line.event] = line.at
    for at, count in spare.items():
        runs.hold(count <= CONCURRENCY, f"{name}: {count} events came again after the back end's kill")
    for kill in server_kills:
        count = kill.repeated[name]
        runs.hold(count <= MOST_REPEATED, f"{name}: {count} events came again after one kill of the server")
    return sum(spare.values())


def main():
    run = runs.Run(
        __doc__,
        kills=(50, 6),
        rate=(300.0, 200.0),
        pause=(2.0, 1.0),
        fail=(0.15, 0.15),
        deadline=(600.0, client.DEADLINE * 3),
    )
    with run:
        ports = {name: backend.free_port() for name in NAMES}
        secret = backend.new_secret()
        handlers = [
            {**runs.handler(f"http://127.0.0.1:{port}/", secrets=[secret], concurrency=CONCURRENCY, **QUICK), "name": name}
            for name, port in ports.items()
        ]
        sections = {"server": {"listen": f"127.0.0.1:{backend.free_port()}"}}
        running = run.server(handlers=handlers, sections=sections)
        runs.log_to_file(running)
        targets = {}
        for name, port in ports.items():
            moods = {"secret": secret, "seed": run.seed, "fail": run.options.fail}
            targets[name] = ledgers.MoodyBackend(running.directory, port, name, **moods).start()
            run.on_end(targets[name].kill)
        running.start()
        server_kills, backend_kills = [], {name: [] for name in NAMES}
        plans = [Endless(run.seed + thread, thread) for thread in range(THREADS)]
        with ledgers.Pushing(running, plans, run.options.rate) as pushing:
            for number in range(run.options.kills):
                time.sleep(run.chance.uniform(0.2, run.options.pause))
                if number % 2 == 0 or run.chance.random() < 0.3:
                    running.kill()
                    settled = settled_now(running)
                    server_kills.append(ServerKill(time.monotonic(), settled))
                    running.start()
                else:
                    name = run.chance.choice(NAMES)
                    targets[name].kill()
                    backend_kills[name].append(time.monotonic())
                    time.sleep(run.chance.uniform(0, run.options.pause))
                    targets[name].start(seed=run.chance.randrange(1 << 30))
            pushing.stop()
        for name in NAMES:
            runs.wait_for_all(running, run.options.deadline, name)
        run.say(
            f"{len(server_kills)} kills of the server, {sum(map(len, backend_kills.values()))} of back ends;"
            f" {len(pushing.acknowledged)} acknowledged, {pushing.broken} pushes broken and sent again"
        )
        for name in NAMES:
            lines = targets[name].lines()
            ledgers.check(pushing, lines)
            spare = look_at_repeats(name, lines, server_kills, backend_kills)
            repeated = [kill.repeated[name] for kill in server_kills]
            run.say(
                f"{name}: all in order; came again after each kill of the server {repeated}, most {max(repeated)};"
                f" after kills of the back end {spare}"
            )
        runs.hold(running.stop(client.DEADLINE * 2) == 0, "the server did not end well")


if __name__ == "__main__":
    main()
