"""Behind nginx: what wxpush reads is what nginx meant, request by request, whatever a smuggler writes."""

import unittest

import nginx
import server
import smuggling_cases
import wechat

SHOP = wechat.App()
FIRST, BEHIND = "/wx/shop", "/wx/shop/"  # the same app under both; nginx's log tells them apart


class BehindNginxTest(server.TestCase):
    def setUp(self):
        self.server = self.serve(tls=False, sections={"server": {"trusted_proxies": ["127.0.0.0/8"]}})
        self.nginx = nginx.Nginx(self.server)
        self.addCleanup(self.nginx.stop)
        self.nginx.start()

    def exchange(self, raw):
        with self.nginx.connect(deadline=10) as connection:
            connection.send(raw)
            received = b""
            try:
                while data := connection.socket.recv(65536):
                    received += data
            except OSError:
                pass
            return received

    def settled(self, before):
        """What nginx saw since `before`, once it has logged what it answered last."""
        with self.nginx.connect() as connection:
            connection.exchange("GET", "/other")
        server.wait_until(lambda: "/other" in [path for path, *_ in self.nginx.requests()[before:]], "nginx's log")
        return [one for one in self.nginx.requests()[before:] if one[0] != "/other"]

    def pushes(self):
        """How many requests wxpush answered, by its own count."""
        lines = self.server.admin("/metrics").body.decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("wxpush_pushes_total{"))

    def check(self, number, case_of):
        """One case, a push behind it: both sides must have read the same requests into it."""
        first, behind = (wechat.push(SHOP, wechat.waybill(f"{name}-{number}")) for name in ("first", "behind"))
        behind.path = BEHIND
        raw = smuggling_cases.taken(behind)["a length"].raw
        raw = raw.replace(b"Host:", b"Connection: close\r\nHost:", 1)
        seen, counted = len(self.nginx.requests()), self.pushes()
        self.exchange(case_of(first).raw + raw)
        requests = self.settled(seen)
        passed = [(path, status) for path, _, status in requests if status is not None]
        self.assertEqual(self.pushes() - counted, len(passed), requests)
        stored = {event["event_id"] for event in self.server.events("--since", "1h")}
        for push in (first, behind):
            self.assertEqual(push.event_id in stored, (push.path, 200) in passed, (push.path, requests))
        return passed

    def test_ambiguous_requests_are_one_thing_to_both(self):
        for number, name in enumerate(smuggling_cases.refused(wechat.push(SHOP, b"{}"))):
            with self.subTest(name):
                self.check(number, lambda push: smuggling_cases.refused(push)[name])

    def test_unambiguous_requests_arrive_as_two(self):
        for number, name in enumerate(smuggling_cases.taken(wechat.push(SHOP, b"{}"))):
            with self.subTest(name):
                passed = self.check(number, lambda push: smuggling_cases.taken(push)[name])
                self.assertEqual(passed, [(FIRST, 200), (BEHIND, 200)])

    def test_absolute_form_is_the_path_alone(self):
        push = wechat.push(SHOP, wechat.waybill("absolute"))
        with self.nginx.connect() as connection:
            response = connection.exchange("POST", "http://localhost" + push.target(), body=push.body)
        self.assertEqual(response.status, 200)

    def test_the_log_names_the_client_that_nginx_saw_not_the_one_it_claims_to_be(self):
        push = wechat.push(SHOP, wechat.waybill("claimed"))
        with self.nginx.connect() as connection:
            connection.exchange("POST", push.target(), [("X-Forwarded-For", "192.0.2.66")], push.body)
        self.assertEqual(self.server.stop(), 0)
        clients = {entry["client"] for entry in self.server.log.entries() if entry["message"] == "push"}
        self.assertEqual(clients, {"127.0.0.1"})


if __name__ == "__main__":
    unittest.main()
