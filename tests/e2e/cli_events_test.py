"""events list, show and tail beside a running server."""

import datetime
import json
import re
import signal
import subprocess
import unittest

import server
import wechat
from command import NO, OK, USAGE, BesideServerCase

SHOP = wechat.App()


class EventsTest(BesideServerCase):
    def setUp(self):
        super().setUp()
        for order, status in (("a", 101), ("b", 102), ("a", 302)):
            self.accepted(self.server, wechat.push(SHOP, wechat.waybill(order, status)))
        self.accepted(self.server, wechat.push(SHOP, b"broken"))
        server.wait_until(
            lambda: all(event["state"] == "delivered" for event in self.server.events()), "all delivered"
        )

    def ids(self, *filters):
        return [event["id"] for event in self.server.events(*filters)]

    def test_fields(self):
        first, *_, opaque = self.server.events()
        names = {
            "id",
            "event_id",
            "app",
            "type",
            "order_key",
            "received_at",
            "event_time",
            "state",
            "deliveries",
            "body",
        }
        self.assertEqual(set(first), names)
        self.assertEqual(
            (first["type"], first["order_key"]), ("update_waybill_status", f"{SHOP.appid}/test_shop_id/a")
        )
        self.assertEqual(datetime.datetime.fromisoformat(first["event_time"]).timestamp(), 1714112440)
        self.assertRegex(first["received_at"], r"T\d\d:\d\d:\d\d\.\d\d\d(Z|[+-]\d\d:\d\d)$")
        (delivery,) = first["deliveries"]
        self.assertEqual((delivery["handler"], delivery["state"]), ("log", "delivered"))
        self.assertEqual((opaque["type"], opaque["event_time"], opaque["body"]), (None, None, "broken"))

    def test_filters(self):
        self.assertEqual(self.ids("--order", f"{SHOP.appid}/test_shop_id/a"), [1, 3])
        self.assertEqual(self.ids("--order", "a"), [1, 3])
        self.assertEqual(self.ids("--type", "update_waybill_status"), [1, 2, 3])
        self.assertEqual(
            (self.ids("--app", "shop"), self.ids("--state", "pending"), self.ids("--handler", "log")),
            ([1, 2, 3, 4], [], [1, 2, 3, 4]),
        )
        self.assertEqual((self.ids("--since", "1h"), self.ids("--until", "1h")), ([1, 2, 3, 4], []))

    def test_limit_and_formats(self):
        self.assertEqual(
            len(self.check(OK, "events", "list", "--limit", "2", "--format", "json").stdout.splitlines()), 2
        )
        self.assertIn("update_waybill_status", self.check(OK, "events", "list").stdout)

    def test_names_and_phones_are_masked_unless_asked_for(self):
        for command in (
            ["events", "list", "--format", "json"],
            ["events", "list"],
            ["events", "show", "1"],
            ["events", "show", "1", "--format", "json"],
        ):
            text = self.check(OK, *command).stdout
            self.assertNotIn(wechat.RIDER_PHONE, text)
            self.assertNotIn(wechat.RIDER_NAME, text)
        self.assertIn(wechat.RIDER_PHONE, self.check(OK, "events", "show", "1", "--reveal").stdout)

    def test_show_by_id_event_id_or_prefix(self):
        event_id = self.server.events()[1]["event_id"]
        for name in ("2", event_id, event_id[:8]):
            shown = json.loads(self.check(OK, "events", "show", name, "--format", "json").stdout)
            self.assertEqual(shown["event_id"], event_id)
        self.check(NO, "events", "show", "99")
        self.check(USAGE, "events", "show", event_id[:5] + "x")

    def test_tail_shows_new_and_known_pushes_and_ends_on_interrupt(self):
        command = [server.BINARY, "events", "tail", "-c", str(self.server.configuration_file())]
        tail = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        self.addCleanup(tail.wait)
        self.addCleanup(tail.kill)
        log = server.Log(tail.stdout)
        server.wait_until(lambda: len(log.text().splitlines()) >= 4, "what is stored already")
        push = wechat.push(SHOP, wechat.waybill("new"))
        self.accepted(self.server, push)
        server.wait_until(lambda: push.event_id[:8] in log.text(), "the new event")
        for _ in range(2):
            self.accepted(self.server, push)
        server.wait_until(
            lambda: re.search(
                rf"known \[{push.event_id}\], seen [23] times, not delivered again", log.text()
            ),
            "the known push",
        )
        tail.send_signal(signal.SIGINT)
        self.assertEqual(tail.wait(20), 0)

    def test_a_closed_pipe_ends_it_quietly(self):
        command = (
            f"'{server.BINARY}' events list --format json -c '{self.server.configuration_file()}' | head -n 1"
        )
        result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20)
        self.assertEqual((result.stdout.count("\n"), result.stderr), (1, ""))


if __name__ == "__main__":
    unittest.main()
