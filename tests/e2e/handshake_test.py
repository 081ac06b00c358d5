"""The GET with which WeChat checks the URL when it is saved in the console."""

import unittest
import urllib.parse

import server
import wechat


class HandshakeTest(server.TestCase):
    def setUp(self):
        # The official example (docs/protocol.md, "Handshake").
        self.official = wechat.App("official", "wxba5fad812f8e6fb9", "AAAAA", "A" * 43)
        self.shop = wechat.App()
        self.server = self.serve(apps=[self.official, self.shop])

    def handshake(self, path, **query):
        with self.server.connect() as connection:
            return connection.exchange(
                "GET", path + "?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)
            )

    def signed(self, app, echostr, **overrides):
        query = {"signature": wechat.signature(app.token, "1714036504", "1514711492"), "echostr": echostr}
        query.update(timestamp="1714036504", nonce="1514711492")
        return self.handshake(app.path(), **{**query, **overrides})

    def test_answers_the_official_example(self):
        response = self.signed(
            self.official, "4375120948345356249", signature="f464b24fc39322e44b38aa78f5edd27bd1441696"
        )
        self.assertEqual((response.status, response.body), (200, b"4375120948345356249"))

    def test_gives_echostr_back_verbatim_after_one_url_decoding(self):
        for echostr in ("plain", "a+b/c==", "100%", "汉字 and spaces", "%2B"):
            with self.subTest(echostr):
                response = self.signed(self.shop, echostr)
                self.assertEqual((response.status, response.body), (200, echostr.encode()))

    def test_never_offers_echostr_to_a_browser_as_a_page(self):
        response = self.signed(self.shop, "<script>alert(1)</script>")
        self.assertEqual(response.status, 200)
        self.assertNotIn("html", response.headers["content-type"])

    def test_trailing_slash_is_tolerated(self):
        query = {"timestamp": "1", "nonce": "2", "echostr": "hello"}
        query["signature"] = wechat.signature(self.shop.token, "1", "2")
        self.assertEqual(self.handshake("/wx/shop/", **query).body, b"hello")

    def test_any_key_of_the_app_answers(self):
        two_keys = [
            {"name": "new", "token": "newToken", "encoding_aes_key": "B" * 43},
            {"name": "old", "token": "oldToken", "encoding_aes_key": "C" * 43},
        ]
        several = self.serve(apps=[{"name": "shop", "appid": self.shop.appid, "keys": two_keys}])
        for key in two_keys:
            with self.subTest(key["name"]), several.connect() as connection:
                query = {"timestamp": "1", "nonce": "2", "echostr": "hello"}
                query["signature"] = wechat.signature(key["token"], "1", "2")
                response = connection.exchange("GET", "/wx/shop?" + urllib.parse.urlencode(query))
                self.assertEqual((response.status, response.body), (200, b"hello"))

    def test_refuses_every_wrong_one_alike(self):
        wrong = {
            "wrong signature": {"signature": "0" * 40},
            "upper case signature": {
                "signature": wechat.signature(self.shop.token, "1714036504", "1514711492").upper()
            },
            "another app's signature": {
                "signature": wechat.signature(self.official.token, "1714036504", "1514711492")
            },
            "another timestamp": {"timestamp": "1714036505"},
            "no nonce": {"nonce": ""},
        }
        answers = set()
        for name, overrides in wrong.items():
            with self.subTest(name):
                response = self.signed(self.shop, "secret-echo", **overrides)
                self.assertEqual(response.status, 403)
                self.assertNotIn(b"secret-echo", response.raw)
                answers.add(response.raw)
        for target in (
            "/wx/shop",
            "/wx/shop?echostr=hello",
            "/wx/shop?signature=&timestamp=&nonce=&echostr=hello",
        ):
            with self.subTest(target), self.server.connect() as connection:
                response = connection.exchange("GET", target)
                self.assertEqual(response.status, 403)
                answers.add(response.raw)
        self.assertEqual(len(answers), 1)

    def test_stores_nothing(self):
        self.assertEqual(self.signed(self.shop, "hello").status, 200)
        self.assertEqual(self.server.events(), [])
        self.assertEqual(self.server.metric("wxpush_pushes_total", app="shop", verdict="handshake"), 1)


if __name__ == "__main__":
    unittest.main()
