"""A full disk: 503 and not ready, and without a restart ready again when space returns."""

import unittest

import faults
import lacking
import server
import small_disk
import wechat

SHOP = wechat.App()


def push(order):
    return wechat.push(SHOP, wechat.waybill(order))


class Checks(faults.TestCase):
    def check(self, running, fill, empty):
        """The whole story, whatever makes the disk full."""
        pid = running.status()["pid"]
        self.accepted(running, push("before"))
        fill()
        response = running.post(push("while full"))
        self.assertEqual(response.status, 503)
        self.assertIn("retry-after", response.headers)
        self.assertEqual(running.admin("/readyz").status, 503)
        self.assertEqual(running.admin("/healthz").status, 200)
        self.assertIn(running.status()["store"]["space"], ("low", "full"))
        self.accepted(running, push("before"))  # what is durable is still acknowledged
        self.assertEqual(running.run("events", "list").returncode, 0)
        held = running.connect()
        self.addCleanup(held.close)
        last = push("held until there is space")
        held.request("POST", last.target(), body=last.body)
        empty()
        self.assertEqual(held.receive().status, 200)
        server.wait_until(running.ready, "ready again")
        for order in ("while full", "after"):
            self.accepted(running, push(order))
        orders = sorted(event["body"]["shop_order_id"] for event in running.events())
        self.assertEqual(orders, sorted(["before", "while full", "held until there is space", "after"]))
        self.assertEqual(running.status()["pid"], pid)
        self.assertEqual(running.stop(), 0)


class ShimTest(Checks):
    def test_no_space_for_any_write(self):
        running, disk = self.serve_with_faults(sections={"server": {"request_deadline": "4s"}})
        self.check(running, lambda: disk.set("fail-write ENOSPC"), disk.clear)


class TmpfsTest(Checks):
    """On a real file system that is really full."""

    def test_no_space_on_the_device(self):
        running = self.prepare(sections={"server": {"request_deadline": "4s"}})
        try:
            disk = small_disk.SmallDisk(running.store, 64)
        except small_disk.Refused as refused:
            lacking.right(str(refused))
        self.addCleanup(disk.unmount)
        self.check(running.start(), disk.fill, disk.empty)


if __name__ == "__main__":
    unittest.main()
