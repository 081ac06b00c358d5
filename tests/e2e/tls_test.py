"""Encrypted pushes over real TLS: every padding, odd keys, several apps and keys, and the TLS versions."""

import json
import ssl
import unittest
import warnings

import server
import wechat


class EncryptedPushTest(server.TestCase):
    def test_every_padding_length_opens(self):
        running = self.serve()
        app = wechat.App()
        paddings = {}
        for extra in range(32):
            message = wechat.waybill("padding", shop_no="x" * extra)
            paddings[32 - len(wechat.full_text(message, app.appid)) % 32] = message
        self.assertEqual(sorted(paddings), list(range(1, 33)))
        with running.connect() as connection:
            for message in paddings.values():
                self.assertEqual(connection.post(wechat.push(app, message)).status, 200)
        stored = {event["event_id"] for event in running.events()}
        self.assertEqual(stored, {wechat.event_id(app.appid, message) for message in paddings.values()})

    def test_emoji_and_chinese_are_stored_byte_for_byte(self):
        running = self.serve()
        message = wechat.waybill("🛵-订单-\U0001f468\u200d\U0001f373", action_msg="已送达🎉")
        self.accepted(running, wechat.push(wechat.App(), message))
        (event,) = running.events()
        self.assertEqual(event["event_id"], wechat.event_id(wechat.App().appid, message))
        self.assertEqual(event["body"], json.loads(message))

    def test_escapes_in_the_envelope_are_undone_before_the_signature_is_checked(self):
        running, app = self.serve(), wechat.App()
        replacements = {
            "slash": ("/", "\\/"),
            "plus": ("+", "\\u002b"),
            "equals": ("=", "\\u003d"),
            "every": (None, None),
        }
        for name, (plain, escaped) in replacements.items():
            # Base64 of random bytes lacks a given character now and then: seal again until it is there.
            message, encrypted = wechat.waybill(name), ""
            while (plain or "+") not in encrypted:
                encrypted = wechat.seal(app.encoding_aes_key, app.appid, message)
                if plain == "=" and "=" not in encrypted:
                    message = wechat.waybill(name, shop_no="x" * (len(json.loads(message)["shop_no"]) + 32))
            text = (
                encrypted.replace(plain, escaped) if plain else "".join(f"\\u{ord(c):04x}" for c in encrypted)
            )
            with self.subTest(name):
                body = f'{{"ToUserName":"gh_97417a04a28d","Encrypt":"{text}"}}'.encode()
                self.accepted(running, wechat.push(app, message, encrypted=encrypted, body=body))
        self.assertEqual(len(running.events()), len(replacements))

    def test_spare_bits_of_the_keys_last_character_mean_nothing(self):
        # A to D differ only in the two bits that 43 characters have too many: all four are the same 32 bytes.
        configured = wechat.App(encoding_aes_key="jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C")
        running = self.serve(apps=[configured])
        for last in "ABCD":
            sender = wechat.App(encoding_aes_key=configured.encoding_aes_key[:-1] + last)
            self.accepted(running, wechat.push(sender, wechat.waybill("key-" + last)))
        self.assertEqual(len(running.events()), 4)

    def test_two_apps_each_with_its_own_secrets(self):
        shop = wechat.App()
        cafe = wechat.App("cafe", "wxfedcba9876543210", "tokenOfCafe", "Z" * 43)
        running = self.serve(apps=[shop, cafe])
        message = wechat.waybill("the same bytes for both")
        self.accepted(running, wechat.push(shop, message))
        self.accepted(running, wechat.push(cafe, message))
        stored = {(event["app"], event["event_id"]) for event in running.events()}
        self.assertEqual(stored, {(app.name, wechat.event_id(app.appid, message)) for app in (shop, cafe)})

    def test_several_keys_of_one_app_may_share_a_half(self):
        new = wechat.App(token="newToken", encoding_aes_key="N" * 42 + "A")
        shared_key = wechat.App(token="otherToken", encoding_aes_key="S" * 42 + "A")
        shared_token = wechat.App(token="sharedToken", encoding_aes_key="T" * 42 + "A")
        keys = [
            {"name": "2026-11", "token": new.token, "encoding_aes_key": new.encoding_aes_key},
            {"name": "only-token", "token": shared_key.token},
            {"name": "only-key", "encoding_aes_key": shared_token.encoding_aes_key},
        ]
        halves = {"token": shared_token.token, "encoding_aes_key": shared_key.encoding_aes_key}
        running = self.serve(apps=[{"name": "shop", "appid": new.appid, **halves, "keys": keys}])
        for app in (new, shared_key, shared_token):
            with self.subTest(app.token):
                response = self.accepted(running, wechat.push(app, wechat.waybill("order-" + app.encoding_aes_key[0])))
                self.assertEqual(
                    wechat.open_reply(app, response.body)["resultcode"],
                    0,
                    "not sealed with the key that matched",
                )
        uses = {key["name"]: key["uses"] for key in running.status()["apps"][0]["keys"]}
        for key in keys:
            self.assertEqual(uses[key["name"]], 1, uses)


class TlsVersionTest(server.TestCase):
    def context(self, running, version):
        context = ssl.create_default_context(cafile=running.sections["server"]["certificate"])
        context.set_ciphers("ALL:@SECLEVEL=0")  # else the client itself would not offer TLS 1.1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of TLS 1.1, which is the point
            context.minimum_version = context.maximum_version = version
        return context

    def test_1_2_and_1_3_are_served(self):
        running = self.serve()
        for version, name in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
            with self.subTest(name), running.connect(self.context(running, version)) as connection:
                self.assertEqual(connection.socket.version(), name)
                self.assertEqual(connection.post(wechat.push(wechat.App(), wechat.waybill(name))).status, 200)

    def test_1_1_is_refused_by_the_server(self):
        running = self.serve()
        with self.assertRaises(ssl.SSLError) as raised:
            running.connect(self.context(running, ssl.TLSVersion.TLSv1_1))
        self.assertIn(
            "ALERT_PROTOCOL_VERSION",
            raised.exception.reason or "",
            "refused by the client, not by the server",
        )

    def test_1_2_without_forward_secrecy_is_refused(self):
        running = self.serve()
        context = self.context(running, ssl.TLSVersion.TLSv1_2)
        context.set_ciphers("kRSA:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            running.connect(context)


if __name__ == "__main__":
    unittest.main()
