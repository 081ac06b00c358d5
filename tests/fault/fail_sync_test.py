"""A sync that fails is final: 503, not ready, exit 74; and the next start knows nothing it cannot know."""

import unittest

import faults  # first: it makes the modules of tests/e2e importable

import backend
import server
import wechat

SHOP = wechat.App()
EXIT_STORE_FAILED = 74


class FailSyncTest(faults.TestCase):
    def push(self, order):
        return wechat.push(SHOP, wechat.waybill(order))

    def test_503_exit_74_and_the_retry_after_a_restart_is_stored_once(self):
        for error in ("EIO", "ENOSPC"):
            with self.subTest(error):
                running, disk = self.serve_with_faults()
                self.accepted(running, self.push("before"))
                push = self.push("lost or not")
                with running.connect() as connection:
                    disk.set("fail-sync " + error)
                    response = connection.post(push)
                self.assertEqual(response.status, 503)
                self.assertIn("retry-after", response.headers)
                self.assertEqual(running.wait(), EXIT_STORE_FAILED)
                self.assertFalse(running.ready())
                disk.clear()
                running.start()
                self.accepted(running, push)
                orders = sorted(event["body"]["shop_order_id"] for event in running.events())
                self.assertEqual(orders, ["before", "lost or not"])

    def test_nothing_is_acknowledged_after_the_failure(self):
        running, disk = self.serve_with_faults()
        connections = [running.connect() for _ in range(4)]
        disk.set("fail-sync EIO")
        for number, connection in enumerate(connections):
            self.addCleanup(connection.close)
            push = self.push(f"order-{number}")
            try:
                connection.request("POST", push.target(), body=push.body)
                self.assertEqual(connection.receive().status, 503)
            except OSError:
                continue  # the process has ended already: no acknowledgement either
        self.assertEqual(running.wait(), EXIT_STORE_FAILED)

    def test_the_end_does_not_wait_for_a_disk_that_answers_no_more(self):
        port = backend.free_port()  # where nobody listens: the handler looks into the store again and again
        handler = {"name": "backend", "type": "http", "url": f"http://127.0.0.1:{port}/", "allow_private": True}
        running, disk = self.serve_with_faults(handlers=[{**handler, "retry_min": "10ms", "retry_max": "50ms"}])
        self.accepted(running, self.push("before"))
        disk.set("hold-read wx-feed")
        server.wait_until(lambda: disk.held, "a read that stands still")
        disk.set("hold-read wx-feed", "fail-sync EIO")
        self.assertEqual(running.post(self.push("lost or not")).status, 503)
        self.assertEqual(running.wait(), EXIT_STORE_FAILED)

    def test_a_start_whose_sync_fails_does_not_serve(self):
        running, disk = self.serve_with_faults()
        self.accepted(running, self.push("order"))
        running.kill()
        disk.set("fail-sync EIO")
        running.spawn()
        self.assertEqual(running.wait(), EXIT_STORE_FAILED)
        disk.clear()
        running.start()
        self.assertEqual(len(running.events()), 1)

    def test_a_failing_write_is_final_too(self):
        running, disk = self.serve_with_faults()
        disk.set("fail-write EIO")
        self.assertEqual(running.post(self.push("order")).status, 503)
        self.assertEqual(running.wait(), EXIT_STORE_FAILED)


if __name__ == "__main__":
    unittest.main()
