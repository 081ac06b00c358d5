"""For pressure.py: how soon a connection over a bound is turned away, what half-sent bodies and held pushes take, that an app which
floods leaves room for another one, and what orders hold that wait for a back end."""

import contextlib
import pathlib
import resource
import socket
import time

import campaigns  # first

import accounts
import backend
import client
import faults
import ledgers
import load
import offer
import process
import runs
import server
import wechat

QUICK = 0.25  # seconds until one is turned away, or answered 503
QUICK_BESIDE = 1.0  # the same of large ones, which as many threads of one interpreter encrypt and send at the same time
IN_ALL, OF_ONE_ADDRESS = 60, 20
LIMITS = {"max_connections": IN_ALL, "max_connections_per_address": OF_ONE_ADDRESS, "handshake_timeout": "60s"}
GENUINE = 4  # connections, of 127.0.0.1
RATE = 20.0  # genuine pushes a second
PLENTY = 100_000  # of what is pushed until the end

BODIES = 8 << 20  # bytes of large bodies that may be held
LARGE, SMALL, HEADER = 512 << 10, 16 << 10, 15_000  # bytes
MOST_OF_SMALL = 64 << 10  # of one with the largest header and a body that is not counted: 32 KiB, and what a connection takes
MOST_BESIDE = 48 << 10  # of each connection with a large one, besides its body

CAFE = wechat.App("cafe", "wxfedcba9876543210", "tokenOfCafe", "0123456789ABCDEFGabcdefghijklmnopqrstuvwxyz")
HELD = 16  # pushes of all apps, and threads of the one that floods
STALL, BETWEEN = 1.0, 0.5  # seconds in which no sync returns, and in which they do
HELD_BYTES = 8 << 20  # of pushes being held: so many large ones, and what each takes besides its message
MOST_OF_HELD = 1 << 20  # bytes of memory for each large push that is held, its request and its copies included
MOST_OF_REFUSED = LARGE // 2  # and for one that is not: what its connection read of it

LANES = 100_000  # orders of a handler that may wait in memory (handlers/dispatch/lanes.h)
MOST_OF_LANES = 128 << 20  # bytes of memory, of all of them; what is known of as many events that nobody waits for is most of it
RETRY = 150  # seconds until a refused one is tried again: later than all were refused for the first time
DRAINED_IN = 900.0


def genuine(run, running, name, app=ledgers.APP):
    orders = ledgers.numbered(name, int(PLENTY / len(ledgers.STATUSES)))
    return ledgers.Pushing(running, ledgers.plans(run.chance, orders, GENUINE), RATE, app=app)


def hold_untouched(pushing):
    runs.hold(pushing.broken == 0, f"{pushing.broken} genuine pushes were broken off")
    runs.hold(not pushing.put_off, f"{len(pushing.put_off_events)} genuine pushes were put off")


class Refusals:
    """A server as a load sees it, and how long each answer 503 took, from the first byte of its push on."""

    def __init__(self, running):
        self.took = []
        self._running = running

    def connect(self):
        return TimedConnection(self._running.connect(), self.took)

    def judge(self, run, name, most):
        p99 = ledgers.percentile(self.took, 0.99)
        run.figures[f"{name}_503_p99_ms"] = round(1000 * p99, 1)
        slowest = max(self.took)
        run.judge(p99 <= most, f"{name}: {len(self.took)} answers 503, p99 {1000 * p99:.1f} ms, the last after {1000 * slowest:.1f} ms")


class TimedConnection:
    def __init__(self, connection, took):
        self._connection, self._took = connection, took
        self.close = connection.close

    def post(self, push):
        began = time.monotonic()
        response = self._connection.post(push)
        if response.status == 503:
            self._took.append(time.monotonic() - began)
        return response


class Place:
    """Where the server listens, for connections from addresses of loopback."""

    def __init__(self, running, held):
        host, port = running.status_at_start["listening"][0].rsplit(":", 1)
        self.host, self.port = host, int(port)
        self._to, self._held = (host, self.port), held

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


def half_sent(body, sent, padding):
    """A push whose body is promised whole, and ends in its midst; with a header of so many bytes more."""
    head = f"POST /wx/shop HTTP/1.1\r\nHost: localhost\r\nX-Padding: {'x' * padding}\r\nContent-Length: {body}\r\n\r\n"
    return head.encode() + b"x" * sent


def send_all(place, held, count, request):
    """Over so many connections; those that were answered already, with what."""
    connections = []
    for number in range(count):
        connection = held.enter_context(place.connect(f"127.{30 + number // 50_000}.{number // 250 % 200}.{1 + number % 250}"))
        connection.sendall(request)
        connection.setblocking(False)  # a socket with a time-out waits for it, whatever MSG_DONTWAIT says
        connections.append(connection)
    return connections


def answers_of(connections):
    """The statuses that have come; who was answered is asked no more."""
    found = []
    for connection in list(connections):
        with contextlib.suppress(BlockingIOError, ConnectionError):
            if answer := connection.recv(64):
                found.append(int(answer.split(b" ", 2)[1]))
                connections.remove(connection)
    return found


def unread(place):
    """Bytes on their way to the server that it has not read yet, by connection. The whole address counts: a client of another address
    of loopback may have the same port, and answers that it does not read."""
    listening = f"{int.from_bytes(socket.inet_aton(place.host), 'little'):08X}:{place.port:04X}"
    found = {}
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, queues, *_ = line.split()
        sent, received = (int(size, 16) for size in queues.split(":"))
        if held := received if local == listening else sent if remote == listening else 0:
            found[local, remote, state] = held
    return found


def memory_when_read(place, pid):
    try:
        server.wait_until(lambda: not unread(place), "all that was sent to be read")
    except AssertionError as error:
        raise AssertionError(f"{error}: {dict(list(unread(place).items())[:5])}") from error
    return process.memory(pid)["VmRSS"]


@contextlib.contextmanager
def patient_server(run):
    """(server, where it listens), without TLS, beside genuine pushes; what is opened there ends with it."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sections = campaigns.quiet(server={"max_bodies": f"{BODIES >> 20}MiB", "request_deadline": "4900ms"})
    running = run.server(tls=False, sections=sections)
    running.start()
    with genuine(run, running, "bodies") as pushing, contextlib.ExitStack() as held:
        server.wait_until(lambda: running.status()["connections"] == GENUINE, "the genuine connections")
        yield running, Place(running, held), held
        at = len(pushing.acknowledged)
        server.wait_until(lambda: len(pushing.acknowledged) >= at + 2 * GENUINE, "pushes beside them")
        pushing.stop()
    hold_untouched(pushing)
    campaigns.stop_well(running)


def half_sent_pushes(run):
    """Requests that stop in the midst of their body: the memory of each has its bound, and genuine pushes go on."""
    count = run.options.half_sent
    with patient_server(run) as (running, place, held):
        pid = running.status_at_start["pid"]
        before = process.memory(pid)["VmRSS"]
        send_all(place, held, count, half_sent(SMALL, SMALL - 1, HEADER))
        server.wait_until(lambda: running.status()["connections"] >= GENUINE + count, "the half-sent ones")
        each = (memory_when_read(place, pid) - before) / count
    run.figures["kib_per_half_sent_push"] = round(each / 1024, 1)
    run.counts["half_sent"] = count
    run.judge(
        SMALL <= each <= MOST_OF_SMALL, f"{count} half-sent pushes with a header of 15 KiB: {each / 1024:.1f} KiB of memory each"
    )


def large_bodies(run):
    """More large bodies than may be held at once, which stop before their end: the others are answered 503 at once, the memory of all
    has its bound, and genuine pushes go on. The server is a fresh one: memory that was freed before would hide what these take."""
    count = 4 * BODIES // LARGE
    with patient_server(run) as (running, place, held):
        pid = running.status_at_start["pid"]
        before = process.memory(pid)["VmRSS"]
        connections = send_all(place, held, count, half_sent(LARGE, LARGE - 1, 0))
        statuses = []
        refused = lambda: statuses.extend(answers_of(connections)) or len(statuses) >= count - BODIES // LARGE
        sent_at = time.monotonic()
        server.wait_until(refused, "an answer to each that is too many")
        took = time.monotonic() - sent_at
        grown = memory_when_read(place, pid) - before
        statuses += answers_of(connections)
    held_at_once = count - len(statuses)
    runs.hold(set(statuses) == {503}, f"large ones were answered {set(statuses)}, not 503")
    runs.hold(held_at_once == BODIES // LARGE, f"{held_at_once} large bodies were held, not as many as there is room for: {BODIES // LARGE}")
    run.figures["mib_of_large_bodies"] = round(grown / 2**20, 1)
    run.counts["large_refused"] = len(statuses)
    run.judge(took <= QUICK, f"all large bodies that are too many were answered 503 {1000 * took:.0f} ms after the last was sent")
    run.judge(
        BODIES // 2 <= grown <= BODIES + MOST_BESIDE * count,
        f"{count} half-sent bodies of {LARGE >> 10} KiB: {held_at_once} held, {len(statuses)} answered 503; {grown / 2**20:.1f} MiB more",
    )


def bodies(run):
    half_sent_pushes(run)
    large_bodies(run)


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
    made, most, refusals = [], 0, Refusals(running)

    def make(thread, number):
        message = wechat.waybill(f"flood-{thread}-{number}")
        made.append(wechat.event_id(ledgers.APP.appid, message))
        return message

    with genuine(run, running, "beside", CAFE) as usual:
        server.wait_until(lambda: len(usual.acknowledged) >= 2 * GENUINE, "pushes of the other app")
        with load.Load(refusals, make, HELD, ledgers.APP) as flooding:
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
    refusals.judge(run, "flood", QUICK)
    campaigns.stop_well(running)


def held_bytes(run):
    """More large pushes than may be held, while no sync returns: those over the bound are answered 503 at once, the others when they
    are stored, and the memory of all has its bound."""
    fits = HELD_BYTES // LARGE - 1  # an entry is a little more than its message
    count = 4 * fits
    stores = {"append_queue_bytes": f"{HELD_BYTES >> 20}MiB"}
    running = run.server(sections=campaigns.quiet(store=stores, server={"request_deadline": "4900ms"}))
    disk = faults.Faults(running)
    run.on_end(disk.clear)
    running.start()
    pid = running.status_at_start["pid"]
    large = {number: wechat.waybill(f"large-{number}", padding="x" * LARGE) for number in range(count)}
    before, refusals = process.memory(pid)["VmRSS"], Refusals(running)
    disk.set("hold-sync")
    with load.Load(refusals, lambda thread, _: large[thread], count, ledgers.APP, limit=1) as pushing:
        server.wait_until(lambda: len(pushing.refused) >= count - fits, "an answer to each that is too many")
        held, grown = waiting(running), process.memory(pid)["VmRSS"] - before
        disk.clear()
        pushing.join()
    runs.hold({status for status, _ in pushing.refused} == {503}, "large pushes over the bound were not answered 503")
    acknowledged = len(pushing.acknowledged)
    runs.hold(held == acknowledged == fits, f"{held} large pushes were held and {acknowledged} acknowledged, not {fits}")
    made = [wechat.event_id(ledgers.APP.appid, message) for message in large.values()]
    accounts.check_store(running, set(pushing.acknowledged), {"large": made})
    run.figures["mib_of_held_pushes"] = round(grown / 2**20, 1)
    run.counts["held_refused"] = len(pushing.refused)
    run.judge(
        grown <= MOST_OF_HELD * fits + MOST_OF_REFUSED * (count - fits),
        f"{count} pushes of {LARGE >> 10} KiB while no sync returns: {held} held, {len(pushing.refused)} answered 503;"
        f" {grown / 2**20:.1f} MiB more",
    )
    refusals.judge(run, "held", QUICK_BESIDE)
    campaigns.stop_well(running)


def pushed_by_bench(run, running, orders):
    """One event of each of so many orders; how many were acknowledged."""
    words = ("--rate", run.options.waiting_rate, "--duration", DRAINED_IN, "--events", orders)
    told = offer.offer(running, *words, deadline=DRAINED_IN + client.DEADLINE)
    runs.hold(not told["failures"], f"pushes of many orders: {told['failures']}")
    return told["acknowledged"]


def lanes(run):
    """A back end refuses every other order for a while, and of more orders than a handler may have waiting in memory. It reads no
    further then, and says so; pushes go on, and when the back end is well again everything comes."""
    port, orders = backend.free_port(), run.options.waiting
    handler = runs.handler(f"http://127.0.0.1:{port}/", retry_min=f"{RETRY}s", retry_max=f"{RETRY}s", max_attempts=1000)
    if run.short:
        handler.update(retry_min="1s", retry_max="2s")
    running = run.server(sections=campaigns.quiet(), handlers=[handler])
    moody = ledgers.MoodyBackend(running.directory, port, **{"refuse-odd": True}).start()
    run.on_end(moody.kill)
    running.start()
    pid = running.status_at_start["pid"]
    with genuine(run, running, "lanes") as pushing:
        server.wait_until(lambda: len(pushing.acknowledged) >= 2 * GENUINE, "genuine pushes")
        before = process.memory(pid)["VmRSS"]
        acknowledged = pushed_by_bench(run, running, orders)
        stalled = lambda: runs.of_handler(running)["stalled"]
        if orders // 2 > LANES:
            server.wait_until(stalled, "the handler reads no further", DRAINED_IN)
            told = [warning for warning in running.status()["warnings"] if runs.HANDLER in warning]
            runs.hold(told, "status warns of no handler that reads no further")
        at = len(pushing.acknowledged)
        server.wait_until(lambda: len(pushing.acknowledged) >= at + 2 * GENUINE, "pushes beside orders that wait")
        grown = process.memory(pid)["VmRSS"] - before
        pushing.stop()
    hold_untouched(pushing)
    moody.kill()
    moody.start(**{"refuse-odd": False})
    runs.wait_for_all(running, DRAINED_IN)
    runs.hold(not stalled(), "a handler with nothing to do says that it reads no further")
    lines = moody.lines()
    taken = len(ledgers.taken_at(lines))
    runs.hold(taken == acknowledged + len(pushing.acknowledged), f"{taken} taken of {acknowledged + len(pushing.acknowledged)} acknowledged")
    known = {event for events in pushing.orders.values() for event in events}
    ledgers.check(pushing, [line for line in lines if line.event in known])
    run.figures["mib_of_waiting_orders"] = round(grown / 2**20, 1)
    run.counts.update(orders_waiting=min(orders // 2, LANES), orders_taken=taken)
    run.counts["acknowledged"] += taken
    run.judge(grown <= MOST_OF_LANES, f"{orders} orders, every other one refused: {grown / 2**20:.1f} MiB more; all {taken} came")
    campaigns.stop_well(running)
