"""What became of orders: `orders list` and `show`, and the event for the push that never comes."""

import json
import unittest

import backend
import server
import wechat
from command import NO, OK

SHOP = wechat.App()
SILENT = "wxpush.order_silent"
# Long enough that pushes of one test come within it, on a slow machine and under sanitizers, too.
LIMIT = 3


class OrdersTest(server.TestCase):
    def setUp(self):
        self.server = self.serve()
        for order, code, action_time, waybill in (
            ("a", 102, 1714112000, "w1"),
            ("b", 101, 1714112000, "w2"),
            ("a", 302, 1714112300, "w1"),
            ("a", 202, 1714112200, "w1"),
            ("a", 101, 1714112400, "w3"),
            ("c", 302, 1714112400, "w4"),
        ):
            self.accepted(
                self.server,
                wechat.push(
                    SHOP, wechat.waybill(order, code, action_time=action_time, waybill_id=waybill)
                ),
            )

    def run_ok(self, *arguments):
        result = self.server.run(*arguments)
        self.assertEqual(result.returncode, OK, result.stdout + result.stderr)
        return result.stdout

    def objects(self, *arguments):
        return [json.loads(line) for line in self.run_ok(*arguments, "--format", "json").splitlines()]

    def test_list(self):
        orders = self.objects("orders", "list")
        self.assertEqual([order["shop_order_id"] for order in orders], ["c", "a", "b"])
        self.assertEqual(
            set(orders[1]),
            {"order_key", "app", "shopid", "shop_order_id", "open", "waybill_id", "order_status"}
            | {"meaning", "meaning_zh", "terminal", "since", "silent", "deliveries", "events"},
        )
        summary = {key: orders[1][key] for key in ("waybill_id", "order_status", "deliveries", "events")}
        self.assertEqual(summary, {"waybill_id": "w3", "order_status": 101, "deliveries": 2, "events": 4})
        names = lambda *options: [
            order["shop_order_id"] for order in self.objects("orders", "list", *options)
        ]
        self.assertEqual(names("--limit", "1"), ["c"])
        self.assertEqual(names("--open"), ["a", "b"])
        self.assertEqual(names("--open", "--limit", "1"), ["a"])
        self.assertEqual(names("--app", "cafe"), [])
        self.assertEqual((names("--since", "1h"), names("--until", "1h")), (["c", "a", "b"], []))
        table = self.run_ok("orders", "list")
        self.assertEqual(len(table.splitlines()), 4)
        self.assertIn("302 delivered", table)

    def test_show(self):
        key = f"{SHOP.appid}/test_shop_id/a"
        for name in ("a", "w1", "w3", key):
            (order,) = self.objects("orders", "show", name)
            self.assertEqual((order["order_key"], order["open"]), (key, True))
        first, second = order["deliveries"]
        self.assertEqual((first["waybill_id"], first["order_status"]), ("w1", 302))
        self.assertEqual([step["order_status"] for step in first["steps"]], [102, 302, 202])
        self.assertEqual([step["stale"] for step in first["steps"]], [False, False, True])
        self.assertEqual([step["current"] for step in first["steps"]], [False, True, False])
        self.assertEqual((second["waybill_id"], second["meaning_zh"]), ("w3", "等待分配骑手"))
        self.assertIn("rider assigned", self.run_ok("orders", "show", "a"))
        missing = self.server.run("orders", "show", "nobody")
        self.assertEqual((missing.returncode, missing.stdout), (NO, ""))

    def test_riders_are_masked_unless_asked_for(self):
        for form in ("table", "json"):
            masked = self.run_ok("orders", "show", "a", "--format", form)
            revealed = self.run_ok("orders", "show", "a", "--format", form, "--reveal")
            for secret in (wechat.RIDER_NAME, wechat.RIDER_PHONE):
                self.assertNotIn(secret, masked)
                self.assertIn(secret, revealed)
            self.assertNotIn(wechat.PRIVATE_TEXT, masked)


class SilentOrdersTest(server.TestCase):
    """Two handlers: one asks for our own events beside WeChat's, one for all that WeChat pushes."""

    def setUp(self):
        self.told = backend.Backend()
        self.addCleanup(self.told.close)
        self.server = self.serve(
            sections={"orders": {"silent_after": {101: f"{LIMIT}s"}}},
            handlers=[
                {
                    "name": "told",
                    "type": "http",
                    "url": f"http://127.0.0.1:{self.told.port}/",
                    "allow_private": True,
                    "events": ["update_waybill_status", "wxpush.*"],
                },
                server.LOG_HANDLER,
            ],
        )

    def push(self, order, code, action_time):
        self.accepted(self.server, wechat.push(SHOP, wechat.waybill(order, code, action_time=action_time)))

    def silent(self):
        return [one for one in self.told.delivered() if one.headers["ce-type"] == f"com.weixin.{SILENT}"]

    def stored_silent(self):
        return self.server.events("--type", SILENT)

    def test_one_event_for_the_order_that_nothing_more_is_heard_of(self):
        self.push("quiet", 101, 1714112000)
        self.push("goes-on", 101, 1714112000)
        self.push("goes-on", 102, 1714112001)
        self.push("ends", 302, 1714112000)
        self.told.wait_for(lambda _: self.silent(), "the silent order")

        (request,) = self.silent()
        message = json.loads(request.body)
        first = self.server.events("--order", "quiet")[0]
        expected = {
            "CreateTime": 1714112000,
            "MsgType": "event",
            "Event": SILENT,
            "shopid": "test_shop_id",
            "shop_order_id": "quiet",
            "order_status": 101,
            "action_time": 1714112000,
            "silent_after_seconds": LIMIT,
            "last_event_id": first["event_id"],
        }
        self.assertEqual({key: message[key] for key in expected}, expected)
        self.assertEqual(request.headers["ce-subject"], first["order_key"])

        # Again after a restart: the store knows that this was told.
        self.server.restart()
        self.push("later", 101, 1714112000)
        self.told.wait_for(lambda _: len(self.silent()) == 2, "the silent order after the restart")
        stored = self.stored_silent()
        self.assertEqual(
            [event["body"]["shop_order_id"] for event in stored], ["quiet", "later"], "one each, no other"
        )
        self.assertEqual(
            [[one["handler"] for one in event["deliveries"]] for event in stored], [["told"], ["told"]]
        )
        self.assertEqual(self.server.metric("wxpush_events_total", app="shop", type=SILENT), 1)
        warning = self.server.log.wait_for(
            "an order is silent: no further push came within the limit for its status", count=1
        )[0]
        self.assertEqual((warning["order_status"], warning["order_key"]), (101, stored[1]["order_key"]))
        types = {entry["type"] for entry in self.server.log.entries("event")}
        self.assertNotIn(SILENT, types)

        shown = json.loads(self.server.run("orders", "show", "quiet", "--format", "json").stdout)
        (step,) = shown["deliveries"][0]["steps"]
        self.assertEqual(step["silent"]["event_id"], stored[0]["event_id"])

    def test_silence_across_a_restart_is_noticed(self):
        self.push("quiet", 101, 1714112000)
        self.server.kill()
        self.server.start()
        self.told.wait_for(lambda _: self.silent(), "the silent order")
        self.assertEqual(len(self.stored_silent()), 1)

    def test_without_limits_nothing_is_told(self):
        del self.server.sections["orders"]
        self.server.restart()
        self.push("quiet", 101, 1714112000)
        self.server.sections["orders"] = {"silent_after": {101: f"{LIMIT}s"}}
        self.assertEqual(self.stored_silent(), [])
        self.server.restart()  # and with them it is, for what was stored before
        self.told.wait_for(lambda _: self.silent(), "the silent order")


if __name__ == "__main__":
    unittest.main()
