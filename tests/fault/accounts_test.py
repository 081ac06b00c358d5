"""The campaigns' own eyes: a store that lost, doubled, changed or miscounted something is found out, and so is a point that is never
passed; and an answer of the old worker is not taken for the new one's."""

import random
import sqlite3
import unittest

import campaigns  # first

import accounts
import checksums
import kill_points
import restarts
import runs
import server
import wechat


class AccountsTest(server.TestCase):
    def stored(self):
        """(server, its account) after a few pushes, checked; over a store that held three events before."""
        running = self.serve(sections=campaigns.quiet())
        for number in range(3):
            self.accepted(running, wechat.push(accounts.APP, wechat.waybill(f"before-{number}")))
        account = accounts.Account(running, accounts.held(running, random.Random(1)))
        with account.under_load() as pushing:
            pushing.wait_for(8)
        account.end(pushing)
        account.check()
        return running, account

    def changed(self, *statements):
        """What the account says about a store to which this was done while nobody served it."""
        running, account = self.stored()
        self.assertEqual(running.stop(), 0)
        database = sqlite3.connect(running.store / "queue.db")
        with database:
            for statement in statements:
                database.execute(statement)
        database.close()
        checksums.write(running.store)
        running.start()
        with self.assertRaises(runs.Violation) as found:
            account.check()
        return str(found.exception)

    def test_lost(self):
        found = self.changed("DELETE FROM event WHERE id = 6", "UPDATE meta SET value = value - 1 WHERE key = 'events'")
        self.assertIn("1 acknowledged events are lost", found)

    def test_twice(self):
        columns = "event_id, app, appid, type, order_key, order_hash, kind, received_at, event_time, codec, key_number, body"
        again = f"INSERT INTO event(id, {columns}) SELECT id + 1000, {columns} FROM event WHERE id = 6"
        found = self.changed(again, "UPDATE meta SET value = value + 1 WHERE key = 'events'")
        self.assertIn("1 rows repeat an event_id", found)

    def test_foreign(self):
        found = self.changed("UPDATE event SET event_id = zeroblob(32) WHERE id = 6")
        self.assertRegex(found, "1 acknowledged events are lost|1 events are stored that nobody pushed")

    def test_another_body(self):
        found = self.changed("UPDATE event SET body = CAST(replace(body, '\"order_status\":101', '\"order_status\":102') AS BLOB)")
        self.assertRegex(found, "bodies are not what was pushed")

    def test_another_body_of_what_was_there_before(self):
        self.assertIn("3 events stored before 1 changed", self.changed("UPDATE event SET body = x'7b7d' WHERE id = 2"))

    def test_another_id_of_what_was_there_before(self):
        found = self.changed("UPDATE event SET event_id = zeroblob(32) WHERE id = 2")
        self.assertIn("3 events stored before 1 changed", found)

    def test_something_less_of_what_was_there_before(self):
        found = self.changed("DELETE FROM event WHERE id = 2", "UPDATE meta SET value = value - 1 WHERE key = 'events'")
        self.assertIn("2 of the 3 events stored before are there", found)

    def test_miscounted(self):
        self.assertIn("counts", self.changed("UPDATE meta SET value = value + 1 WHERE key = 'events'"))

    def test_a_point_that_is_never_passed(self):
        running = self.prepare(sections=campaigns.quiet())
        points = kill_points.KillPoints(running)
        running.start()
        points.arm("filing", 1)
        with self.assertRaises(runs.Violation) as found:
            points.wait("filing", 0.5)
        self.assertIn("1 passes left", str(found.exception))


class PausesTest(unittest.TestCase):
    def lines(self, *tries):
        """Pushes that were answered at their only try: (when that began, when it was answered)."""
        return [restarts.Line(tried, tried, answered, [], "") for tried, answered in tries]

    def test_what_was_tried_before_is_the_old_workers(self):
        lines = self.lines((0.9, 1.0), (0.99, 1.01), (0.98, 1.5), (1.2, 1.9), (1.3, 1.8))
        (pause,) = restarts.pauses(lines, [restarts.Change(1.0, 1.1)])
        self.assertAlmostEqual(pause, 0.8)

    def test_each_restart_has_a_first_answer_of_its_own(self):
        lines = self.lines((1.2, 1.4), (2.2, 2.5), (2.1, 2.6))
        found = restarts.pauses(lines, [restarts.Change(1.0, 1.0), restarts.Change(2.0, 2.0)])
        self.assertEqual([round(pause, 3) for pause in found], [0.4, 0.5])

    def test_no_answer_at_all(self):
        with self.assertRaises(runs.Violation):
            restarts.pauses(self.lines((1.0, 1.5)), [restarts.Change(1.0, 1.1)])


if __name__ == "__main__":
    unittest.main()
