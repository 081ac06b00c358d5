"""What is not proved is refused, always with the same bytes, and never becomes an event."""

import base64
import unittest

import server
import wechat

SHOP = wechat.App()
CAFE = wechat.App("cafe", "wxfedcba9876543210", "tokenOfCafe", "Z" * 43)
LOST_KEY = wechat.App(
    encoding_aes_key="L" * 42 + "A"
)  # WeChat encrypts with it already, we do not know it yet
MESSAGE = wechat.waybill("order")


def signed_ciphertext(padded):
    """A push with a valid msg_signature over whatever this decrypts to."""
    return wechat.push(SHOP, MESSAGE, encrypted=wechat.encrypt(SHOP.encoding_aes_key, padded))


def padded_with(tail):
    """A text that ends in `tail` where the padding should be, aligned to 32 bytes."""
    text = wechat.full_text(MESSAGE, SHOP.appid)
    return text + b"x" * (-(len(text) + len(tail)) % 32) + tail


def flipped(position):
    """A push with one bit of its ciphertext changed after it was signed."""
    changed = wechat.push(SHOP, MESSAGE)
    encrypted = bytearray(base64.b64decode(wechat.seal(SHOP.encoding_aes_key, SHOP.appid, MESSAGE)))
    changed.query = wechat.query_of(SHOP, base64.b64encode(encrypted).decode())
    encrypted[position] ^= 1
    changed.body = wechat.json_envelope(base64.b64encode(encrypted).decode())
    return changed


def unsigned(push, *names, **replacements):
    """The same push without some parts of its query, or with others."""
    push.query = {name: value for name, value in push.query.items() if name not in names} | replacements
    return push


def on_path(push, path):
    push.path = path
    return push


def in_plaintext(body, **query):
    return wechat.Push(
        SHOP.path(),
        {"signature": wechat.signature(SHOP.token, "1", "2"), "timestamp": "1", "nonce": "2", **query},
        body,
    )


def not_proved():
    """Every kind of push that must be refused, by what is wrong with it."""
    good = lambda: wechat.push(SHOP, MESSAGE)
    stranger = wechat.App(token="guessed")
    foreign = wechat.App(appid="wx0000000000000000")
    longer = wechat.App(appid=SHOP.appid + "0")
    return {
        "wrong token": wechat.push(stranger, MESSAGE),
        "wrong key": wechat.push(LOST_KEY, MESSAGE),
        "foreign appid": wechat.push(foreign, MESSAGE),
        "appid with more behind it": wechat.push(longer, MESSAGE),
        "only the 3-string signature": unsigned(good(), "msg_signature"),
        "3-string signature as msg_signature": unsigned(good(), msg_signature=good().query["signature"]),
        "empty msg_signature": unsigned(good(), msg_signature=""),
        "no query at all": unsigned(good(), *good().query),
        "another timestamp": unsigned(good(), timestamp="1"),
        "another nonce": unsigned(good(), nonce="other"),
        "tampered first block": flipped(0),
        "tampered last block": flipped(-1),
        "another app's push": on_path(wechat.push(CAFE, MESSAGE), SHOP.path()),
        "plaintext": in_plaintext(MESSAGE),
        "plaintext that claims to be encrypted": in_plaintext(
            MESSAGE, encrypt_type="aes", msg_signature="0" * 40
        ),
        "plaintext signed as if it were secure": in_plaintext(
            MESSAGE, msg_signature=wechat.signature(SHOP.token, "1", "2")
        ),
        "a body that is no envelope": in_plaintext(b"hello", msg_signature="0" * 40),
        "an envelope twice": wechat.push(SHOP, MESSAGE, body=good().body * 2),
        "no body": in_plaintext(b"", msg_signature="0" * 40),
        "plaintext XML": in_plaintext(b"<xml><Event>update_waybill_status</Event></xml>"),
    }


def signed_but_broken():
    """What must be refused although its msg_signature is valid: the ciphertext does not hold what it should."""
    text = wechat.full_text(MESSAGE, SHOP.appid)
    with_length = lambda length: signed_ciphertext(
        wechat.pkcs7(wechat.full_text(MESSAGE, SHOP.appid, length=length))
    )
    return {
        "padding 0": signed_ciphertext(padded_with(b"\0")),
        "padding 33": signed_ciphertext(padded_with(b"\x21" * 33)),
        "torn padding": signed_ciphertext(padded_with(b"\x07" + b"\x08" * 7)),
        "length beyond the buffer": with_length(len(MESSAGE) + 1000),
        "negative length": with_length(0xFFFFFFFF),
        "length that eats into the appid": with_length(len(MESSAGE) + 1),
        "shorter than its own head": signed_ciphertext(wechat.pkcs7(b"x" * 10)),
        "no appid": signed_ciphertext(wechat.pkcs7(text[: -len(SHOP.appid)])),
        "no whole block": wechat.push(SHOP, MESSAGE, encrypted=base64.b64encode(b"x" * 33).decode()),
        "no base64": wechat.push(SHOP, MESSAGE, encrypted="!" * 64),
    }


def without_date(response):
    return b"\r\n".join(line for line in response.raw.split(b"\r\n") if not line.lower().startswith(b"date:"))


class RefusalsTest(server.TestCase):
    def test_all_are_refused_with_the_same_bytes_and_none_is_stored(self):
        running = self.serve(apps=[SHOP, CAFE])
        answers = {}
        for name, push in {**not_proved(), **signed_but_broken()}.items():
            with self.subTest(name):
                response = running.post(push)
                self.assertEqual(response.status, 403, response.raw)
                answers.setdefault(without_date(response), []).append(name)
        self.assertEqual(len(answers), 1, answers)
        self.assertEqual(running.events(), [])
        # The connection, the app and the server are as good as before.
        self.accepted(running, wechat.push(SHOP, MESSAGE))

    def test_a_handshake_and_an_old_push_are_refused_in_the_same_words(self):
        running = self.serve(sections={"server": {"max_push_age": "1h"}})
        good = wechat.push(SHOP, MESSAGE)
        handshakes = [{}, {**good.query, "echostr": "x", "signature": "0" * 40}, {**good.query, "echostr": "%"}]
        answers = set()
        with running.connect() as connection:
            for query in handshakes:
                target = wechat.Push(SHOP.path(), query, b"").target()
                answers.add(without_date(connection.exchange("GET", target.replace("%25", "%"))))
            answers.add(without_date(connection.post(wechat.push(SHOP, MESSAGE, timestamp="1409659813"))))
            answers.add(without_date(connection.post(in_plaintext(MESSAGE))))
        self.assertEqual(len(answers), 1, answers)
        self.assertTrue(answers.pop().startswith(b"HTTP/1.1 403 "))

    def test_the_cause_is_told_to_the_operator_only(self):
        running = self.serve(apps=[SHOP])
        causes = {
            "no_signature": unsigned(wechat.push(SHOP, MESSAGE), "msg_signature"),
            "bad_signature": wechat.push(wechat.App(token="guessed"), MESSAGE),
            "not_opened": wechat.push(LOST_KEY, MESSAGE),
            "foreign_appid": wechat.push(wechat.App(appid="wx0000000000000000"), MESSAGE),
            "plaintext": in_plaintext(MESSAGE),
        }
        for cause, push in causes.items():
            with self.subTest(cause):
                response = running.post(push)
                self.assertNotIn(cause.encode(), response.raw)
                self.assertEqual(running.metric("wxpush_refused_total", app="shop", cause=cause), 1)

    def test_a_refused_connection_goes_on(self):
        running = self.serve()
        with running.connect() as connection:
            for push, status in ((wechat.push(LOST_KEY, MESSAGE), 403), (wechat.push(SHOP, MESSAGE), 200)):
                self.assertEqual(connection.post(push).status, status)


class QuarantineTest(server.TestCase):
    def rows(self, running):
        result = running.run("quarantine", "list", "--format", "json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.splitlines()

    def test_an_unopened_push_becomes_an_event_once_its_key_is_known(self):
        running = self.serve()
        push = wechat.push(LOST_KEY, MESSAGE)
        self.assertEqual(running.post(push).status, 403)
        server.wait_until(lambda: len(self.rows(running)) == 1, "the push in the quarantine")
        running.restart()
        self.assertEqual((running.events(), len(self.rows(running))), ([], 1), "no key for it yet")
        both = [
            {"name": "new", "encoding_aes_key": LOST_KEY.encoding_aes_key},
            {"name": "old", "encoding_aes_key": SHOP.encoding_aes_key},
        ]
        running.apps = [{"name": SHOP.name, "appid": SHOP.appid, "token": SHOP.token, "keys": both}]
        running.restart()
        (event,) = server.wait_until(running.events, "the event out of the quarantine")
        self.assertEqual(event["event_id"], push.event_id)
        server.wait_until(lambda: not self.rows(running), "an empty quarantine")
        # WeChat's next try of it, and a retry of an operator, change nothing.
        self.accepted(running, wechat.push(LOST_KEY, MESSAGE))
        self.assertEqual(running.run("quarantine", "retry").returncode, 0)
        self.assertEqual(len(running.events()), 1)

    def test_what_is_not_signed_is_kept_only_where_all_is_asked_for(self):
        for setting, kept in (("off", 0), ("unopened", 1), ("all", 2)):
            running = self.serve(apps=[{**SHOP.settings(), "quarantine": setting}])
            for sender in (LOST_KEY, wechat.App(token="guessed")):
                self.assertEqual(running.post(wechat.push(sender, MESSAGE)).status, 403)
            self.assertEqual(running.stop(), 0)  # everything that was decided is on disk then
            with self.subTest(setting):
                self.assertEqual(len(self.rows(running)), kept)
            running.remove()

    def test_a_foreign_appid_inside_does_not_become_an_event_later(self):
        running = self.serve()
        foreign = wechat.App(appid="wx0000000000000000", encoding_aes_key=LOST_KEY.encoding_aes_key)
        self.assertEqual(running.post(wechat.push(foreign, MESSAGE)).status, 403)
        running.apps = [{**SHOP.settings(), "encoding_aes_key": LOST_KEY.encoding_aes_key}]
        running.restart()
        self.accepted(running, wechat.push(LOST_KEY, wechat.waybill("good")))
        self.assertEqual([event["body"]["shop_order_id"] for event in running.events()], ["good"])

    def test_an_appid_that_stood_wrong_in_the_settings_loses_nothing(self):
        running = self.serve(apps=[{**SHOP.settings(), "appid": "wx0000000000000000"}])
        self.assertEqual(running.post(wechat.push(SHOP, MESSAGE)).status, 403)
        server.wait_until(lambda: len(self.rows(running)) == 1, "the push in the quarantine")
        running.apps = [SHOP.settings()]
        running.restart()
        (event,) = server.wait_until(running.events, "the event out of the quarantine")
        self.assertEqual(event["event_id"], wechat.event_id(SHOP.appid, MESSAGE))


if __name__ == "__main__":
    unittest.main()
