"""What every sample back end has to show against a real wxpush; the samples' own tests are backends_*_test.py."""

import collections
import json
import os
import random
import threading

import backend
import sample_backend
import server
import wechat

SHOP = wechat.App()


class SampleCases:
    """What every sample has to show. Beside server.TestCase; `command` and `read_inbox` are the sample's."""

    takes_any_bytes = True

    def sample(self, **options):
        one = sample_backend.Sample(self.command(), self.read_inbox)
        self.addCleanup(one.remove)
        return one.start(**options)

    def serve_to(self, port, *secrets):
        return self.serve(
            handlers=[
                {
                    "name": "backend",
                    "type": "http",
                    "url": f"http://127.0.0.1:{port}/wechat",
                    "allow_private": True,
                    "secrets": secrets,
                    "retry_min": "10ms",
                    "retry_max": "100ms",
                }
            ]
        )

    def relay(self, answer):
        """Stands between wxpush and the sample, so that answers can be lost."""
        one = backend.Backend(answer, body=b"")  # a 204 has none
        self.addCleanup(one.close)
        return one

    def push(self, running, *messages):
        with running.connect() as connection:
            for message in messages:
                self.assertEqual(connection.post(wechat.push(SHOP, message)).status, 200)

    def handed_on(self, running):
        server.wait_until(lambda: running.status()["handlers"][0]["pending"] == 0, "nothing pending")

    def test_each_event_once_and_in_order_though_answers_are_lost_and_it_is_killed(self):
        sample = self.sample()
        chance, turn, kills = random.Random(5), threading.Lock(), collections.Counter()

        def answer(request):
            with turn:
                status = sample.send(request.headers, request.body)
                if chance.random() > 0.3:
                    return status
                if kills["done"] < 3:
                    kills["done"] += 1
                    sample.kill()  # between the effect and its answer
                    sample.start()
                return 503

        relay = self.relay(answer)
        running = self.serve_to(relay.port, sample.secret)
        orders, statuses = [f"单-{number}" for number in range(12)], (101, 102, 202, 302)
        self.push(running, *(wechat.waybill(order, status) for status in statuses for order in orders))
        self.handed_on(running)
        self.assertGreater(len(relay.requests), len(orders) * len(statuses), "nothing came twice")
        self.assertEqual(kills["done"], 3)
        told = [json.loads(body) for _, body in sample.effects()]
        for order in orders:
            self.assertEqual(
                [event["order_status"] for event in told if event["shop_order_id"] == order], list(statuses)
            )
        ids = [event_id for event_id, _ in sample.effects()]
        self.assertCountEqual(ids, [event["event_id"] for event in running.events()])

    def test_only_what_is_signed_now_and_over_these_bytes(self):
        sample = self.sample()
        body, secret = wechat.waybill("order"), sample.secret
        genuine = sample_backend.signed_headers(secret, "id-1", body)
        another = sample_backend.sign(backend.new_secret(), "id-1", genuine["webhook-timestamp"], body)
        refused = {
            "a body with one more blank": (genuine, body.replace(b",", b", ", 1)),
            "another status": (genuine, body.replace(b"102", b"302")),
            "another id": ({**genuine, "webhook-id": "id-2"}, body),
            "another secret": ({**genuine, "webhook-signature": another}, body),
            "another version": ({**genuine, "webhook-signature": "v2" + genuine["webhook-signature"][2:]}, body),
            "an empty signature": ({**genuine, "webhook-signature": "v1,"}, body),
            "six minutes old": (sample_backend.signed_headers(secret, "id-1", body, age=360), body),
            "from the future": (sample_backend.signed_headers(secret, "id-1", body, age=-360), body),
            "another time": ({**genuine, "webhook-timestamp": str(int(genuine["webhook-timestamp"]) + 1)}, body),
            "no time": ({**genuine, "webhook-timestamp": "now"}, body),
            "no headers": ({"content-type": "application/json"}, body),
        }
        for what, (headers, sent) in refused.items():
            with self.subTest(what):
                self.assertEqual(sample.send(headers, sent), 401)
        large = b"x" * (1024 * 1024 + 1)
        status = sample.send(sample_backend.signed_headers(secret, "id-3", large), large)
        self.assertIn(status, (413, 503))  # or it hangs up
        self.assertEqual(sample.send({}, None, method="GET"), 404)
        self.assertEqual(sample.effects(), [])
        several = f"v2,abc {another} {genuine['webhook-signature']}"
        self.assertEqual(sample.send({**genuine, "webhook-signature": several}, body), 204)
        self.assertEqual(sample.send(genuine, body), 204)  # again
        self.assertEqual(sample.effects(), [("id-1", body)])

    def test_a_secret_is_changed_without_a_refusal(self):
        sample = self.sample()
        statuses = []

        def answer(request):
            statuses.append(sample.send(request.headers, request.body))
            return statuses[-1]

        following = backend.new_secret()
        running = self.serve_to(self.relay(answer).port, sample.secret, following)
        self.push(running, wechat.waybill("order", 101))
        self.handed_on(running)
        sample.stop()
        sample.secret = following
        sample.start()
        self.push(running, wechat.waybill("order", 102))
        self.handed_on(running)
        self.assertEqual(statuses, [204, 204])
        self.assertEqual([json.loads(body)["order_status"] for _, body in sample.effects()], [101, 102])

    def test_bytes_as_they_came_whatever_they_are(self):
        sample = self.sample()
        running = self.serve_to(sample.port, sample.secret)
        messages = [
            b'{ "Event" : "debug_demo",\n\t"MsgType":"event", "number": 1.0, "text": "\\u5355\\/\xe5\x8d\x95" }\r\n',
            b"<xml><Event>debug_demo</Event></xml>",
        ]
        binary = b"\x00\xff"
        self.push(running, *messages, binary)
        self.handed_on(running)
        taken = messages + [binary] * self.takes_any_bytes
        self.assertCountEqual([body for _, body in sample.effects()], taken)
        dead = 0 if self.takes_any_bytes else 1
        self.assertEqual(running.status()["handlers"][0]["dead_letters"], dead)

    def test_a_stop_is_quick_and_clean_beside_an_open_connection(self):
        sample = self.sample()
        running = self.serve_to(sample.port, sample.secret)
        self.push(running, wechat.waybill("order", 101))
        self.handed_on(running)
        self.assertIn(sample.stop(), self.clean_exits)
        self.push(running, wechat.waybill("order", 102))  # waits for it
        sample.start()
        self.handed_on(running)
        self.assertEqual([json.loads(body)["order_status"] for _, body in sample.effects()], [101, 102])

    def test_what_a_full_disk_refused_is_not_answered_2xx_and_comes_again(self):
        sample = self.sample(largest_file=128 * 1024)
        statuses = []

        def answer(request):
            statuses.append(sample.send(request.headers, request.body))
            return statuses[-1]

        running = self.serve_to(self.relay(answer).port, sample.secret)
        padding = "x" * 20_000
        self.push(running, *(wechat.waybill("order", number, padding=padding) for number in range(100, 112)))
        server.wait_until(lambda: statuses.count(204) < len(statuses), "an event that found no room")
        self.assertGreaterEqual(len(sample.effects()), 1)
        self.assertEqual(len(sample.effects()), statuses.count(204))
        small = b'{"order_status":1}'  # for which there is room, unless what failed took it
        self.assertEqual(sample.send(sample_backend.signed_headers(sample.secret, "small", small), small), 204)
        sample.kill()
        sample.start()
        self.handed_on(running)
        told = sorted(json.loads(body)["order_status"] for _, body in sample.effects())
        self.assertEqual(told, [1, *range(100, 112)])


class FileCases(SampleCases):
    """For a sample whose inbox is a file of lines."""

    def test_half_a_line_that_a_crash_left_is_no_event(self):
        sample = self.sample()
        body = wechat.waybill("order")
        for event_id in ("id-1", "id-2"):
            self.assertEqual(sample.send(sample_backend.signed_headers(sample.secret, event_id, body), body), 204)
        sample.kill()
        whole = sample.inbox.read_bytes()
        os.truncate(sample.inbox, len(whole) - 5)  # amid the second
        sample.start()
        for event_id in ("id-1", "id-2"):
            self.assertEqual(sample.send(sample_backend.signed_headers(sample.secret, event_id, body), body), 204)
        self.assertEqual(sample.inbox.read_bytes(), whole)
