"""SIGTERM: what is in flight is answered, nothing new comes in, and the exit is 0 within the sender's 5 s."""

import signal
import sqlite3
import time
import unittest

import client
import server
import wechat

SHOP = wechat.App()
SENDER_WAITS = 5.0 * client.PATIENCE  # seconds: WeChat's own time-out


class DrainTest(server.TestCase):
    def half_sent(self, running, order):
        """A connection that owes the last byte of a push: a request in flight for as long as the test wants."""
        push = wechat.push(SHOP, wechat.waybill(order))
        connection = running.connect()
        self.addCleanup(connection.close)
        length = ("Content-Length", str(len(push.body)))
        connection.request("POST", push.target(), [length, ("Expect", "100-continue")])
        self.assertEqual(connection.receive().status, 100)  # so the server has seen it, before any signal
        connection.send(push.body[:-1])
        return connection, push

    def begin(self, running):
        """Sends SIGTERM and returns once the drain has begun."""
        running.signal(signal.SIGTERM)
        server.wait_until(lambda: self.readiness(running) == 503, "readiness taken away")

    def readiness(self, running):
        response = running.admin("/readyz")
        return response.status if response else None

    def test_requests_in_flight_are_answered_and_the_exit_is_clean(self):
        running = self.serve()
        in_flight = [self.half_sent(running, f"order-{number}") for number in range(3)]
        self.begin(running)
        began = time.monotonic()
        for connection, push in in_flight:
            connection.send(push.body[-1:])
            response = connection.receive()
            self.assertEqual(response.status, 200)
            self.assertEqual(response.headers["connection"].lower(), "close")
            self.assertTrue(connection.closed())
        self.assertEqual(running.wait(), 0)
        self.assertLess(time.monotonic() - began, SENDER_WAITS)
        self.assertEqual(
            {event["event_id"] for event in running.events()}, {push.event_id for _, push in in_flight}
        )

    def test_healthy_but_not_ready_while_draining_and_no_new_connections(self):
        running = self.serve()
        connection, push = self.half_sent(running, "order")
        self.begin(running)
        self.assertEqual(running.admin("/healthz").status, 200)
        self.assertTrue(running.status()["draining"])
        with self.assertRaises(OSError):
            running.post(wechat.push(SHOP, wechat.waybill("too late")))
        connection.send(push.body[-1:])
        self.assertEqual(connection.receive().status, 200)
        self.assertEqual(running.wait(), 0)

    def test_idle_and_silent_connections_hold_nothing_up(self):
        hour = {"drain": "60s", "handshake_timeout": "60s", "header_timeout": "60s"}
        running = self.serve(sections={"server": hour})
        idle, fresh = running.connect(), running.connect()
        host, port = running.status_at_start["listening"][0].rsplit(":", 1)
        silent = client.Connection((host, int(port)))  # not even a handshake
        for connection in (idle, fresh, silent):
            self.addCleanup(connection.close)
        self.assertEqual(idle.post(wechat.push(SHOP, wechat.waybill("order"))).status, 200)
        server.wait_until(lambda: running.status()["connections"] == 3, "all of them accepted")
        self.assertEqual(running.stop(deadline=3 * client.PATIENCE), 0)
        for connection in (idle, fresh, silent):
            self.assertTrue(connection.closed())

    def test_a_request_that_never_ends_is_given_up_at_the_deadline(self):
        running = self.serve()
        connection, _ = self.half_sent(running, "order")
        self.assertEqual(running.stop(deadline=SENDER_WAITS), 0)
        self.assertTrue(connection.closed())
        self.assertEqual(running.events(), [])

    def test_a_reader_of_the_store_holds_nothing_up(self):
        running = self.serve()
        database = sqlite3.connect(
            f"file:{running.store / 'queue.db'}?mode=ro", uri=True, isolation_level=None
        )
        self.addCleanup(database.close)
        self.accepted(running, wechat.push(SHOP, wechat.waybill("before")))
        database.execute("BEGIN")
        database.execute("SELECT count(*) FROM event").fetchone()
        self.accepted(running, wechat.push(SHOP, wechat.waybill("after")))
        self.assertEqual(running.stop(deadline=1.5 * client.PATIENCE), 0)

    def test_sighup_stops_nothing(self):
        running = self.serve()
        running.signal(signal.SIGHUP)
        server.wait_until(lambda: "SIGHUP" in running.log.text(), "a line about it")
        self.accepted(running, wechat.push(SHOP, wechat.waybill("order")))
        self.assertEqual(running.stop(), 0)
        self.assertIn("the settings are read again", running.log.text())

    def test_sigint_drains_as_well(self):
        running = self.serve()
        running.signal(signal.SIGINT)
        self.assertEqual(running.wait(SENDER_WAITS), 0)

    def test_a_second_signal_stops_at_once_and_loses_nothing_acknowledged(self):
        patient = {"drain": "60s", "request_deadline": "4s"}
        running = self.serve(sections={"server": patient})
        self.accepted(running, wechat.push(SHOP, wechat.waybill("acknowledged")))
        # It would be given up after 4 s: longer than what we wait below.
        self.half_sent(running, "in flight")
        self.begin(running)
        running.signal(signal.SIGTERM)
        self.assertGreaterEqual(running.wait(3.5), 0, "killed by the signal instead of stopping")
        self.assertEqual([event["body"]["shop_order_id"] for event in running.events()], ["acknowledged"])


if __name__ == "__main__":
    unittest.main()
