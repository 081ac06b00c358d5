"""kill -9 at the named points of kill_shim.c, 50 times each: nothing acknowledged is lost or stored twice, the file stays
sound, what got no answer is acknowledged when it comes again; at `handled` everything is delivered in order."""

import dataclasses
import shutil
import time

import campaigns  # first

import accounts
import backend
import client
import kill_points
import ledgers
import runs
import server
import stored

KIB = 1024
HOUR = 3600
SAMPLE = 20  # of the rows written beforehand, which are pushed again


@dataclasses.dataclass
class Point:
    passes: int  # the kill comes at one of the first so many
    shim: str = ""  # its name there, if another
    at_start: bool = False  # armed before the process starts
    body: int = 0  # bytes by which each push is larger
    fresh: bool = False  # there is no store yet
    rows: int = 0  # stored beforehand; kills of one such store come in a row
    age: int = 0  # of those rows, seconds
    handler: bool = False


POINTS = {
    "write": Point(40),
    "sync": Point(20),
    "commit": Point(20),
    "reply": Point(60),
    "handled": Point(60, handler=True),
    "checkpoint": Point(3500, body=256 * KIB),  # the log is written back when it holds 32 MiB
    "creation": Point(54, shim="disk", at_start=True, fresh=True),  # about as many writes and syncs as a first start has
    "start": Point(3, shim="checkpoint", at_start=True),  # syncs the log, writes a page or more, syncs the database
    "retention": Point(12_000, at_start=True, rows=130_000, age=2 * HOUR),  # in slices of 500
    # A run of 65,536 ids and their orders, as soon as more than 131,072 ids are in memory.
    "filing": Point(131_000, at_start=True, rows=131_200),
    # Its index goes when all of a run are erased, in slices of 2,000.
    "dropping": Point(6, at_start=True, rows=131_200, age=2 * HOUR),
}
OLD_ROWS = "SELECT count(*) FROM event WHERE id <= ?"
DROPPING = "SELECT count(*) FROM generation WHERE state = 1"
FILED = "SELECT value FROM meta WHERE key = 'filed_through'"
RETENTION = {"retention": "1h", "min_retention": "1m"}


class Scene:
    """One server and its account, through a number of kills at one point."""

    def __init__(self, run, name):
        self.run, self.name, self.point = run, name, POINTS[name]
        port = backend.free_port() if self.point.handler else None
        handlers = [runs.handler(f"http://127.0.0.1:{port}/", retry_min="20ms", retry_max="200ms")] if port else []
        sections = campaigns.quiet(server={"listen": f"127.0.0.1:{backend.free_port()}"})  # the same in all lives
        if self.point.age:
            sections["store"] = RETENTION
        options = {"sections": sections, "handlers": handlers}
        self.running, self.messages = stored.filled(run, self.point.rows, self.point.age, **options)
        before = accounts.held(self.running, run.chance)
        if self.point.age:
            before = accounts.Before(before.last, 0, {})  # past retention: none is left in the end
        if self.point.fresh:
            shutil.rmtree(self.running.store)
        self.backend = ledgers.MoodyBackend(self.running.directory, port).start() if port else None
        if self.backend:
            run.on_end(self.backend.kill)
        self.points = kill_points.KillPoints(self.running)
        self.account = accounts.Account(self.running, before, self.point.body)

    def kills_in_a_row(self):
        """Of one store: there is one first start, and what is to be filed or erased is used up."""
        if self.point.fresh:
            return 1
        return self.run.options.in_a_row if self.point.rows else self.run.options.kills

    def kill(self):
        passes = self.run.chance.randint(1, self.point.passes)
        if self.point.at_start and not self.point.rows and not self.point.fresh:
            self._leave_a_log()
        if self.point.at_start:
            self._arm(passes)
            self.running.spawn()
            server.wait_until(self._ready_or_dead, "readiness or death", server.START_DEADLINE)
        else:
            self.running.start()
            self.account.push_again()
        with self.account.under_load() as pushing:
            if not self.point.at_start:
                self._arm(passes)
            self.points.wait(self.name, client.DEADLINE * 3)
        self.account.end(pushing)
        self.run.counts["at_" + self.name] += 1

    def _leave_a_log(self):
        self.running.start()
        self.account.push_again()
        with self.account.under_load() as pushing:
            pushing.wait_for(self.run.chance.randint(1, 40))
            self.running.kill()
        self.account.end(pushing)

    def _arm(self, passes):
        self.points.arm(self.point.shim or self.name, passes)

    def _ready_or_dead(self):
        return self.running.process.poll() is not None or self.running.ready()

    def _number(self, query, *values):
        return accounts.number(self.running, query, *values)

    def end(self):
        """What was interrupted goes on in the next life, and everything is there."""
        self.running.start()
        self.account.push_again()
        if self.point.age:
            server.wait_until(lambda: self._number(OLD_ROWS, self.point.rows) == 0, "the old erased")
        if self.name == "dropping":
            server.wait_until(lambda: self._number(DROPPING) == 0, "the index dropped")
        if self.name == "filing":
            server.wait_until(lambda: self._number(FILED), "the ids filed")
            for message in self.run.chance.sample(self.messages, SAMPLE):
                self.account.known(message)
        if self.backend:
            runs.wait_for_all(self.running, client.DEADLINE * 3)
            lines = self.backend.lines()
            self.account.check_delivery(lines)
            self.run.counts["delivered_again"] += len(lines) - len(ledgers.taken_at(lines))
        self.account.check()
        campaigns.stop_well(self.running)
        self.run.counts["acknowledged"] += len(self.account.acknowledged)
        self.run.counts["pushed_again"] += self.account.pushed_again
        self.running.remove()


def main():
    run = campaigns.Campaign(__doc__, kills=(50, 2), only=("", ""), in_a_row=(10, 2))
    names = run.options.only.split(",") if run.options.only else POINTS
    with run:
        for name in names:
            runs.hold(name in POINTS, f"no such point: {name}; there are {', '.join(POINTS)}")
            began, left = time.monotonic(), run.options.kills
            while left > 0:
                scene = Scene(run, name)
                for _ in range(min(left, scene.kills_in_a_row())):
                    scene.kill()
                    left -= 1
                scene.end()
            seconds = time.monotonic() - began
            run.say(f"{name}: {run.options.kills} kills in {seconds:.0f} s, nothing lost, nothing stored twice")
        run.say(f"{dict(run.counts)}")


if __name__ == "__main__":
    main()
