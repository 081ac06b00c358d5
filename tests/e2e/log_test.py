"""The log: one line a push, one a delivery, remedies in its warnings, and nothing private in any of them."""

import datetime
import json
import unittest

import server
import wechat

SHOP = wechat.App()


class LogTest(server.TestCase):
    def everything(self, **sections):
        """A server that has seen one of each, stopped; its whole log."""
        running = self.serve(handlers=[server.LOG_HANDLER], sections=sections)
        pushes = [
            wechat.push(SHOP, wechat.waybill("order-1", status=302)),
            wechat.push(wechat.App(token="guessed"), wechat.waybill("order-2")),
            wechat.push(wechat.App(encoding_aes_key="L" * 43), wechat.waybill("order-3")),
            wechat.push(SHOP, b'{"broken": ' + wechat.RIDER_PHONE.encode()),
            wechat.Push(
                SHOP.path(), {"signature": "x", "timestamp": "1", "nonce": "2"}, wechat.waybill("order-4")
            ),
        ]
        statuses = [running.post(push).status for push in (*pushes, pushes[0])]
        self.assertEqual(statuses, [200, 403, 403, 200, 403, 200])
        server.wait_until(
            lambda: running.metric("wxpush_pending_events", handler="log") == 0, "both events handled"
        )
        self.pushed = pushes
        self.assertEqual(running.stop(), 0)
        return running.log

    def test_one_line_a_push(self):
        log = self.everything()
        verdicts = [entry["verdict"] for entry in log.entries("push")]
        self.assertEqual(
            verdicts, ["accepted", "forbidden", "quarantined", "accepted", "forbidden", "duplicate"]
        )
        first, *_, last = log.entries("push")
        self.assertEqual(
            (first["app"], first["type"], first["event_id"]),
            ("shop", "update_waybill_status", self.pushed[0].event_id),
        )
        self.assertEqual(first["order_key"], f"{SHOP.appid}/test_shop_id/order-1")
        self.assertGreaterEqual(first["ms"], 0)
        self.assertEqual(last["event_id"], first["event_id"])

    def test_every_line_is_json_with_time_level_and_message(self):
        log = self.everything()
        for line in log.text().splitlines():
            entry = json.loads(line)
            self.assertTrue({"time", "level", "message"} <= set(entry), line)
            self.assertIsNotNone(datetime.datetime.fromisoformat(entry["time"]).tzinfo, line)

    def test_log_handler_tells_what_the_event_means(self):
        first, second = self.everything().entries("event")
        self.assertEqual(
            (first["app"], first["type"], first["event_id"]),
            ("shop", "update_waybill_status", self.pushed[0].event_id),
        )
        self.assertEqual(str(first["order_status"]), "302")
        self.assertIn("delivered", first["meaning"])
        self.assertLess(first["id"], second["id"])
        self.assertEqual(second["event_id"], self.pushed[3].event_id)

    def test_nothing_private_in_any_format_at_any_level(self):
        private = [
            SHOP.token,
            SHOP.encoding_aes_key,
            wechat.RIDER_NAME,
            wechat.RIDER_PHONE,
            wechat.PRIVATE_TEXT,
            '"agent"',
        ]
        private += [json.dumps(text)[1:-1] for text in (wechat.RIDER_NAME, wechat.PRIVATE_TEXT)]
        for format in ("json", "text"):
            text = self.everything(log={"format": format, "level": "debug"}).text()
            self.assertIn("order-1", text)  # order ids are logged: people search by them
            for push in self.pushed:
                private += [
                    value
                    for name, value in push.query.items()
                    if name in ("msg_signature", "signature") and len(value) > 8
                ]
                private.append(json.loads(push.body).get("Encrypt", "no ciphertext in this one"))
            for secret in private:
                with self.subTest(format, secret=secret):
                    self.assertNotIn(secret, text)

    def test_warnings_say_the_remedy(self):
        text = "\n".join(
            json.dumps(entry, ensure_ascii=False)
            for entry in self.everything().entries()
            if "warn" in entry["level"]
        )
        for remedy in ("another token", "EncodingAESKey", "plaintext mode is on"):
            self.assertIn(remedy, text)

    def test_level_quietens_it(self):
        log = self.everything_at("warning")
        self.assertEqual({entry["level"] for entry in log.entries()} - {"warning", "warn", "error"}, set())
        self.assertIn("forbidden", log.text())

    def everything_at(self, level):
        running = self.serve(sections={"log": {"level": level}})
        for push in (
            wechat.push(SHOP, wechat.waybill("order")),
            wechat.push(wechat.App(token="guessed"), b"{}"),
        ):
            running.post(push)
        self.assertEqual(running.stop(), 0)
        return running.log

    def test_where_it_listens(self):
        running = self.serve()
        addresses = [entry["address"] for entry in running.log.wait_for("listening")]
        self.assertIn(running.status_at_start["listening"][0], addresses)


if __name__ == "__main__":
    unittest.main()
