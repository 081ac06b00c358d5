"""File descriptors run out: connections in service go on, what they push is stored and delivered, new ones wait and are
served when there are descriptors again; and a start with too few of them ends or serves, but never hangs or crashes."""

import socket
import time

import campaigns  # first

import accounts
import backend
import client
import ledgers
import runs
import server
import wechat

THREADS = 4
NO_HANDSHAKE = "3s"  # until a connection that says nothing is cut, and gives its descriptor back
SECTIONS = {"server": {"handshake_timeout": NO_HANDSHAKE}}
WITHIN = 2.0  # seconds, for a genuine push on a new connection when descriptors are back
EXHAUSTED = "cannot accept connections now"
TOO_FEW = (6, 8, 12, 16, 20, 24, 28, 32, 40, 48, 64)
TAKE = 0.1  # seconds for each delivery, so that more connections are wanted than were opened in time
# Few attempts, since one for which there was no connection must not count against an event while others go well.
HANDLER = {"concurrency": 64, "max_attempts": 2, "retry_min": "20ms", "retry_max": "500ms"}


def limited(running, descriptors):
    """Also not raised by the server itself."""
    running.program = ["/bin/sh", "-c", f'ulimit -n {descriptors} && exec "{server.BINARY}" serve -c "$0"']
    return running


class Crowd:
    """Connections that say nothing, until there are descriptors for no more; closed at the end of the with statement."""

    def __init__(self, running, count):
        host, port = running.status_at_start["listening"][0].rsplit(":", 1)
        self._address, self._count = (host, int(port)), count
        self._sockets = []

    def __enter__(self):
        for _ in range(self._count):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(self._address)
            self._sockets.append(one)
        return self

    def __exit__(self, *_):
        for one in self._sockets:
            one.close()


def exhausted(running):
    return EXHAUSTED in running.log.text()


def under_exhaustion(run, number):
    port = backend.free_port()
    handlers = [runs.handler(f"http://127.0.0.1:{port}/", **HANDLER)]
    running = run.server(handlers=handlers, sections=campaigns.quiet(**SECTIONS))
    target = ledgers.MoodyBackend(running.directory, port, take=TAKE).start()
    run.on_end(target.kill)
    limited(running, run.options.descriptors).start()
    plans = ledgers.plans(run.chance, ledgers.numbered("order", run.options.orders), THREADS)
    with ledgers.Pushing(running, plans, run.options.rate) as pushing:
        server.wait_until(lambda: len(pushing.acknowledged) >= THREADS, "pushes before")
        with Crowd(running, 2 * run.options.descriptors):
            server.wait_until(lambda: exhausted(running), "no descriptor left")
            at = len(pushing.acknowledged)
            end = time.monotonic() + run.options.without
            server.wait_until(lambda: time.monotonic() > end or not pushing.running(), "pushes stored meanwhile")
            during = len(pushing.acknowledged) - at
        began = time.monotonic()
        response = running.post(wechat.push(ledgers.APP, wechat.waybill("after")))
        again = time.monotonic() - began
        runs.hold(response.status == 200, f"afterwards a push was answered {response.status}")
    runs.hold(pushing.broken == 0 and not pushing.put_off, f"{pushing.broken} broken, {len(pushing.put_off)} put off")
    runs.hold(during > 0, "nothing was stored while there were no descriptors")
    server.wait_until(running.ready, "ready")
    after = wechat.event_id(ledgers.APP.appid, wechat.waybill("after"))
    accounts.check_store(running, {**pushing.acknowledged, after: began}, {**pushing.orders, "after": [after]})
    runs.wait_for_all(running, client.DEADLINE * 3)
    dead = runs.of_handler(running)["dead_letters"]
    runs.hold(dead == 0, f"{dead} events were given up for want of a descriptor")
    ledgers.check(pushing, [line for line in target.lines() if line.order != "after"])
    campaigns.stop_well(running)
    target.kill()
    run.counts.update(exhaustions=1, acknowledged=len(pushing.acknowledged), during=during)
    run.say(f"round {number}: {len(pushing.acknowledged)} acknowledged, {during} of them without a descriptor left")
    return again


def too_few(run, descriptors):
    """An exit with a reason, or a server that stores a push."""
    running = limited(run.server(sections=campaigns.quiet()), descriptors)
    running.spawn()
    push = wechat.push(ledgers.APP, wechat.waybill("order"))

    def decided():
        return running.process.poll() is not None or running.ready()

    server.wait_until(decided, "an end or readiness", server.START_DEADLINE)
    code = running.process.poll()
    if code is None:
        running.status_at_start = running.status()
        runs.hold(running.post(push).status == 200, f"with {descriptors} descriptors it serves, but stores nothing")
        campaigns.stop_well(running)
    told = f"with {descriptors} descriptors the start ended with {code}"
    runs.hold(code is None or (code == 69 and "ulimit -n" in running.log.text()), f"{told}:\n{running.log.text()}")
    running.remove()
    run.counts["starts_with_few"] += 1
    return "serves" if code is None else f"exit {code}"


def main():
    run = campaigns.Campaign(
        __doc__,
        rounds=(10, 1),
        descriptors=(160, 100),
        orders=(120, 40),
        rate=(200.0, 100.0),
        without=(2.0, 0.7),  # seconds
        few=(",".join(map(str, TOO_FEW)), "8,64"),
    )
    with run:
        slowest = max(under_exhaustion(run, number) for number in range(run.options.rounds))
        found = {few: too_few(run, few) for few in map(int, run.options.few.split(","))}
        run.say(f"starts with so many descriptors: {found}")
        run.figures = {"slowest_after": round(slowest, 3), "starts": {str(few): what for few, what in found.items()}}
        run.judge(slowest < WITHIN, f"a push on a new connection, afterwards: {slowest:.2f} s at most")
        run.verdict()


if __name__ == "__main__":
    main()
