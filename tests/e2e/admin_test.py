"""The admin listener for probes and scrapers, and the admin socket for what reads bodies or changes state."""

import os
import pathlib
import re
import stat
import unittest

import client
import server
import wechat

SHOP = wechat.App()
OPERATIONS = pathlib.Path(__file__).parents[2] / "docs" / "operations.md"
COUNTED_AS = ("_bucket", "_count", "_sum")  # what a histogram's name is seen with


class AdminTest(server.TestCase):
    def listener(self, running):
        host, port = running.status_at_start["admin"].rsplit(":", 1)
        connection = client.Connection((host, int(port)))
        self.addCleanup(connection.close)
        return connection

    def test_health_and_readiness(self):
        running = self.serve()
        connection = self.listener(running)
        for target in ("/healthz", "/readyz"):
            for method in ("GET", "HEAD"):
                self.assertEqual(connection.exchange(method, target).status, 200, target)
        self.assertEqual(running.admin("/readyz").status, 200)

    def test_listener_gives_nothing_away_and_changes_nothing(self):
        connection = self.listener(self.serve())
        for target in ("/api/v1/status", "/api/v1/events", "/", "/wx/shop"):
            self.assertEqual(connection.exchange("GET", target).status, 404, target)
        self.assertIn(connection.exchange("POST", "/api/v1/quarantine/retry").status, (404, 405))
        self.assertEqual(connection.exchange("POST", "/healthz").status, 405)

    def test_socket_is_for_its_owner_only(self):
        running = self.serve()
        self.assertEqual(stat.S_IMODE(os.stat(running.admin_socket).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(running.store).st_mode), 0o700)

    def test_default_socket_lies_in_the_store(self):
        running = self.prepare()
        del running.sections["admin"]["socket"]
        running.admin_socket = str(running.store / "admin.sock")
        running.start()
        self.assertTrue(running.ready())

    def test_status_names_what_runs(self):
        running = self.serve(handlers=[server.LOG_HANDLER])
        self.accepted(running, wechat.push(SHOP, wechat.waybill("order")))
        status = running.status()
        self.assertEqual(
            (status["pid"], status["ready"], status["not_ready"], status["draining"]),
            (running.process.pid, True, [], False),
        )
        self.assertEqual(
            (status["store"]["last_id"], status["store"]["space"], status["store"]["failure"]),
            (1, "ok", None),
        )
        (app,) = status["apps"]
        self.assertEqual(
            (app["name"], app["appid"], app["accepted"], app["forbidden"]), ("shop", SHOP.appid, 1, 0)
        )
        self.assertEqual([(key["name"], key["uses"]) for key in app["keys"]], [("default", 1)])
        self.assertEqual(
            [(handler["name"], handler["type"]) for handler in status["handlers"]], [("log", "log")]
        )


class MetricsTest(server.TestCase):
    def setUp(self):
        self.server = self.serve(handlers=[server.LOG_HANDLER])

    def pushes(self, verdict, app="shop"):
        return self.server.metric("wxpush_pushes_total", app=app, verdict=verdict)

    def test_counts_each_verdict(self):
        push = wechat.push(SHOP, wechat.waybill("order"))
        for one in (
            push,
            push,
            wechat.push(wechat.App(token="guessed"), b"{}"),
            wechat.push(wechat.App(encoding_aes_key="L" * 43), b"{}"),
        ):
            self.server.post(one)
        with self.server.connect() as connection:
            connection.exchange("GET", "/no/such/path")
        counted = {
            verdict: self.pushes(verdict) for verdict in ("accepted", "duplicate", "forbidden", "quarantined")
        }
        self.assertEqual(counted, {"accepted": 1, "duplicate": 1, "forbidden": 1, "quarantined": 1})
        self.assertEqual(self.pushes("bad_request", app="-"), 1)
        self.assertEqual(
            self.server.metric("wxpush_events_total", app="shop", type="update_waybill_status"), 1
        )
        self.assertEqual(self.server.metric("wxpush_ack_seconds_count"), 2)
        self.assertEqual(self.server.metric("wxpush_key_uses_total", app="shop", key="default"), 2)

    def test_unknown_event_types_and_paths_do_not_become_labels(self):
        for number in range(3):
            message = b'{"MsgType":"event","Event":"made_up_%d"}' % number
            self.assertEqual(self.server.post(wechat.push(SHOP, message)).status, 200)
            with self.server.connect() as connection:
                connection.exchange("POST", f"/wx/made-up-{number}", body=b"{}")
        text = self.server.admin("/metrics").body.decode()
        self.assertNotIn("made", text)
        self.assertEqual(self.server.metric("wxpush_events_total", app="shop", type="other"), 3)

    def test_names_of_the_documentation(self):
        self.assertEqual(self.server.post(wechat.push(SHOP, wechat.waybill("order"))).status, 200)
        self.server.post(wechat.push(SHOP, wechat.waybill("order")))
        self.server.post(wechat.push(wechat.App(token="guessed"), b"{}"))
        self.server.log.wait_for("event")
        response = self.server.admin("/metrics")
        self.assertIn("text/plain", response.headers["content-type"])
        announced = {
            line.split()[2] for line in response.body.decode().splitlines() if line.startswith("# TYPE wxpush_")
        }
        described = set(re.findall(r"wxpush_[a-z_]*[a-z]", OPERATIONS.read_text()))
        described = {name for name in described if not name.endswith(COUNTED_AS)}
        self.assertEqual(announced ^ described, set())

    def test_deliveries_and_backlog(self):
        for number in range(3):
            self.assertEqual(
                self.server.post(wechat.push(SHOP, wechat.waybill(f"order-{number}"))).status, 200
            )
        server.wait_until(
            lambda: self.server.metric("wxpush_pending_events", handler="log") == 0, "no backlog"
        )
        delivered = sum(
            float(line.rpartition(" ")[2])
            for line in self.server.admin("/metrics").body.decode().splitlines()
            if line.startswith("wxpush_deliveries_total{") and 'handler="log"' in line
        )
        self.assertEqual(delivered, 3)


if __name__ == "__main__":
    unittest.main()
