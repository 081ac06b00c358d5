"""Deadlines, limits per address, and the listener as it stands behind a reverse proxy."""

import contextlib
import socket
import ssl
import threading
import unittest

import client
import server
import wechat

SHOP = wechat.App()
LONG = {"header_timeout": "60s", "idle_timeout": "60s", "handshake_timeout": "60s", "request_deadline": "4s"}
SHORTER_THAN_REQUEST_DEADLINE = 3.8  # seconds
WECHAT_WAITS = 5.0


class Flood:
    """A connection that asks without end and reads whatever comes, so that the server never has to wait for it."""

    def __init__(self, running):
        host, port = running.status_at_start["listening"][0].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = running.tls.wrap_bio(self._incoming, self._outgoing, server_hostname="localhost")
        while not self._greeted():
            self._incoming.write(self.socket.recv(65536))
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._ask, self._read)]
        for thread in self._threads:
            thread.start()

    def _greeted(self):
        try:
            self._tls.do_handshake()
            return True
        except ssl.SSLWantReadError:
            return False
        finally:
            self.socket.sendall(self._outgoing.read())

    def _ask(self):
        many = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n" * 500
        with contextlib.suppress(OSError):
            while True:
                self._tls.write(many)
                self.socket.sendall(self._outgoing.read())

    def _read(self):
        with contextlib.suppress(OSError):
            while self.socket.recv(1 << 20):
                pass

    def end(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self.socket.close()


class TurnsTest(server.TestCase):
    def test_a_connection_that_never_stops_asking_leaves_others_their_turn(self):
        running = self.serve(sections={"server": {"threads": 1}})
        flood = Flood(running)
        self.addCleanup(flood.end)
        for number in range(5):
            with running.connect(deadline=WECHAT_WAITS) as connection:
                self.assertEqual(connection.post(wechat.push(SHOP, wechat.waybill(f"turn-{number}"))).status, 200)


class DeadlineTest(server.TestCase):
    """Each deadline is set short while all others are long: only the one under test can end the connection.

    The client waits far longer than the short one and far shorter than the long ones.
    """

    def connection(self, **limits):
        self.server = self.serve(sections={"server": {**LONG, **limits}})
        connection = self.server.connect()
        self.addCleanup(connection.close)
        return connection

    def second_request(self, **limits):
        """A connection that has had its first request: from here on a header's time begins with its first byte."""
        connection = self.connection(**limits)
        self.assertEqual(connection.post(wechat.push(SHOP, wechat.waybill("first"))).status, 200)
        connection.socket.settimeout(SHORTER_THAN_REQUEST_DEADLINE)
        return connection

    def test_a_header_that_never_ends(self):
        connection = self.second_request(header_timeout="200ms")
        connection.send(b"POST /wx/shop HTTP/1.1\r\nHost: local")
        self.assertTrue(connection.closed())

    def test_a_header_that_drips(self):
        connection = self.second_request(header_timeout="200ms")
        connection.send(b"POST /wx/shop HTTP/1.1\r\n")

        def closed():
            try:
                connection.send(b"X-Slow: 1\r\n")
            except OSError:
                return True
            return False

        server.wait_until(
            closed, "the end of a connection that always sends something", SHORTER_THAN_REQUEST_DEADLINE
        )

    def test_the_header_of_a_first_request(self):
        connection = self.connection(header_timeout="200ms")
        connection.socket.settimeout(SHORTER_THAN_REQUEST_DEADLINE)
        connection.send(b"POST /wx/shop HTTP/1.1\r\nHost: local")
        self.assertTrue(connection.closed())

    def test_a_first_request_that_never_begins(self):
        self.assertTrue(self.connection(request_deadline="300ms").closed())

    def test_a_body_that_never_ends(self):
        connection = self.connection(request_deadline="2s")
        push = wechat.push(SHOP, wechat.waybill("order"))
        connection.request("POST", push.target(), [("Content-Length", "5000")], push.body)
        self.assertTrue(connection.closed())
        self.assertEqual(self.server.events(), [])
        timeouts = lambda: self.server.metric("wxpush_pushes_total", app="-", verdict="timeout")
        server.wait_until(lambda: timeouts() == 1, "the time-out counted")

    def test_an_idle_connection(self):
        connection = self.connection(idle_timeout="1s")
        self.assertEqual(connection.post(wechat.push(SHOP, wechat.waybill("order"))).status, 200)
        self.assertTrue(connection.closed())

    def test_a_handshake_that_never_ends(self):
        self.connection(handshake_timeout="300ms")
        host, port = self.server.status_at_start["listening"][0].rsplit(":", 1)
        with client.Connection((host, int(port))) as connection:
            connection.send(b"\x16\x03\x01")
            self.assertTrue(connection.closed())


class LimitTest(server.TestCase):
    def test_connections_per_address(self):
        running = self.serve(sections={"server": {"max_connections_per_address": 2}})
        push = wechat.push(SHOP, wechat.waybill("order"))
        first, second = running.connect(), running.connect()
        self.addCleanup(second.close)
        self.assertEqual([first.post(push).status, second.post(push).status], [200, 200])
        with self.assertRaises(OSError):
            running.connect().post(push)
        first.close()

        def served():
            try:
                return running.post(push).status == 200
            except OSError:
                return False

        server.wait_until(served, "a place for another connection")

    def test_connections_in_all(self):
        running = self.serve(sections={"server": {"max_connections": 1}})
        push = wechat.push(SHOP, wechat.waybill("order"))
        with running.connect() as first:
            self.assertEqual(first.post(push).status, 200)
            for _ in range(3):
                with self.assertRaises(OSError):
                    running.connect().post(push)
            self.assertEqual(first.post(push).status, 200)
        refused = running.metric("wxpush_connections_refused_total", limit="max_connections")
        self.assertEqual(refused, 3)
        self.assertEqual(running.stop(), 0)
        (warning,) = [entry for entry in running.log.entries() if "turned away" in entry["message"]]
        self.assertEqual((warning["limit"], "remedy" in warning), ("max_connections", True))

    def test_below_min_free_nothing_is_taken_and_status_says_why(self):
        running = self.prepare(sections={"store": {"min_free": "1000000GiB"}})
        running.spawn()
        server.wait_until(lambda: running.admin("/readyz"), "the admin socket")
        running.status_at_start = running.status()
        self.assertEqual(running.post(wechat.push(SHOP, wechat.waybill("order"))).status, 503)
        readiness = running.admin("/readyz")
        self.assertEqual((readiness.status, b"min_free" in readiness.body), (503, True))
        self.assertEqual(running.status()["store"]["space"], "low")
        self.assertEqual(running.events(), [])
        running.sections["store"]["min_free"] = "1MiB"
        running.restart()
        self.accepted(running, wechat.push(SHOP, wechat.waybill("order")))

    def test_old_pushes_are_taken_unless_a_bound_is_set(self):
        old = wechat.push(SHOP, wechat.waybill("order"), timestamp="1409659813")
        self.accepted(self.serve(), old)
        bounded = self.serve(sections={"server": {"max_push_age": "1h"}})
        self.assertEqual(bounded.post(old).status, 403)
        self.accepted(bounded, wechat.push(SHOP, wechat.waybill("order")))


class BehindProxyTest(server.TestCase):
    def forwarded(self, running, path):
        push = wechat.push(SHOP, wechat.waybill(path))
        with running.connect() as connection:
            response = connection.exchange(
                "POST", push.target(), [("X-Forwarded-For", "203.0.113.9")], push.body
            )
        self.assertEqual(response.status, 200)

    def warnings(self, running):
        self.assertEqual(running.stop(), 0)
        return [entry for entry in running.log.entries() if "X-Forwarded-For" in entry["message"]]

    def test_forwarded_for_from_a_stranger_is_warned_about_with_the_remedy(self):
        running = self.serve(tls=False)
        self.forwarded(running, "order")
        (warning,) = self.warnings(running)
        self.assertIn("warn", warning["level"])
        self.assertIn("127.0.0.1", warning["message"])
        self.assertIn("trusted_proxies", warning["message"])

    def test_forwarded_for_from_a_trusted_proxy_is_quiet(self):
        running = self.serve(
            tls=False,
            sections={"server": {"trusted_proxies": ["127.0.0.0/8"], "max_connections_per_address": 1}},
        )
        with running.connect(), running.connect():  # the limit is not for trusted ones
            self.forwarded(running, "order")
        self.assertEqual(self.warnings(running), [])

    def test_unix_socket_without_tls(self):
        running = self.prepare(tls=False)
        path = str(running.directory / "push.sock")
        running.sections["server"]["listen"] = ["unix:" + path, "127.0.0.1:0"]
        running.start()
        self.assertIn("unix:" + path, running.status_at_start["listening"])
        push = wechat.push(SHOP, wechat.waybill("order"))
        with client.Connection(path) as connection:
            self.assertEqual(connection.post(push).status, 200)
        self.assertEqual([event["event_id"] for event in running.events()], [push.event_id])
        running.restart()  # the socket of the last run is no obstacle
        with client.Connection(path) as connection:
            self.assertEqual(connection.post(push).status, 200)


if __name__ == "__main__":
    unittest.main()
