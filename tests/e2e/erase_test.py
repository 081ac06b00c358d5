"""events erase: beside a running server and without one."""

import json
import unittest

import backend
import server
import wechat
from command import NO, OK, USAGE

SHOP = wechat.App()


class EraseTest(server.TestCase):
    def push(self, running, order):
        self.accepted(running, wechat.push(SHOP, wechat.waybill(order)))

    def erase(self, running, *words):
        result = running.run("events", "erase", "--format", "json", *words)
        return result.returncode, json.loads(result.stdout) if result.stdout else {}

    def orders(self, running):
        return [event["body"]["shop_order_id"] for event in running.events()]

    def holds(self, running, text):
        return any(text.encode() in path.read_bytes() for path in running.store.iterdir() if path.is_file())

    def test_one_order_beside_a_running_server(self):
        running = self.serve(handlers=[server.LOG_HANDLER])
        for order in ("A16", "A17", "A18"):
            self.push(running, order)
        pending = lambda: running.metric("wxpush_pending_events", handler="log")
        server.wait_until(lambda: pending() == 0, "all delivered")
        self.assertEqual(self.erase(running, "--order", "A17")[0], USAGE)  # without --yes
        code, told = self.erase(running, "--order", "A17", "--yes")
        self.assertEqual((code, told["done"], told["overwritten"]), (OK, 1, True))
        self.assertEqual(self.orders(running), ["A16", "A18"])
        self.assertFalse(self.holds(running, '"shop_order_id":"A17"'))
        self.push(running, "A17")  # WeChat sends it once more
        self.assertEqual(self.orders(running), ["A16", "A18"])
        self.assertEqual(running.stop(), 0)
        self.assertEqual(self.erase(running, "1"), (OK, {"done": 1, "undelivered": 0, "not_stored": 0, "overwritten": True}))
        self.assertEqual(self.erase(running, "1")[0], NO)

    def test_what_waits_is_refused_until_that_is_said_and_then_passed_over(self):
        port = backend.free_port()  # where nobody listens
        handler = {"name": "backend", "type": "http", "url": f"http://127.0.0.1:{port}/", "allow_private": True}
        running = self.serve(handlers=[{**handler, "retry_min": "50ms", "retry_max": "100ms"}])
        self.push(running, "A17")
        for words in (("1",), ("--order", "A17", "--yes")):
            code, told = self.erase(running, *words)
            self.assertEqual((code, told["done"], told["undelivered"]), (NO, 0, 1))
        self.assertEqual(self.erase(running, "1", "--undelivered")[0], OK)
        self.push(running, "A18")
        target = backend.Backend(port=port)
        self.addCleanup(target.close)
        server.wait_until(lambda: running.status()["handlers"][0]["pending"] == 0, "nothing pending")
        self.assertIn("A18", {json.loads(request.body)["shop_order_id"] for request in target.requests})

    def test_what_waited_for_its_next_try_is_listed_no_longer(self):
        handler = {"name": "backend", "type": "http", "url": f"http://127.0.0.1:{backend.free_port()}/", "allow_private": True}
        running = self.serve(handlers=[{**handler, "retry_min": "60s", "retry_max": "60s"}])
        self.push(running, "A17")
        failures = lambda: running.status()["handlers"][0]["failures"]
        server.wait_until(lambda: failures() == 1, "a first try")
        self.assertEqual(self.erase(running, "1", "--undelivered")[0], OK)
        self.assertEqual(running.status()["handlers"][0]["pending"], 0)
        result = running.run("store", "backup", str(running.directory / "copy"))  # refuses a damaged store
        self.assertEqual(result.returncode, OK, result.stderr)

    def test_a_dead_letter_that_holds_its_order(self):
        target = backend.Backend(lambda request: 400 if json.loads(request.body)["order_status"] == 101 else 200)
        self.addCleanup(target.close)
        handler = {"name": "backend", "type": "http", "url": f"http://127.0.0.1:{target.port}/", "allow_private": True, "permanent": [400]}
        running = self.serve(handlers=[{**handler, "on_dead": "hold"}])
        self.accepted(running, wechat.push(SHOP, wechat.waybill("A17", 101)))
        dead = lambda: running.status()["handlers"][0]["dead_letters"]
        server.wait_until(lambda: dead() == 1, "a dead letter")
        self.accepted(running, wechat.push(SHOP, wechat.waybill("A17", 102)))
        self.assertEqual(self.erase(running, "1", "--undelivered")[0], OK)
        server.wait_until(lambda: running.status()["handlers"][0]["pending"] == 0, "the next one of its order")
        self.assertEqual([json.loads(request.body)["order_status"] for request in target.requests], [101, 102])

    def test_what_a_handler_has_read_ahead_is_not_offered_either(self):
        port = backend.free_port()
        handler = {"name": "backend", "type": "http", "url": f"http://127.0.0.1:{port}/", "allow_private": True}
        running = self.serve(handlers=[{**handler, "retry_min": "50ms", "retry_max": "100ms"}])
        orders = [f"A{number}" for number in range(60)]  # more than fail before nothing is tried any more
        for order in orders:
            self.push(running, order)
        server.wait_until(lambda: running.status()["handlers"][0]["breaker"] != "closed", "a handler thought to be down")
        code, told = self.erase(running, "--type", "update_waybill_status", "--undelivered", "--yes")
        self.assertEqual((code, told["done"]), (OK, len(orders)))
        self.push(running, "B1")
        target = backend.Backend(port=port)
        self.addCleanup(target.close)
        server.wait_until(lambda: running.status()["handlers"][0]["pending"] == 0, "nothing pending")
        self.assertEqual({json.loads(request.body)["shop_order_id"] for request in target.requests}, {"B1"})


if __name__ == "__main__":
    unittest.main()
