"""The http handler: events posted to a back end, signed, in order per order, again until they are taken."""

import collections
import json
import random
import threading
import time
import unittest
import urllib.parse

import backend
import client
import configuration
import server
import wechat

SHOP = wechat.App()
QUICK = {"retry_min": "10ms", "retry_max": "100ms"}


class HttpHandlerCase(server.TestCase):
    def backend(self, *arguments, **options):
        one = backend.Backend(*arguments, **options)
        self.addCleanup(one.close)
        return one

    def serve_to(self, url, **settings):
        handler = {"name": "backend", "type": "http", "url": url, "allow_private": True, **QUICK, **settings}
        return self.serve(handlers=[handler])

    def push(self, running, *messages):
        with running.connect() as connection:
            for message in messages:
                self.assertEqual(connection.post(wechat.push(SHOP, message)).status, 200)

    def status(self, running):
        (handler,) = running.status()["handlers"]
        return handler


class RequestTest(HttpHandlerCase):
    def test_the_message_as_it_came_and_about_it_in_headers(self):
        secrets = [backend.new_secret(), backend.new_secret()]
        one = self.backend()
        running = self.serve_to(
            f"http://127.0.0.1:{one.port}/wechat?shop=1",
            secrets=secrets,
            headers={"authorization": "Bearer hunter2"},
        )
        message = wechat.waybill("单 1", 302)
        self.push(running, message)
        one.wait_for(len, "the event")
        (request,) = one.requests
        self.assertEqual((request.path, request.body), ("/wechat?shop=1", message))
        event_id = wechat.event_id(SHOP.appid, message)
        for name, value in {
            "content-type": "application/json",
            "authorization": "Bearer hunter2",
            "ce-specversion": "1.0",
            "ce-id": event_id,
            "ce-source": f"/wx/{SHOP.appid}",
            "ce-type": "com.weixin.update_waybill_status",
            "webhook-id": event_id,
            "wxpush-app": "shop",
            "wxpush-attempt": "1",
        }.items():
            self.assertEqual(request.headers.get(name), value, name)
        (event,) = running.events()
        self.assertEqual(urllib.parse.unquote(request.headers["ce-subject"]), event["order_key"])
        self.assertLess(abs(time.time() - int(request.headers["webhook-timestamp"])), 60)
        for secret in secrets:
            self.assertTrue(backend.signed(request, secret))
        self.assertFalse(backend.signed(request, backend.new_secret()))
        self.assertNotIn("hunter2", running.run("check", "--effective").stdout)

    def test_what_is_no_json_goes_as_what_it_is(self):
        one = self.backend()
        running = self.serve_to(f"http://127.0.0.1:{one.port}/")
        self.push(running, b"<xml><Event>debug_demo</Event></xml>", b"\x00\xff")
        one.wait_for(lambda requests: len(requests) == 2, "both")
        types = {request.body: request.headers["content-type"] for request in one.requests}
        self.assertEqual(
            types,
            {b"<xml><Event>debug_demo</Event></xml>": "text/xml", b"\x00\xff": "application/octet-stream"},
        )

    def test_connections_are_used_again(self):
        one = self.backend()
        running = self.serve_to(f"http://127.0.0.1:{one.port}/", concurrency=1)
        for number in range(5):
            self.push(running, wechat.waybill(f"order-{number}"))
        one.wait_for(lambda requests: len(requests) == 5, "all five")
        self.assertEqual(len(one.peers), 1)

    def test_over_tls_with_an_authority_of_its_own(self):
        directory = self.prepare().directory
        certificate, key = configuration.make_certificate(directory)
        one = self.backend(tls=(certificate, key))
        url = f"https://localhost:{one.port}/"
        self.push(self.serve_to(url, ca_file=str(certificate)), wechat.waybill("known"))
        one.wait_for(len, "the event")
        stranger = self.serve_to(url)
        self.push(stranger, wechat.waybill("unknown"))
        server.wait_until(lambda: "TLS" in (self.status(stranger)["last_error"] or ""), "a refused certificate")
        self.assertEqual(len(one.requests), 1)

    def test_to_a_unix_socket(self):
        path = str(self.prepare().directory / "backend.sock")
        one = self.backend(unix=path)
        self.push(self.serve_to(f"unix:{path}:/wechat", allow_private=False), wechat.waybill("order"))
        one.wait_for(len, "the event")
        self.assertEqual(one.requests[0].path, "/wechat")


class RetryTest(HttpHandlerCase):
    def test_in_order_per_order_from_a_back_end_that_fails_now_and_then(self):
        chance = random.Random(7)
        one = self.backend(lambda request: 200 if chance.random() > 0.15 else chance.choice((500, 503, 429)))
        secret = backend.new_secret()
        running = self.serve_to(f"http://127.0.0.1:{one.port}/", secrets=[secret])
        statuses = (101, 102, 201, 202, 301, 302)
        orders = [f"order-{number}" for number in range(40)]
        self.push(running, *(wechat.waybill(order, status) for status in statuses for order in orders))
        one.wait_for(lambda requests: len(one.delivered()) >= 240, "every event")
        server.wait_until(lambda: self.status(running)["pending"] == 0, "nothing pending")
        told = collections.defaultdict(list)
        for request in one.delivered():
            body = json.loads(request.body)
            if body["order_status"] not in told[body["shop_order_id"]]:
                told[body["shop_order_id"]].append(body["order_status"])
            self.assertTrue(backend.signed(request, secret))
        self.assertEqual(dict(told), {order: list(statuses) for order in orders})

    def test_a_refused_event_dies_and_its_order_goes_on(self):
        def answer(request):
            return 422 if json.loads(request.body)["order_status"] == 102 else 200

        one = self.backend(answer)
        running = self.serve_to(f"http://127.0.0.1:{one.port}/")
        self.push(running, *(wechat.waybill("order", status) for status in (101, 102, 202)))
        one.wait_for(lambda requests: len(requests) == 3, "all three")
        states = lambda: [event["state"] for event in running.events()]
        server.wait_until(lambda: states() == ["delivered", "dead", "delivered"], "one dead letter")
        self.assertEqual(running.metric("wxpush_deliveries_total", handler="backend", outcome="dead"), 1)

    def test_dead_letters_come_back_in_order_or_are_given_up(self):
        taken = threading.Event()
        one = self.backend(lambda request: 200 if taken.is_set() else 422)
        running = self.serve_to(f"http://127.0.0.1:{one.port}/")
        self.push(running, *(wechat.waybill("order", status) for status in (101, 102, 202)))
        listed = lambda: [
            json.loads(line) for line in running.run("dlq", "list", "--format", "json").stdout.splitlines()
        ]
        server.wait_until(lambda: len(listed()) == 3, "three dead letters")
        self.assertEqual({(letter["handler"], letter["error"]) for letter in listed()}, {("backend", "HTTP 422")})
        self.assertEqual(running.metric("wxpush_dead_letters", handler="backend"), 3)
        self.assertEqual(self.status(running)["dead_letters"], 3)
        which = ["--handler", "backend", "--yes"]
        self.assertEqual(running.run("dlq", "discard", "2").stdout, "1 discarded\n")
        server.wait_until(lambda: [letter["id"] for letter in listed()] == [1, 3], "the others")
        running.restart()  # they are kept
        taken.set()
        before = len(one.requests)
        self.assertEqual(running.run("dlq", "requeue", *which).stdout, "2 offered again\n")
        one.wait_for(lambda requests: len(requests) == before + 2, "both again")
        told = [json.loads(request.body)["order_status"] for request in one.requests[before:]]
        self.assertEqual(told, [101, 202])
        server.wait_until(lambda: listed() == [], "none left")
        self.assertEqual(running.run("dlq", "requeue", *which).returncode, 1)
        self.assertEqual(running.run("dlq", "requeue", "--handler", "nobody", "--yes").returncode, 65)
        self.assertEqual(running.run("dlq", "requeue", "--handler", "backend").returncode, 64)
        self.assertEqual(running.run("dlq", "requeue", "--yes").returncode, 64)
        self.assertEqual(running.run("dlq", "requeue", "1").returncode, 1)  # delivered by now

    def test_a_held_order_goes_on_after_requeue_also_over_a_restart(self):
        taken = threading.Event()
        one = self.backend(lambda request: 200 if taken.is_set() else 410)
        running = self.serve_to(f"http://127.0.0.1:{one.port}/", on_dead="hold")
        self.push(running, *(wechat.waybill("order", status) for status in (101, 102, 202)))
        server.wait_until(lambda: self.status(running)["dead_letters"] == 1, "a dead letter")
        self.assertEqual(self.status(running)["pending"], 2)  # behind it
        running.restart()
        taken.set()
        self.assertEqual(running.run("dlq", "requeue", "--handler", "backend", "--yes").returncode, 0)
        one.wait_for(lambda requests: len(one.delivered()) == 3, "the whole order")
        told = [json.loads(request.body)["order_status"] for request in one.delivered()]
        self.assertEqual(told, [101, 102, 202])

    def test_the_status_counts_whatever_the_body(self):
        one = self.backend(body=b"x" * 70_000)
        running = self.serve_to(f"http://127.0.0.1:{one.port}/")
        self.push(running, *(wechat.waybill("order", status) for status in (101, 102, 202)))
        server.wait_until(lambda: self.status(running)["pending"] == 0, "all of them taken")
        self.assertEqual(len(one.requests), 3)

    def test_an_event_that_is_judged_again_and_again_dies_after_max_attempts(self):
        one = self.backend(lambda request: 400)
        running = self.serve_to(f"http://127.0.0.1:{one.port}/", max_attempts=3)
        self.push(running, wechat.waybill("order"))
        server.wait_until(lambda: [event["state"] for event in running.events()] == ["dead"], "a dead letter")
        self.assertEqual([request.headers["wxpush-attempt"] for request in one.requests], ["1", "2", "3"])

    def test_an_outage_kills_nothing_and_is_caught_up_in_order(self):
        port = backend.free_port()
        running = self.serve_to(f"http://127.0.0.1:{port}/", max_attempts=2)
        self.push(running, *(wechat.waybill("order", status) for status in (101, 102, 202)))
        # As the store tells it, so that the mark is on the disk.
        attempts = lambda: running.events()[0]["deliveries"][0]["attempts"]
        server.wait_until(lambda: attempts() >= 2, "several attempts")
        self.assertEqual(self.status(running)["pending"], 3)
        running.kill()  # what waits for its next attempt is known after a crash
        running.start()
        one = self.backend(port=port)
        one.wait_for(lambda requests: len(requests) == 3, "all three")
        told = [json.loads(request.body)["order_status"] for request in one.requests]
        self.assertEqual(told, [101, 102, 202])
        self.assertGreater(int(one.requests[0].headers["wxpush-attempt"]), 1)

    def test_one_that_never_answers_holds_up_its_own_order_alone(self):
        def answer(request):
            if json.loads(request.body)["shop_order_id"] == "stuck":
                release.wait(client.DEADLINE)
            return 200

        release = threading.Event()
        self.addCleanup(release.set)
        one = self.backend(answer)
        running = self.serve_to(f"http://127.0.0.1:{one.port}/", timeout="300ms", concurrency=2)
        self.push(running, wechat.waybill("stuck"), *(wechat.waybill(f"other-{n}") for n in range(20)))
        one.wait_for(lambda requests: len(one.delivered()) >= 20, "all the others")
        server.wait_until(
            lambda: "no answer within 300 ms" in running.log.text(), "the time-out in the log", client.DEADLINE
        )

    def test_neither_private_addresses_nor_redirects_are_followed_unasked(self):
        other = self.backend()
        one = self.backend(lambda request: (302, {"location": f"http://127.0.0.1:{other.port}/"}))
        running = self.serve_to(f"http://127.0.0.1:{one.port}/")
        self.push(running, wechat.waybill("order"))
        server.wait_until(lambda: "redirects" in (self.status(running)["last_error"] or ""), "a refused redirect")
        self.assertEqual(other.requests, [])
        careful = self.serve_to(f"http://127.0.0.1:{other.port}/", allow_private=False)
        self.push(careful, wechat.waybill("order"))
        server.wait_until(
            lambda: "allow_private" in (self.status(careful)["last_error"] or ""), "a refused address"
        )
        self.assertEqual(other.requests, [])


if __name__ == "__main__":
    unittest.main()
