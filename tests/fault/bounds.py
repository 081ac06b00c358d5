"""For pressure.py: how soon a connection over a bound is turned away, and that an app which floods leaves room for another one."""

import contextlib
import socket
import time

import campaigns  # first

import accounts
import client
import faults
import ledgers
import load
import runs
import server
import wechat

QUICK = 0.25  # seconds until one is turned away
IN_ALL, OF_ONE_ADDRESS = 60, 20
LIMITS = {"max_connections": IN_ALL, "max_connections_per_address": OF_ONE_ADDRESS, "handshake_timeout": "60s"}
GENUINE = 4  # connections, of 127.0.0.1
RATE = 20.0  # genuine pushes a second
PLENTY = 100_000  # of what is pushed until the end

CAFE = wechat.App("cafe", "wxfedcba9876543210", "tokenOfCafe", "0123456789ABCDEFGabcdefghijklmnopqrstuvwxyz")
HELD = 16  # pushes of all apps, and threads of the one that floods
STALL, BETWEEN = 1.0, 0.5  # seconds in which no sync returns, and in which they do


def genuine(run, running, name, app=ledgers.APP):
    orders = ledgers.numbered(name, int(PLENTY / len(ledgers.STATUSES)))
    return ledgers.Pushing(running, ledgers.plans(run.chance, orders, GENUINE), RATE, app=app)


def hold_untouched(pushing):
    runs.hold(pushing.broken == 0, f"{pushing.broken} genuine pushes were broken off")
    runs.hold(not pushing.put_off, f"{len(pushing.put_off_events)} genuine pushes were put off")


class Place:
    """Where the server listens, for connections from addresses of loopback."""

    def __init__(self, running, held):
        host, port = running.status_at_start["listening"][0].rsplit(":", 1)
        self._to, self._held = (host, int(port)), held

    def connect(self, address):
        return socket.create_connection(self._to, client.DEADLINE, (address, 0))

    def fill(self, address, count):
        for _ in range(count):
            self._held.enter_context(self.connect(address))

    def turned_away(self, address):
        """Seconds until the server ended it, without a word."""
        began = time.monotonic()
        with self.connect(address) as connection:
            with contextlib.suppress(ConnectionError):
                runs.hold(connection.recv(1) == b"", "a connection over the bound was answered")
        return time.monotonic() - began


def over_bounds(run):
    """Both bounds are full of connections that say nothing, and many more come; genuine pushes go on over those in service."""
    running = run.server(sections=campaigns.quiet(server=LIMITS))
    running.start()
    took = {}
    with genuine(run, running, "bounds") as pushing, contextlib.ExitStack() as held:
        server.wait_until(lambda: running.status()["connections"] == GENUINE, "the genuine connections")
        place = Place(running, held)
        place.fill("127.20.0.1", OF_ONE_ADDRESS)
        took["max_connections_per_address"] = [place.turned_away("127.20.0.1") for _ in range(run.options.over)]
        place.fill("127.20.0.2", OF_ONE_ADDRESS)
        place.fill("127.20.0.3", IN_ALL - GENUINE - 2 * OF_ONE_ADDRESS)
        took["max_connections"] = [place.turned_away(f"127.21.0.{1 + number % 200}") for number in range(run.options.over)]
        at = len(pushing.acknowledged)
        server.wait_until(lambda: len(pushing.acknowledged) >= at + 2 * GENUINE, "pushes over the connections in service")
        held.close()
        server.wait_until(lambda: running.status()["connections"] == GENUINE, "the others gone")
        response = running.post(wechat.push(ledgers.APP, wechat.waybill("after")))
        runs.hold(response.status == 200, f"when there was room again a push was answered {response.status}")
        pushing.stop()
    hold_untouched(pushing)
    for limit, seconds in took.items():
        refused = running.metric("wxpush_connections_refused_total", limit=limit)
        runs.hold(refused == len(seconds), f"{limit}: {refused:.0f} of {len(seconds)} are counted as turned away")
        p99 = ledgers.percentile(seconds, 0.99)
        run.figures[f"turned_away_{limit}_p99_ms"] = round(1000 * p99, 1)
        run.counts["turned_away"] += len(seconds)
        run.judge(
            max(seconds) <= QUICK,
            f"{limit}: {len(seconds)} turned away, p99 {1000 * p99:.1f} ms, the last after {1000 * max(seconds):.1f} ms at most",
        )
    campaigns.stop_well(running)


def waiting(running):
    return running.status()["store"]["waiting"]


def most_waiting(running, seconds):
    end, most = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        most = max(most, waiting(running))
        time.sleep(server.LOOK_AGAIN)
    return most


def flood(run):
    """One app pushes as fast as it goes while no sync returns now and then, another one at its usual rate. The first may hold half of
    what is held, so no push of the other is put off."""
    running = run.server(apps=[ledgers.APP, CAFE], sections=campaigns.quiet(store={"append_queue": HELD}))
    disk = faults.Faults(running)
    run.on_end(disk.clear)
    running.start()
    made, most = [], 0

    def make(thread, number):
        message = wechat.waybill(f"flood-{thread}-{number}")
        made.append(wechat.event_id(ledgers.APP.appid, message))
        return message

    with genuine(run, running, "beside", CAFE) as usual:
        server.wait_until(lambda: len(usual.acknowledged) >= 2 * GENUINE, "pushes of the other app")
        with load.Load(running, make, HELD, ledgers.APP) as flooding:
            flooding.wait_for(HELD)
            for _ in range(run.options.stalls):
                disk.set("hold-sync")
                most = max(most, most_waiting(running, STALL))
                disk.clear()
                time.sleep(BETWEEN)
        usual.stop()
    hold_untouched(usual)
    answers = {status for status, _ in flooding.refused}
    runs.hold(answers == {503} and not flooding.unanswered, f"the flood was answered {answers}, not 200 and 503")
    told = f"{most} of {HELD} were held at most; one app may hold {HELD // 2}, and the other one has {GENUINE}"
    runs.hold(HELD // 2 < most <= HELD // 2 + GENUINE, told)
    everything = {"flood": made, **usual.orders}
    accounts.check_store(running, {*flooding.acknowledged, *usual.acknowledged}, everything)
    run.counts.update(flood_acknowledged=len(flooding.acknowledged), flood_put_off=len(flooding.refused))
    run.counts["acknowledged"] += len(usual.acknowledged)
    run.say(
        f"flood: {len(flooding.acknowledged)} acknowledged, {len(flooding.refused)} answered 503; of the other app"
        f" {len(usual.acknowledged)} acknowledged, none answered 503; {told}"
    )
    campaigns.stop_well(running)
