"""While the disk's sync is held back: no acknowledgement before the commit returned, and nothing that waits for it is forgotten."""

import time
import unittest

import faults
import wechat

SHOP = wechat.App()
A_WHILE = 1.0  # seconds in which a wrong answer would have come; right ones never depend on it


class HoldSyncTest(faults.TestCase):
    def push(self, order):
        return wechat.push(SHOP, wechat.waybill(order))

    def test_held_back_then_answered(self):
        running, disk = self.serve_with_faults()
        connection = self.write_but_not_sync(running, disk, self.push("order"))
        self.assertTrue(connection.silent(A_WHILE), "answered before the commit returned")
        disk.clear()
        self.assertEqual(connection.receive().status, 200)
        self.assertEqual(len(running.events()), 1)

    def test_held_beyond_the_deadline_then_found_stored_once(self):
        running, disk = self.serve_with_faults(sections={"server": {"request_deadline": "1s"}})
        push = self.push("order")
        response = self.write_but_not_sync(running, disk, push).receive()
        self.assertEqual(response.status, 503)
        self.assertGreater(int(response.headers["retry-after"]), 0)
        # Still not known to be durable: the retry joins the one that waits, and waits as well.
        self.assertEqual(running.post(push).status, 503)
        disk.clear()
        faults.server.wait_until(lambda: running.post(push).status == 200, "the retry acknowledged")
        self.assertEqual([event["event_id"] for event in running.events()], [push.event_id])
        self.assertGreaterEqual(running.metric("wxpush_pushes_total", app="shop", verdict="not_durable"), 2)

    def test_a_retry_joins_the_commit_that_is_held(self):
        running, disk = self.serve_with_faults()
        push = self.push("order")
        first = self.write_but_not_sync(running, disk, push)
        second = running.connect()
        self.addCleanup(second.close)
        second.request("POST", push.target(), body=push.body)
        self.assertTrue(second.silent(A_WHILE), "a duplicate of what is not durable yet was acknowledged")
        disk.clear()
        self.assertEqual([first.receive().status, second.receive().status], [200, 200])
        self.assertEqual(len(running.events()), 1)

    def test_over_the_bound_503_at_once(self):
        running, disk = self.serve_with_faults(sections={"store": {"append_queue": 3}})
        held = [self.write_but_not_sync(running, disk, self.push("held-0"))]
        for number in (1, 2):
            connection = running.connect()
            self.addCleanup(connection.close)
            push = self.push(f"held-{number}")
            connection.request("POST", push.target(), body=push.body)
            held.append(connection)
        faults.server.wait_until(lambda: running.status()["store"]["waiting"] == 3, "three pushes held")
        self.assertEqual(running.admin("/readyz").status, 503)
        self.assertEqual(running.post(self.push("one too many")).status, 503)
        self.assertEqual(running.metric("wxpush_pushes_total", app="shop", verdict="overloaded"), 1)
        disk.clear()
        self.assertEqual([connection.receive().status for connection in held], [200, 200, 200])
        faults.server.wait_until(running.ready, "ready again")
        self.assertEqual(
            {event["body"]["shop_order_id"] for event in running.events()}, {"held-0", "held-1", "held-2"}
        )

    def test_a_drain_waits_for_what_is_held(self):
        running, disk = self.serve_with_faults()
        connection = self.write_but_not_sync(running, disk, self.push("order"))
        running.signal(faults.server.signal.SIGTERM)
        faults.server.wait_until(lambda: not running.ready(), "readiness taken away")
        disk.clear()
        self.assertEqual(connection.receive().status, 200)
        self.assertEqual(running.wait(), 0)
        self.assertEqual(len(running.events()), 1)

    def test_the_key_comes_while_what_it_opens_is_on_its_way_to_the_disk(self):
        running, disk = self.serve_with_faults()
        console = wechat.App("shop", SHOP.appid, SHOP.token, "Y" * 43)  # the console's key was changed first
        disk.set("hold-sync")
        self.assertEqual(running.post(wechat.push(console, wechat.waybill("early"))).status, 403)
        running.apps[0] = console.settings()
        running.write_configuration()
        self.assertEqual(running.run("reload").returncode, 0)
        time.sleep(A_WHILE)  # in which the quarantine would be looked into, and be found empty
        disk.clear()
        faults.server.wait_until(lambda: len(running.events()) == 1, "the push as an event")


if __name__ == "__main__":
    unittest.main()
