"""A disk of 2 to 64 MiB that fills up under load, gets space and fills up again; and a start on a full one. While it is
full there are only 503s; when space returns the server is ready within 2 s, without a restart, and everything acknowledged
is there."""

import sys
import time

import campaigns  # first

import accounts
import client
import lacking
import ledgers
import runs
import server
import small_disk
import wechat

READY_WITHIN = 2.0  # seconds after space returned
EXIT_STORE_FAILED = 74
KIB = 1024
ROOM = 40  # MiB by which the disk grows: beyond the reserve, and what has to be free beside it
THREADS = 4
FULL_FOR = 1.5  # seconds of load on a full disk
SERVER = {"request_deadline": "1s"}


class Disk:
    """One small disk with a server on it."""

    def __init__(self, run, size, min_free):
        self.run, self.size = run, size
        self.running = run.server(sections=campaigns.quiet(server=SERVER, store={"min_free": min_free}))
        try:
            self.disk = small_disk.SmallDisk(self.running.store, size)
        except small_disk.Refused as refused:
            lacking.tell(str(refused))
            run.say("OK (skipped=1)")
            sys.exit(0)
        run.on_end(self.disk.unmount)
        self.ready_after = []
        self.acknowledged, self.orders = {}, {}

    def grow(self):
        self.size += ROOM
        self.disk.resize(self.size)

    def comes_back(self, give_space):
        """Gives space, and waits for the server, which has to be ready again by itself."""
        began = time.monotonic()
        give_space()
        server.wait_until(self.running.ready, "ready again when space returned")
        self.ready_after.append(time.monotonic() - began)
        self.run.counts["returns"] += 1

    def start(self):
        """On what space there is. A start that finds too little ends with 74, and is to be repeated when there is more."""
        self.running.spawn()
        server.wait_until(self._ends_or_answers, "an end or an answer", server.START_DEADLINE)
        if (code := self.running.process.poll()) is not None:
            runs.hold(code == EXIT_STORE_FAILED, f"a start on a full disk ended with {code}:\n{self.running.log.text()}")
            self.run.counts["starts_refused"] += 1
            self.grow()
            self.running.start()
        elif not self.running.ready():
            self.run.counts["starts_not_ready"] += 1
            self.comes_back(self.grow)
        self.running.status_at_start = self.running.status()

    def _ends_or_answers(self):
        if self.running.process.poll() is not None:
            return True
        answer = self.running.admin("/healthz")
        return answer is not None and answer.status == 200

    def under_load(self, name):
        """Until the disk is full, and again when space returned, by growing and by a file that goes."""
        plans = ledgers.plans(self.run.chance, ledgers.numbered(name, 4000), THREADS)
        pid = self.running.status()["pid"]
        with ledgers.Pushing(self.running, plans, filler="x" * 16 * KIB) as pushing:
            server.wait_until(lambda: not self.running.ready(), "full by what is pushed", client.DEADLINE * 3)
            self._stays_full(pushing)
            self.comes_back(self.grow)
            self.disk.fill()
            server.wait_until(lambda: not self.running.ready(), "full by a file", client.DEADLINE)
            self._stays_full(pushing)
            self.comes_back(self.disk.empty)
            pushing.stop()
        runs.hold(pushing.broken == 0, f"{pushing.broken} pushes got no answer at all")
        runs.hold(self.running.status()["pid"] == pid, "the server was started again")
        self.acknowledged.update(pushing.acknowledged)
        self.orders.update(pushing.orders)
        self.run.counts["put_off"] += len(pushing.put_off)

    def _stays_full(self, pushing):
        before = len(pushing.put_off)
        end = time.monotonic() + FULL_FOR * client.PATIENCE
        server.wait_until(lambda: time.monotonic() > end and len(pushing.put_off) > before, "503s while it is full")
        runs.hold(not self.running.ready(), "ready on a full disk")
        runs.hold(self.running.admin("/healthz").status == 200, "not healthy on a full disk")

    def restart_while_full(self, name):
        """So full that not even the server's reserve is left."""
        self.disk.fill()
        number = 0
        while self._is_stored(f"{name}-restart-{number}"):
            number += 1
        self.disk.fill()
        self.running.kill()
        self.start()
        self.disk.empty()

    def _is_stored(self, order):
        push = wechat.push(ledgers.APP, wechat.waybill(order, filler="x" * 16 * KIB))
        self.orders[order] = [push.event_id]
        response = self.running.post(push)
        runs.hold(response.status in (200, 503), f"a push on a full disk was answered {response.status}")
        if response.status == 200:
            self.acknowledged[push.event_id] = time.monotonic()
        return response.status == 200

    def check(self):
        accounts.check_store(self.running, self.acknowledged, self.orders)
        campaigns.stop_well(self.running)
        self.run.counts["acknowledged"] += len(self.acknowledged)


def main():
    run = campaigns.Campaign(__doc__, sizes=("2,4,8,12,16,24,32,48,64", "8"), rounds=(3, 1))
    with run:
        slowest = 0.0
        for size in map(int, run.options.sizes.split(",")):
            for min_free in ("0", "1MiB") if not run.short else ("0",):
                disk = Disk(run, size, min_free)
                disk.start()
                for number in range(run.options.rounds):
                    name = f"{size}-{min_free}-{number}"
                    disk.under_load(name)
                    disk.restart_while_full(name)
                disk.check()
                slowest = max(slowest, *disk.ready_after)
                told = ", ".join(f"{one:.2f}" for one in disk.ready_after)
                run.say(f"{size} MiB, min_free {min_free}: {len(disk.acknowledged)} acknowledged, back after {told} s")
                disk.disk.unmount()
        run.say(f"{dict(run.counts)}")
        run.figures = {"slowest_return": round(slowest, 2)}
        run.judge(slowest <= READY_WITHIN, f"ready again at the latest {slowest:.2f} s after space returned")
        run.verdict()


if __name__ == "__main__":
    main()
