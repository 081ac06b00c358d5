"""verify, decrypt, encrypt and sign: the protocol without a server."""

import json
import unittest

import configuration
import wechat
from command import NO, OK, UNUSABLE, CommandCase


class OfflineTest(CommandCase):
    """verify, decrypt, encrypt and sign, with the secrets in files."""

    def setUp(self):
        super().setUp()
        self.app = wechat.App()
        self.message = wechat.waybill("order-🛵")
        for name, text in {"token": self.app.token, "key": self.app.encoding_aes_key}.items():
            (self.directory / name).write_text(text + "\n")
        (self.directory / "message").write_bytes(self.message)
        self.secrets = ["--token-file", "token", "--encoding-aes-key-file", "key", "--appid", self.app.appid]

    def parts(self, push):
        body = json.loads(push.body)
        return [
            "--timestamp",
            push.query["timestamp"],
            "--nonce",
            push.query["nonce"],
            "--msg-signature",
            push.query["msg_signature"],
            "--encrypt",
            body["Encrypt"],
        ]

    def test_sign_gives_the_official_example(self):
        (self.directory / "secret").write_text("test_app_secrect")
        result = self.check(
            OK,
            "sign",
            "--shopid",
            "test_shop_id",
            "--shop-order-id",
            "test_shop_order_id",
            "--app-secret-file",
            "secret",
        )
        self.assertEqual(result.stdout.strip(), "a93d8d6bae9a9483c1b1d4e8670e7f6226ec94cb")

    def test_decrypt_prints_the_message_alone(self):
        result = self.check(OK, "decrypt", *self.secrets, *self.parts(wechat.push(self.app, self.message)))
        self.assertEqual(result.stdout.encode(), self.message)

    def test_verify_says_which_check_fails(self):
        self.check(OK, "verify", *self.secrets, *self.parts(wechat.push(self.app, self.message)))
        wrong = {
            "signature": wechat.push(wechat.App(token="guessed"), self.message),
            "appid": wechat.push(wechat.App(appid="wx0000000000000000"), self.message),
            "padding": wechat.push(
                self.app, self.message, encrypted=wechat.encrypt(self.app.encoding_aes_key, bytes(64))
            ),
        }
        for word, push in wrong.items():
            with self.subTest(word):
                result = self.check(NO, "verify", *self.secrets, *self.parts(push))
                self.assertIn(word, (result.stdout + result.stderr).lower())
                self.assertNotEqual(
                    self.run_command("decrypt", *self.secrets, *self.parts(push)).returncode, OK
                )

    def test_encrypt_makes_a_push_that_opens(self):
        settings = configuration.text(
            {"store": {"path": "store"}, "server": {"tls": "off"}}, [self.app.settings()], []
        )
        (self.directory / "wxpush.toml").write_text(settings)
        made = json.loads(
            self.check(OK, "encrypt", "--app", "shop", "--body", "message", "--format", "json").stdout
        )
        query = dict(pair.split("=", 1) for pair in made["url_query"].split("&"))
        envelope = made["body"] if isinstance(made["body"], dict) else json.loads(made["body"])
        message, appid = wechat.unseal(self.app.encoding_aes_key, envelope["Encrypt"])
        self.assertEqual((message, appid), (self.message, self.app.appid))
        self.assertEqual(
            query["msg_signature"],
            wechat.signature(self.app.token, query["timestamp"], query["nonce"], envelope["Encrypt"]),
        )
        # The other form of input: a URL as a proxy's log has it, and a body in a file.
        (self.directory / "body").write_text(json.dumps(envelope))
        url = "https://localhost/wx/shop?" + made["url_query"]
        self.assertEqual(
            self.check(OK, "decrypt", "--app", "shop", "--url", url, "--body", "body").stdout.encode(),
            self.message,
        )
        self.check(OK, "verify", "--app", "shop", "--url", url, "--body", "body")

    def test_unusable_input_is_65(self):
        push = wechat.push(self.app, self.message)
        self.check(UNUSABLE, "decrypt", "--token-file", "missing", *self.secrets[2:], *self.parts(push))


if __name__ == "__main__":
    unittest.main()
