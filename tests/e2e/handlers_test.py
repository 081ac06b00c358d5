"""Handlers get every stored event, in order, at least once, and go on after a restart where they stopped."""

import os
import sqlite3
import unittest

import checksums
import load
import server
import wechat

SHOP = wechat.App()
CONFIGURATION = 78  # exit code
EXAMPLE = os.environ.get("WXPUSH_EXAMPLE", "")


def ids(log):
    return [entry["id"] for entry in log.entries("event")]


class LogHandlerTest(server.TestCase):
    def post(self, running, *orders):
        with running.connect() as connection:
            for order in orders:
                self.assertEqual(connection.post(wechat.push(SHOP, wechat.waybill(order))).status, 200)

    def handled(self, running, count):
        return [entry["order_key"].rpartition("/")[2] for entry in running.log.wait_for("event", count=count)]

    def test_in_order_and_resumed_after_a_clean_stop_without_repeats(self):
        running = self.serve(handlers=[server.LOG_HANDLER])
        self.post(running, "a", "b", "c")
        self.assertEqual(self.handled(running, 3), ["a", "b", "c"])
        running.restart()
        self.post(running, "d", "e")
        self.assertEqual(self.handled(running, 2), ["d", "e"])

    def test_a_handled_event_is_listed_as_delivered(self):
        running = self.serve(handlers=[server.LOG_HANDLER])
        self.post(running, "a")
        self.handled(running, 1)
        running.restart()
        self.assertEqual([event["state"] for event in running.events()], ["delivered"])

    def test_kill_9_amid_deliveries_loses_none_and_keeps_the_order(self):
        running = self.serve(handlers=[server.LOG_HANDLER])
        seen, acknowledged = [], []
        for round_number in range(3):
            name = lambda thread, number: wechat.waybill(f"{round_number}-{thread}-{number}")
            with load.Load(running, name) as pushing:
                pushing.wait_for(60)
                running.kill()
            acknowledged += pushing.acknowledged
            self.assertEqual(ids(running.log), sorted(ids(running.log)), "out of order")
            seen += running.log.entries("event")
            running.start()
        last = running.events()[-1]["id"]
        server.wait_until(lambda: last in ids(running.log), "the newest event handled")
        seen += running.log.entries("event")
        self.assertEqual({entry["id"] for entry in seen}, {event["id"] for event in running.events()})
        self.assertLessEqual(set(acknowledged), {entry["event_id"] for entry in seen})

    def test_filters_by_app_and_event(self):
        cafe = wechat.App("cafe", "wxfedcba9876543210", "tokenOfCafe", "Z" * 43)
        handlers = [
            {"name": "cafe-only", "type": "log", "apps": ["cafe"]},
            {"name": "status-only", "type": "log", "events": ["update_waybill_*"]},
        ]
        running = self.serve(apps=[SHOP, cafe], handlers=handlers)
        for app, message in (
            (SHOP, wechat.waybill("a")),
            (cafe, wechat.waybill("b")),
            (cafe, b'{"Event":"debug_demo","MsgType":"event"}'),
        ):
            self.accepted(running, wechat.push(app, message))
        entries = running.log.wait_for("event", count=4)
        by_handler = {
            name: [entry["id"] for entry in entries if entry["handler"] == name]
            for name in ("cafe-only", "status-only")
        }
        self.assertEqual(by_handler, {"cafe-only": [2, 3], "status-only": [1, 2]})

    def test_a_new_handler_begins_now_or_at_the_oldest(self):
        running = self.serve(handlers=[server.LOG_HANDLER])
        self.post(running, "a", "b")
        self.handled(running, 2)
        running.handlers += [
            {"name": "late", "type": "log"},
            {"name": "curious", "type": "log", "from": "oldest"},
        ]
        running.restart()
        self.post(running, "c")
        entries = running.log.wait_for("event", count=5)
        by_handler = {
            name: [entry["id"] for entry in entries if entry["handler"] == name]
            for name in ("log", "late", "curious")
        }
        self.assertEqual(by_handler, {"log": [3], "late": [3], "curious": [1, 2, 3]})

    def test_a_handler_without_backlog_may_be_removed_for_good(self):
        running = self.serve(handlers=[server.LOG_HANDLER])
        self.post(running, "a")
        self.handled(running, 1)
        running.handlers = []
        running.restart()
        self.post(running, "b")
        running.restart()  # what came since does not wait for it
        self.assertEqual([event["state"] for event in running.events("--order", "b")], ["unrouted"])

    def with_backlog(self):
        """A stopped server whose handler "log" still has event 2 before it, as if it had been down since event 1."""
        running = self.serve(handlers=[server.LOG_HANDLER])
        self.post(running, "a", "b")
        self.handled(running, 2)
        self.assertEqual(running.stop(), 0)
        with sqlite3.connect(running.store / "queue.db") as database:
            database.execute("UPDATE handler SET cursor = 1 WHERE name = 'log'")
        database.close()
        checksums.write(running.store)
        return running

    def test_a_handler_with_a_backlog_is_not_removed_silently(self):
        running = self.with_backlog()
        running.handlers = []
        running.spawn()
        self.assertEqual(running.wait(), CONFIGURATION)
        for text in ("handler log", "1 events wait for it", 'renamed_from = "log"'):
            self.assertIn(text, running.log.text())
        running.handlers = [server.LOG_HANDLER]  # the first remedy: put it back
        running.start()
        self.assertEqual(self.handled(running, 1), ["b"])

    def test_a_renamed_handler_goes_on_where_it_stood(self):
        running = self.with_backlog()
        running.handlers = [{"name": "journal", "type": "log", "renamed_from": "log"}]
        running.start()
        self.assertEqual(self.handled(running, 1), ["b"])
        running.restart()  # it is known by its new name now, and the setting may stay
        self.post(running, "c")
        self.assertEqual(self.handled(running, 1), ["c"])


class ExampleTest(server.TestCase):
    """The example program: the receiver inside a program of one's own, with callbacks in C++."""

    def test_its_callbacks_get_every_event_in_order_and_once_over_a_restart(self):
        if not EXAMPLE:
            self.skipTest("WXPUSH_EXAMPLE does not name the example program")
        running = self.serve(program=[EXAMPLE])
        for start in (1, 3):
            for number in (start, start + 1):
                self.accepted(running, wechat.push(SHOP, wechat.waybill("A17", 100 + number)))
            self.accepted(
                running, wechat.push(SHOP, b'{"MsgType":"event","Event":"debug_demo","round":%d}' % start)
            )
            server.wait_until(lambda: running.log.text().count("stored ") >= 3, "three generic callbacks")
            server.wait_until(
                lambda: running.log.text().count("order A17 is now") >= 2, "two typed callbacks"
            )
            told = [
                line.split(",")[0] for line in running.log.text().splitlines() if line.startswith("order ")
            ]
            self.assertEqual(told, [f"order A17 is now {100 + number}" for number in (start, start + 1)])
            self.assertEqual(running.log.text().count("stored debug_demo"), 1)
            server.wait_until(
                lambda: all(handler["pending"] == 0 for handler in running.status()["handlers"]),
                "all settled",
            )
            running.restart()


if __name__ == "__main__":
    unittest.main()
