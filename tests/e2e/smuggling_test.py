"""Smuggled requests: refused here, the connection closed, and what came behind them never looked at."""

import unittest

import server
import smuggling_cases
import wechat

SHOP = wechat.App()


def statuses(raw):
    """The statuses in a stream of answers, whose bodies do not look like one."""
    return [int(part[:3]) for part in raw.split(b"HTTP/1.1 ")[1:]]


class SmugglingTest(server.TestCase):
    def setUp(self):
        self.server = self.serve(tls=False)

    def exchange(self, raw):
        """All that comes back until the server closes; fails if it does not."""
        with self.server.connect(deadline=10) as connection:
            connection.send(raw)
            received = b""
            while data := connection.socket.recv(65536):
                received += data
            return received

    def orders(self):
        return [event["body"]["shop_order_id"] for event in self.server.events()]

    def test_what_two_servers_may_read_differently_is_refused_and_nothing_follows_it(self):
        for number, name in enumerate(smuggling_cases.refused(wechat.push(SHOP, b"{}"))):
            push = wechat.push(SHOP, wechat.waybill(f"ambiguous-{number}"))
            smuggled = wechat.push(SHOP, wechat.waybill(f"smuggled-{number}"))
            case = smuggling_cases.refused(push)[name]
            behind = smuggling_cases.taken(smuggled)["a length"].raw
            with self.subTest(name):
                self.assertEqual(statuses(self.exchange(case.raw + behind)), [case.status])
        self.assertEqual(self.orders(), [])

    def test_what_everybody_reads_alike_is_taken_and_what_follows_is_a_request_of_its_own(self):
        expected = []
        last = "Connection: close\r\nHost:"
        for number, name in enumerate(smuggling_cases.taken(wechat.push(SHOP, b"{}"))):
            orders = [f"first-{number}", f"second-{number}"]
            first, second = (wechat.push(SHOP, wechat.waybill(order)) for order in orders)
            behind = smuggling_cases.taken(second)["a length"].raw.replace(b"Host:", last.encode(), 1)
            with self.subTest(name):
                answer = self.exchange(smuggling_cases.taken(first)[name].raw + behind)
                self.assertEqual(statuses(answer), [200, 200])
            expected += orders
        self.assertEqual(self.orders(), expected)

    def test_a_header_that_goes_on_line_by_line_ends_at_the_limit(self):
        with self.server.connect(deadline=10) as connection:
            connection.send(b"GET /wx/shop HTTP/1.1\r\n")
            sent = 0
            try:
                while sent < 64 << 20:  # far beyond max_header, and what buffers hold
                    connection.send(b"X-Filler: " + b"x" * 1000 + b"\r\n")
                    sent += 1012
            except OSError:
                pass
            self.assertLess(sent, 64 << 20)

    def test_absolute_form_names_no_app(self):
        push = wechat.push(SHOP, wechat.waybill("absolute"))
        with self.server.connect() as connection:
            response = connection.exchange("POST", "http://localhost" + push.target(), body=push.body)
        self.assertEqual((response.status, self.orders()), (404, []))


if __name__ == "__main__":
    unittest.main()
