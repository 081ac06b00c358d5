"""The commands beside a running server: trigger, events, status, health, keys, quarantine, bench."""

import json
import unittest

import server
import wechat
from command import NO, OK, UNAVAILABLE, USAGE, BesideServerCase

SHOP = wechat.App()


class TriggerTest(BesideServerCase):
    def test_sends_what_is_stored(self):
        result = self.check(
            OK,
            "trigger",
            "update_waybill_status",
            "--app",
            "shop",
            *self.target(),
            "--set",
            "order_status=302",
            "--set",
            "shop_order_id=A17",
            "--set",
            "agent.name=Zhang",
        )
        (event,) = self.server.events()
        self.assertIn(f"--> update_waybill_status [{event['event_id']}]", result.stdout)
        self.assertRegex(result.stdout, r"<-- \[200\] POST https://localhost:\d+/wx/shop \(\d+ ms\)")
        self.assertEqual(
            (event["body"]["order_status"], event["body"]["shop_order_id"], event["body"]["agent"]["name"]),
            (302, "A17", "Zhang"),
        )

    def test_times_are_distinct_and_orders_named_as_tests(self):
        self.check(OK, "trigger", "update_waybill_status", *self.target(), "--times", "5")
        events = self.server.events()
        self.assertEqual(len(events), 5)
        for event in events:
            self.assertTrue(event["body"]["shop_order_id"].startswith("wxpush-test-"))

    def test_any_event(self):
        self.check(OK, "trigger", "add_express_path", *self.target())
        self.assertEqual([event["type"] for event in self.server.events()], ["add_express_path"])

    def test_not_acknowledged_is_1(self):
        self.assertRegex(
            self.check(
                NO, "trigger", "debug_demo", "--url", self.server.url("/wx/other"), *self.target()[2:]
            ).stdout,
            r"<-- \[404\]",
        )
        self.server.stop()
        self.check(NO, "trigger", "debug_demo", *self.target())

    def test_an_unknown_certificate_is_not_believed(self):
        self.check(
            NO,
            "trigger",
            "debug_demo",
            "--url",
            self.server.url().replace("localhost", "127.0.0.2"),
            *self.target()[2:],
        )
        self.assertEqual(self.server.events(), [])

    def test_bench_counts_what_was_acknowledged(self):
        result = self.check(
            OK,
            "bench",
            "--app",
            "shop",
            *self.target(),
            "--connections",
            "4",
            "--duration",
            "1",
            "--format",
            "json",
        )
        measured = json.loads(result.stdout)
        self.assertGreater(measured["acknowledged"], 0)
        self.assertEqual(measured["failures"], {})
        self.assertRegex(measured["protocol"], "^TLSv1.3 TLS_AES_128_GCM_SHA256$")
        self.assertLessEqual(measured["latency_ms"]["p50"], measured["latency_ms"]["p99"])
        self.assertEqual(len(self.server.events()), measured["acknowledged"])

    def test_bench_offers_a_rate_until_so_many_were_sent(self):
        common = ["bench", *self.target(), "--duration", "60", "--events", "40", "--format", "json"]
        measured = json.loads(self.check(OK, *common, "--rate", "200").stdout)
        self.assertEqual(measured["acknowledged"], 40)
        self.assertGreaterEqual(measured["seconds"], 39 / 200)  # the last one has its time, too
        self.assertEqual(json.loads(self.check(OK, *common, "--rate", "max").stdout)["acknowledged"], 40)
        for rate in ("-1", "0", "fast", "1e9", "nan"):
            self.check(USAGE, *common, "--rate", rate)
        self.assertEqual(len(self.server.events()), 80)

    def test_bench_opens_a_connection_for_each_push_if_asked(self):
        before = self.server.metric("wxpush_tls_handshakes_total", result="ok")
        more = ["--new-connections", "--connections", "4", "--duration", "60", "--events", "20", "--prepared", "10"]
        measured = json.loads(self.check(OK, "bench", *self.target(), *more, "--format", "json").stdout)
        self.assertEqual((measured["acknowledged"], measured["failures"]), (20, {}))
        self.assertGreaterEqual(self.server.metric("wxpush_tls_handshakes_total", result="ok") - before, 20)

    def test_bench_repeats_events_and_lets_orders_proceed_if_asked(self):
        common = ["bench", *self.target(), "--duration", "60", "--connections", "1", "--format", "json"]
        more = ["--events", "40", "--duplicates", "50", "--orders", "2", "--statuses", "6"]
        measured = json.loads(self.check(OK, *common, *more).stdout)
        self.assertEqual(measured["acknowledged"], 40)
        events = self.server.events()
        self.assertEqual(len(events), 40 - 19)  # the first one has none before it
        statuses = {}
        for event in events:
            statuses.setdefault(event["order_key"], []).append(event["body"]["order_status"])
        self.assertEqual(sorted(map(len, statuses.values())), [10, 11])
        for told in statuses.values():
            self.assertEqual(told[:6], [101, 102, 201, 202, 301, 302])

    def test_bench_counts_connections_that_nobody_takes(self):
        url = self.server.url()
        ca_file = self.target()[2:]
        self.server.stop()
        more = ["--duration", "0.3", "--connections", "3", "--format", "json"]
        measured = json.loads(self.check(NO, "bench", "--url", url, *ca_file, *more).stdout)
        self.assertEqual(measured["acknowledged"], 0)
        self.assertGreaterEqual(measured["failures"]["connect: Connection refused"], 3)


class StateTest(BesideServerCase):
    def test_status_and_health(self):
        self.assertIn("shop", self.check(OK, "status").stdout)
        self.assertTrue(json.loads(self.check(OK, "status", "--format", "json").stdout)["ready"])
        self.check(OK, "health")
        self.server.stop()
        self.check(UNAVAILABLE, "status")
        self.check(UNAVAILABLE, "health")

    def test_keys_status_knows_what_was_used_also_without_a_server(self):
        self.accepted(self.server, wechat.push(SHOP, wechat.waybill("order")))
        self.assertIn("default", self.check(OK, "keys", "status").stdout)
        self.assertEqual(self.server.stop(), 0)
        key = json.loads(self.check(OK, "keys", "status", "--format", "json").stdout)
        self.assertEqual((key["app"], key["uses"]), ("shop", 1))
        self.assertIsNotNone(key["last_used_at"])
        self.server.start()  # a restart is a step of every change of keys: what was known stays known
        key = json.loads(self.check(OK, "keys", "status", "--format", "json").stdout)
        self.assertEqual(key["uses"], 1)
        self.assertIsNotNone(key["last_used_at"])
        self.accepted(self.server, wechat.push(SHOP, wechat.waybill("order")))
        self.assertEqual(self.server.metric("wxpush_key_uses_total", app="shop", key="default"), 2)

    def test_quarantine(self):
        self.assertEqual(
            self.server.post(wechat.push(wechat.App(encoding_aes_key="L" * 43), b"{}")).status, 403
        )
        server.wait_until(
            lambda: self.check(OK, "quarantine", "list", "--format", "json").stdout,
            "the push in the quarantine",
        )
        row = json.loads(self.check(OK, "quarantine", "list", "--format", "json").stdout)
        self.assertEqual(row["app"], "shop")
        self.assertNotIn("encrypt", row)
        self.check(OK, "quarantine", "retry")
        self.server.stop()
        self.check(UNAVAILABLE, "quarantine", "retry")

    def test_a_second_server_on_the_same_store_is_refused(self):
        other = self.prepare(store=self.server.store)
        other.spawn()
        self.assertEqual(other.wait(), 75)
        self.assertIn(str(self.server.process.pid), other.log.text())

    def test_a_port_in_use_is_69_with_the_remedy(self):
        other = self.prepare(sections={"server": {"listen": self.server.status_at_start["listening"][0]}})
        other.spawn()
        self.assertEqual(other.wait(), 69)
        self.assertIn("another process", other.log.text())


if __name__ == "__main__":
    unittest.main()
