"""The push listener as an HTTP/1.1 server: what it takes, what it refuses and how."""

import json
import unittest

import server
import wechat

SHOP = wechat.App()


class HttpCase(server.TestCase):
    def setUp(self):
        limits = {"max_header": "4KiB", "max_body": "16KiB"}
        self.server = self.serve(sections={"server": limits})

    def answer(self, raw):
        """Status of the answer to these bytes, and whether the connection was closed after it."""
        with self.server.connect(deadline=5) as connection:
            connection.send(raw)
            return connection.receive().status, connection.closed()

    def head(self, push, *lines, method="POST", version="HTTP/1.1"):
        return (
            "\r\n".join([f"{method} {push.target()} {version}", "Host: localhost", *lines]).encode()
            + b"\r\n\r\n"
        )

    def push(self, order):
        return wechat.push(SHOP, wechat.waybill(order))


class RefusedRequestTest(HttpCase):
    def test_malformed_requests_are_400_and_the_connection_is_closed(self):
        push = self.push("never stored")
        length = f"Content-Length: {len(push.body)}"
        chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(push.body), push.body)
        malformed = {
            "no request line": b"\r\nhello\r\n\r\n",
            "no version": b"GET /wx/shop\r\n\r\n",
            "unknown version": self.head(push, length, version="HTTP/9.9") + push.body,
            "a header without a colon": self.head(push, "nonsense", length) + push.body,
            "a space before the colon": self.head(push, length.replace(":", " :")) + push.body,
            "control character in a target": b"GET /wx/sh\x01op HTTP/1.1\r\nHost: x\r\n\r\n",
            "negative length": self.head(push, "Content-Length: -1"),
            "length that is no number": self.head(push, "Content-Length: ten"),
            "two lengths": self.head(push, length, "Content-Length: 5") + push.body,
            "chunked and a length": self.head(push, "Transfer-Encoding: chunked", length) + chunked,
            "a length and chunked": self.head(push, length, "Transfer-Encoding: chunked") + chunked,
            "chunked on HTTP/1.0": self.head(push, "Transfer-Encoding: chunked", version="HTTP/1.0")
            + chunked,
            "another coding": self.head(push, "Transfer-Encoding: gzip") + push.body,
            "two codings": self.head(push, "Transfer-Encoding: gzip, chunked") + chunked,
            "a chunk size that is none": self.head(push, "Transfer-Encoding: chunked")
            + b"zz\r\nhello\r\n0\r\n\r\n",
        }
        for name, raw in malformed.items():
            with self.subTest(name):
                self.assertEqual(self.answer(raw), (400, True))
        self.assertEqual(self.server.events(), [])

    def test_unknown_paths_are_404(self):
        for path in (
            "/",
            "/wx",
            "/wx/",
            "/wx/other",
            "/wx/shop/more",
            "/wx/SHOP",
            "//wx/shop",
            "/healthz",
            "/metrics",
            "/wx/../wx/shop",
        ):
            with self.subTest(path), self.server.connect() as connection:
                self.assertEqual(connection.exchange("GET", path).status, 404)
                self.assertEqual(connection.exchange("POST", path, body=b"{}").status, 404)

    def test_other_methods_are_405_and_told_what_is_allowed(self):
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            with self.subTest(method), self.server.connect() as connection:
                response = connection.exchange(method, "/wx/shop", [("Content-Length", "0")])
                self.assertEqual(response.status, 405)
                self.assertEqual(
                    {name.strip() for name in response.headers["allow"].split(",")} - {"HEAD"},
                    {"GET", "POST"},
                )

    def test_a_post_without_length_is_411(self):
        self.assertEqual(self.answer(self.head(self.push("order")))[0], 411)

    def test_a_body_over_the_limit_is_413_and_not_waited_for(self):
        push = self.push("order")
        self.assertEqual(self.answer(self.head(push, "Content-Length: 16385")), (413, True))
        chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
        self.assertEqual(self.answer(self.head(push, "Transfer-Encoding: chunked") + chunk * 5), (413, True))

    def test_a_header_over_the_limit_is_431(self):
        self.assertEqual(self.answer(self.head(self.push("order"), "X-Long: " + "x" * 5000)), (431, True))

    def test_error_answers_tell_nothing_about_the_program(self):
        with self.server.connect() as connection:
            response = connection.exchange("GET", "/no-such-path")
        self.assertLess(len(response.body), 100)
        self.assertNotIn(b"boost", response.raw.lower())


class ServedRequestTest(HttpCase):
    def test_chunked_body(self):
        push = self.push("order")
        body = b"".join(
            b"%x;ignored=extension\r\n%s\r\n" % (len(part), part) for part in (push.body[:7], push.body[7:])
        )
        status, _ = self.answer(
            self.head(push, "Transfer-Encoding: chunked", "Connection: close") + body + b"0\r\n\r\n"
        )
        self.assertEqual(status, 200)
        self.assertEqual(len(self.server.events()), 1)

    def test_http_1_0_with_length_as_nginx_sends_it(self):
        push = self.push("order")
        raw = self.head(push, f"Content-Length: {len(push.body)}", version="HTTP/1.0") + push.body
        self.assertEqual(self.answer(raw), (200, True))

    def test_connection_is_kept_until_the_client_wants_it_closed(self):
        with self.server.connect() as connection:
            for number in range(20):
                self.assertEqual(connection.post(self.push(f"order-{number}")).status, 200)
            push = self.push("last")
            response = connection.exchange("POST", push.target(), [("Connection", "close")], push.body)
            self.assertEqual(
                (response.status, response.headers.get("connection", "").lower()), (200, "close")
            )
            self.assertTrue(connection.closed())

    def test_pipelined_pushes_are_answered_in_order(self):
        orders = [f"order-{number}" for number in range(5)]
        pushes = [self.push(order) for order in orders]
        refused = wechat.push(wechat.App(token="guessed"), b"{}")
        with self.server.connect() as connection:
            for push in (*pushes[:3], refused, *pushes[3:]):
                connection.request("POST", push.target(), body=push.body)
            statuses = [connection.receive().status for _ in range(6)]
        self.assertEqual(statuses, [200, 200, 200, 403, 200, 200])
        self.assertEqual([event["body"]["shop_order_id"] for event in self.server.events()], orders)

    def test_expect_100_continue(self):
        push = self.push("order")
        with self.server.connect() as connection:
            connection.send(self.head(push, f"Content-Length: {len(push.body)}", "Expect: 100-continue"))
            self.assertEqual(connection.receive().status, 100)
            connection.send(push.body)
            self.assertEqual(connection.receive().status, 200)

    def test_trailing_slash_and_further_paths(self):
        self.server.apps[0]["paths"] = ["/wechat/callback"]
        self.server.restart()
        for number, path in enumerate(("/wx/shop/", "/wechat/callback", "/wechat/callback/")):
            with self.subTest(path):
                push = self.push(f"order-{number}")
                push.path = path
                self.accepted(self.server, push)

    def test_query_in_any_order_and_percent_encoded(self):
        push = self.push("order")
        push.query = dict(reversed(push.query.items()))
        encoded = push.target().replace(
            push.query["nonce"], "".join(f"%{ord(c):02X}" for c in push.query["nonce"])
        )
        with self.server.connect() as connection:
            self.assertEqual(connection.exchange("POST", encoded, body=push.body).status, 200)

    def test_an_answer_says_its_length_and_type(self):
        response = self.accepted(self.server, self.push("order"))
        self.assertEqual(int(response.headers["content-length"]), len(response.body))
        self.assertIn("application/json", response.headers["content-type"])
        json.loads(response.body)


if __name__ == "__main__":
    unittest.main()
