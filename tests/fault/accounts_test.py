"""The campaigns' own eyes: a store that lost, doubled or miscounted something is found out, and so is a point that is never
passed."""

import sqlite3
import unittest

import campaigns  # first

import accounts
import checksums
import kill_points
import runs
import server


class AccountsTest(server.TestCase):
    def stored(self):
        """(server, its account) after a few pushes, checked."""
        running = self.serve(sections=campaigns.quiet())
        account = accounts.Account(running)
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
        found = self.changed("DELETE FROM event WHERE id = 3", "UPDATE meta SET value = value - 1 WHERE key = 'events'")
        self.assertIn("1 acknowledged events are lost", found)

    def test_twice(self):
        columns = "event_id, app, appid, type, order_key, order_hash, kind, received_at, event_time, codec, key_number, body"
        again = f"INSERT INTO event(id, {columns}) SELECT id + 1000, {columns} FROM event WHERE id = 3"
        found = self.changed(again, "UPDATE meta SET value = value + 1 WHERE key = 'events'")
        self.assertIn("1 rows repeat an event_id", found)

    def test_foreign(self):
        found = self.changed("UPDATE event SET event_id = zeroblob(32) WHERE id = 1")
        self.assertRegex(found, "1 acknowledged events are lost|1 events are stored that nobody pushed")

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


if __name__ == "__main__":
    unittest.main()
