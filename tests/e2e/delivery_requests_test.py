"""What operators ask for: replays, dead letters with and without a server, forgetting a handler, old backlogs."""

import json
import threading
import unittest

import backend
import server
import wechat

SHOP = wechat.App()
LOCKED = 75  # exit code


def told(requests):
    return [json.loads(request.body)["order_status"] for request in requests]


class TestCase(server.TestCase):
    def backend(self, *arguments, **options):
        one = backend.Backend(*arguments, **options)
        self.addCleanup(one.close)
        return one

    def serve_to(self, one, **options):
        handler = {
            "name": "backend",
            "type": "http",
            "url": f"http://127.0.0.1:{one.port}/",
            "allow_private": True,
            "retry_min": "10ms",
            "retry_max": "50ms",
            **options,
        }
        return self.serve(handlers=[handler])

    def push(self, running, *messages):
        with running.connect() as connection:
            for message in messages:
                self.assertEqual(connection.post(wechat.push(SHOP, message)).status, 200)

    def pending(self, running):
        return {handler["name"]: handler["pending"] for handler in running.status()["handlers"]}

    def settled(self, running):
        server.wait_until(lambda: set(self.pending(running).values()) == {0}, "nothing pending")


class ReplayTest(TestCase):
    def test_one_many_and_a_range_come_again_in_order_and_say_so(self):
        one = self.backend()
        running = self.serve_to(one)
        self.push(running, *(wechat.waybill("order", status) for status in (101, 102, 202, 302)))
        self.settled(running)
        to = ["--handler", "backend"]
        self.assertEqual(running.run("events", "replay", "3", *to).stdout, "1 offered again\n")
        one.wait_for(lambda requests: len(requests) == 5, "one replay")
        self.assertEqual(one.requests[4].headers["wxpush-replay"], "1")
        self.assertEqual(one.requests[4].headers["wxpush-attempt"], "1")
        self.assertEqual(one.requests[4].headers["webhook-id"], one.requests[2].headers["webhook-id"])
        self.settled(running)
        newest = running.events()[-1]["event_id"][:12]
        self.assertEqual(running.run("events", "replay", newest, "2", *to).stdout, "2 offered again\n")
        one.wait_for(lambda requests: len(requests) == 7, "two more")
        self.settled(running)
        everything = running.run("events", "replay", "--order", "order", "--yes", "--format", "json", *to)
        self.assertEqual(json.loads(everything.stdout), {"done": 4, "passed_over": 0})
        one.wait_for(lambda requests: len(requests) == 11, "all of them")
        self.assertEqual(told(one.requests[7:]), [101, 102, 202, 302])
        self.assertEqual([request.headers["wxpush-replay"] for request in one.requests[7:]], ["1", "2", "2", "2"])
        self.assertNotIn("wxpush-replay", one.requests[0].headers)

    def test_what_is_meant_must_be_said(self):
        one = self.backend()
        running = self.serve_to(one)
        self.push(running, wechat.waybill("order"))
        self.settled(running)
        for arguments, code in (
            (["1"], 64),  # to whom?
            (["--handler", "backend"], 64),
            (["--handler", "backend", "--order", "order"], 64),  # really all of them?
            (["1", "--handler", "nobody"], 65),
            (["77", "--handler", "backend"], 1),
            (["--since", "1h", "--yes", "--handler", "nobody"], 65),
            (["1", "--since", "1h", "--handler", "backend"], 64),
        ):
            self.assertEqual(running.run("events", "replay", *arguments).returncode, code, arguments)
        self.assertEqual(len(one.requests), 1)

    def test_what_waits_is_passed_over(self):
        down = threading.Event()
        one = self.backend(lambda request: 503 if down.is_set() else 200)
        running = self.serve_to(one)
        self.push(running, wechat.waybill("order", 101))
        self.settled(running)
        down.set()
        self.push(running, wechat.waybill("order", 102))
        answer = running.run("events", "replay", "1", "2", "--handler", "backend", "--format", "json")
        self.assertEqual(json.loads(answer.stdout), {"done": 1, "passed_over": 1})
        down.clear()
        one.wait_for(lambda requests: len(one.delivered()) == 3, "both")
        self.settled(running)

    def test_a_thousand_replays_are_taken_in_order_over_a_kill(self):
        taken = threading.Event()
        taken.set()
        one = self.backend(lambda request: 200 if taken.is_set() else 503)
        running = self.serve_to(one, concurrency=4)
        orders = [f"order-{number}" for number in range(6)]
        self.push(running, *(wechat.waybill(order, 100 + step) for step in range(50) for order in orders))
        self.settled(running)
        taken.clear()
        answer = running.run("events", "replay", "--type", "update_*", "--handler", "backend", "--yes")
        self.assertEqual(answer.stdout, "300 offered again\n")
        running.kill()  # what was told is durable
        before = len(one.requests)
        taken.set()
        running.start()
        one.wait_for(lambda requests: len(one.delivered()) >= 600, "all of them again")
        self.settled(running)
        steps = {order: [] for order in orders}
        for request in one.requests[before:]:
            self.assertEqual(request.headers["wxpush-replay"], "1")
            body = json.loads(request.body)
            if body["order_status"] not in steps[body["shop_order_id"]]:
                steps[body["shop_order_id"]].append(body["order_status"])
        self.assertEqual(steps, {order: [100 + step for step in range(50)] for order in orders})


class WithoutServerTest(TestCase):
    def test_dead_letters_and_replays_are_changed_in_the_store(self):
        taken = threading.Event()
        one = self.backend(lambda request: 200 if taken.is_set() else 422)
        running = self.serve_to(one)
        self.push(running, *(wechat.waybill("order", status) for status in (101, 102)))
        taken_at = lambda: [event["state"] for event in running.events()]
        server.wait_until(lambda: taken_at() == ["dead", "dead"], "two dead letters")
        taken.set()
        self.push(running, wechat.waybill("other", 302))
        self.settled(running)
        self.assertEqual(running.run("dlq", "show", "1").returncode, 0)
        self.assertEqual(running.run("dlq", "show", "3").returncode, 1)
        self.assertEqual(running.stop(), 0)
        for arguments in (("dlq", "requeue", "1"), ("dlq", "discard", "2"), ("events", "replay", "3", "--handler", "backend")):
            result = running.run(*arguments)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("no server runs", result.stderr)
        self.assertEqual(taken_at(), ["pending", "dead", "pending"])
        listed = running.run("handler", "list", "--format", "json").stdout
        self.assertEqual(json.loads(listed)["state"], "registered")  # it was no start
        before = len(one.requests)
        running.start()
        one.wait_for(lambda requests: len(requests) == before + 2, "both")
        self.settled(running)
        self.assertEqual(taken_at(), ["delivered", "dead", "delivered"])
        self.assertEqual(running.run("dlq", "list", "--format", "json").stdout, "")


class ForgetTest(TestCase):
    def test_a_handler_and_all_that_waits_for_it(self):
        one = self.backend(lambda request: 503)
        running = self.serve_to(one)
        self.push(running, *(wechat.waybill(f"order-{number}") for number in range(5)))
        self.assertEqual(running.run("handler", "forget", "backend").returncode, 78)  # still in the settings
        running.stop()
        running.handlers = []
        running.spawn()
        self.assertEqual(running.wait(), 78)
        self.assertIn("wxpush handler forget backend", running.log.text())
        result = running.run("handler", "forget", "backend")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(running.run("handler", "forget", "backend").returncode, 1)
        running.start()
        self.assertEqual([event["state"] for event in running.events()], ["unrouted"] * 5)


class BacklogAgeTest(TestCase):
    def test_what_waits_longer_than_allowed_becomes_a_dead_letter_though_the_back_end_is_down(self):
        port = backend.free_port()
        running = self.serve(
            handlers=[
                {
                    "name": "backend",
                    "type": "http",
                    "url": f"http://127.0.0.1:{port}/",
                    "allow_private": True,
                    "max_backlog_age": "1s",
                }
            ]
        )
        self.push(running, *(wechat.waybill("order", status) for status in (101, 102, 202)))
        states = lambda: [event["state"] for event in running.events()]
        server.wait_until(lambda: states() == ["dead"] * 3, "three dead letters")
        letters = [json.loads(line) for line in running.run("dlq", "list", "--format", "json").stdout.splitlines()]
        self.assertEqual({letter["error"] for letter in letters}, {"it waited longer than max_backlog_age"})
        self.assertEqual(running.metric("wxpush_deliveries_total", handler="backend", outcome="dead"), 3)
        self.assertEqual(running.status()["handlers"][0]["pending"], 0)

    def test_repeats_in_other_bytes_are_removed_if_the_handler_wants_that(self):
        one = self.backend()
        running = self.serve_to(one, dedupe="business_key")
        message = wechat.waybill("order", 302)
        again = message.replace(b"{", b"{ ", 1)
        self.push(running, message, again, wechat.waybill("order", 401))
        self.settled(running)
        self.assertEqual(told(one.requests), [302, 401])
        self.assertEqual(running.metric("wxpush_deliveries_total", handler="backend", outcome="repeat"), 1)


if __name__ == "__main__":
    unittest.main()
