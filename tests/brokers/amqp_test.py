"""Handlers of type amqp against RabbitMQ: what arrives, in which order, and what is told when it cannot."""

import itertools
import json
import time
import unittest
import urllib.parse

import rabbit  # first: it makes the modules of tests/e2e importable

import backend
import client
import server
import wechat

BROKER = None  # one for all tests here: a node takes seconds to start
QUICK = {"timeout": "2s", "retry_min": "20ms", "retry_max": "200ms"}
APP = wechat.App()
STATUSES = (101, 102, 201, 202, 301, 302)


def setUpModule():
    global BROKER
    BROKER = rabbit.RabbitBroker()
    unittest.addModuleCleanup(BROKER.close)
    BROKER.start()


def partition(order_key, partitions):
    """As docs/queues.md says, "Order"."""
    value = 0xCBF29CE484222325
    for byte in order_key.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD % 2**64
    value ^= value >> 33
    return value % partitions


class AmqpTest(server.TestCase):
    def setUp(self):
        # Names of its own for each test: nothing of another's is in the way.
        self.name = self.id().rsplit(".", 1)[1]
        BROKER.use(self.name)

    def serve_to_rabbit(self, **settings):
        to = {} if "exchange" in settings else {"queue": self.name}
        return self.serve(handlers=[BROKER.handler("queue", **{**QUICK, **to, **settings})])

    def serve_to_queue(self, **settings):
        """The same, with a queue that is there already."""
        BROKER.declare(self.name)
        return self.serve_to_rabbit(**settings)

    def push(self, running, order, statuses=STATUSES[:1]):
        """The pushes, acknowledged."""
        pushes = [wechat.push(APP, wechat.waybill(order, status)) for status in statuses]
        for push in pushes:
            self.assertEqual(running.post(push).status, 200)
        return pushes

    def state(self, running):
        return next(one for one in running.status()["handlers"] if one["name"] == "queue")

    def error(self, running):
        return self.state(running)["last_error"] or ""

    def wait_for_error(self, running, text):
        server.wait_until(lambda: text in self.error(running), f"the error {text}")
        self.assertEqual(running.metric("wxpush_deliveries_total", handler="queue", outcome="done") or 0, self.done)

    done = 0  # events delivered before the error

    def done_events(self, running):
        return running.metric("wxpush_deliveries_total", handler="queue", outcome="done") or 0

    def wait_for_events(self, pushes):
        """Until the broker holds them all; what it holds."""
        wanted = {push.event_id for push in pushes}
        found = server.wait_until(
            lambda: (all_ := BROKER.received()) and wanted <= {one.event_id for one in all_} and all_,
            "the events at the broker",
            3 * client.DEADLINE,
        )
        self.assertEqual({one.event_id for one in found}, wanted)
        return found

    def check(self, running):
        return running.run("check", "--connect")

    def test_the_message_as_it_came_and_about_it_in_headers(self):
        secrets = [backend.new_secret(), backend.new_secret()]
        running = self.serve_to_rabbit(secrets=secrets)
        message = wechat.waybill("wxpush-test-单 1", 302)
        push = wechat.push(APP, message)
        self.assertEqual(running.post(push).status, 200)
        (found,) = self.wait_for_events([push])
        self.assertEqual(found.body, message)
        (event,) = running.events()
        told = dict(found.headers)
        self.assertLess(abs(time.time() - int(told.pop("webhook-timestamp"))), 60)
        for secret in secrets:
            self.assertTrue(backend.signed(found, secret))
        self.assertFalse(backend.signed(found, backend.new_secret()))
        del told["webhook-signature"]
        self.assertEqual(
            told,
            {
                "content-type": "application/json",
                "webhook-id": push.event_id,
                "ce-specversion": "1.0",
                "ce-id": push.event_id,
                "ce-source": f"/wx/{APP.appid}",
                "ce-type": "com.weixin.update_waybill_status",
                "ce-subject": urllib.parse.quote(event["order_key"], safe="/"),
                "ce-time": "2024-04-26T06:20:40.000Z",
                "wxpush-app": "shop",
                "wxpush-attempt": "1",
                "wxpush-test": "1",
            },
        )

    def test_marks_and_bytes_that_are_no_text(self):
        running = self.serve_to_rabbit()
        messages = [
            wechat.waybill("order", 202, action_time=1714112440),
            wechat.waybill("order", 102, action_time=1714112400),  # stale
            wechat.waybill("order", 202, action_time=1714112440, padding="other bytes"),  # repeats the first
            b"\x00\xff\r\n",
        ]
        pushes = [wechat.push(APP, message) for message in messages]
        for push in pushes:
            self.assertEqual(running.post(push).status, 200)
        found = {one.body: one.headers for one in self.wait_for_events(pushes)}
        self.assertCountEqual(found, messages)
        stale, repeat, binary = (found[message] for message in messages[1:])
        self.assertEqual(stale["wxpush-stale"], "1")
        self.assertEqual(repeat["wxpush-repeat-of"], "1")
        for name in ("wxpush-stale", "wxpush-repeat-of", "webhook-signature"):
            self.assertNotIn(name, found[messages[0]])
        self.assertEqual(binary["content-type"], "application/octet-stream")
        self.assertNotIn("ce-subject", binary)

    def test_an_order_is_in_one_queue_and_in_order(self):
        running = self.serve_to_rabbit(partitions=3)
        BROKER.use(*(f"{self.name}.{number}" for number in range(3)))
        pushes = {f"order-{i}": [] for i in range(12)}
        for status in STATUSES:
            for order, sent in pushes.items():
                sent += self.push(running, order, [status])
        found = self.wait_for_events(sum(pushes.values(), []))
        for sent in pushes.values():
            wanted = [push.event_id for push in sent]
            of_order = [one for one in found if one.event_id in wanted]
            self.assertEqual([one.event_id for one in of_order], wanted)
            self.assertEqual(len({one.partition for one in of_order}), 1)
        self.assertGreater(len({one.partition for one in found}), 1)

    def test_an_exchange_routes_by_app_and_type(self):
        BROKER.tool({"do": "exchange", "name": self.name, "type": "topic"})
        BROKER.tool({"do": "queue", "name": self.name, "arguments": {"x-queue-type": "quorum"}})
        key = "wx.shop.update_waybill_status.0"
        BROKER.tool({"do": "bind", "queue": self.name, "exchange": self.name, "routing_key": key})
        running = self.serve_to_rabbit(exchange=self.name, routing_key="wx.{app}.{type}.{partition}")
        self.wait_for_events(self.push(running, "order-1"))

    def test_what_no_queue_takes_is_a_failure_until_one_does(self):
        BROKER.tool({"do": "exchange", "name": self.name, "type": "topic"})
        running = self.serve_to_rabbit(exchange=self.name, routing_key="wx.{app}")
        pushes = self.push(running, "order-1")
        self.wait_for_error(running, "could not route the message: 312 NO_ROUTE")
        BROKER.tool({"do": "queue", "name": self.name, "arguments": {"x-queue-type": "quorum"}})
        BROKER.tool({"do": "bind", "queue": self.name, "exchange": self.name, "routing_key": "#"})
        self.wait_for_events(pushes)

    def test_a_full_queue_refuses_and_goes_on_when_there_is_room(self):
        full = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}
        BROKER.tool({"do": "queue", "name": self.name, "arguments": full})
        running = self.serve_to_rabbit(exchange="", routing_key=self.name)
        pushes = []

        def refused():  # a quorum queue lets a few more in than it was told, and wxpush has to connect first
            pushes.extend(self.push(running, f"order-{len(pushes)}"))
            return self.error(running)

        server.wait_until(refused, "a refusal", 3 * client.DEADLINE, every=0.05)
        self.assertIn("refused the message (nack)", self.error(running))
        self.wait_for_events(pushes)

    def test_a_full_partition_makes_no_dead_letters_while_others_go_on(self):
        policy = json.dumps({"max-length": 1, "overflow": "reject-publish"})
        BROKER.control("set_policy", self.name, rf"^{self.name}\.0$", policy)
        queues = [f"{self.name}.0", f"{self.name}.1"]
        for queue in queues:
            BROKER.declare(queue)
        BROKER.use(*queues)
        running = self.serve_to_rabbit(partitions=2, max_attempts=2)

        def refused():
            return running.metric("wxpush_deliveries_total", handler="queue", outcome="failed") or 0

        def orders(of):
            names = (f"order-{number}" for number in itertools.count())
            return (name for name in names if partition(f"{APP.appid}/test_shop_id/{name}", 2) == of)

        full, other = orders(0), orders(1)
        pushes = self.push(running, next(full))
        while not refused():  # a quorum queue lets a few more in than it was told
            pushes += self.push(running, next(full))
        # Others do well between the attempts of what is refused.
        enough = 5 * len(pushes)
        while refused() < enough and self.state(running)["dead_letters"] == 0:
            pushes += self.push(running, next(other))
        self.assertEqual(self.state(running)["dead_letters"], 0)
        self.wait_for_events(pushes)

    def test_a_partition_that_confirms_nothing_holds_up_its_own_orders_alone(self):
        """As one without a majority of its members does."""
        queues = [f"{self.name}.0", f"{self.name}.1"]
        for queue in queues:
            BROKER.declare(queue)
        BROKER.use(*queues)
        running = self.serve_to_rabbit(partitions=2, max_attempts=2, timeout="3s")  # longer than RabbitMQ takes beside other tests
        BROKER.suspend(queues[0])  # and with it, as seen with a lost majority, the channel that leads there
        names = (f"order-{number}" for number in itertools.count())
        standing, others = [], []
        while len(standing) < 100:  # more than may be on their way at once
            name = next(names)
            of = partition(f"{APP.appid}/test_shop_id/{name}", 2)
            (others if of else standing).extend(self.push(running, name))
        server.wait_until(lambda: self.done_events(running) >= len(others), "the others delivered", client.DEADLINE * 6)
        while f"queue {queues[0]} confirms nothing, while others do" not in self.error(running):
            self.assertLess(len(others), 20_000)
            name = next(name for name in names if partition(f"{APP.appid}/test_shop_id/{name}", 2))
            others += self.push(running, name)  # between the attempts of what stands
        server.wait_until(lambda: self.done_events(running) >= len(others), "the others delivered", client.DEADLINE * 6)
        self.assertEqual(self.state(running)["dead_letters"], 0)
        BROKER.resume_queue(queues[0])
        self.wait_for_events(standing + others)

    def test_what_stands_alone_on_every_connection_keeps_nobody_else_waiting(self):
        """Nothing else being there, connections are lost to it, and the breaker opens."""
        queues = [f"{self.name}.0", f"{self.name}.1"]
        for queue in queues:
            BROKER.declare(queue)
        BROKER.use(*queues)
        running = self.serve_to_rabbit(partitions=2, timeout="2s")
        server.wait_until(lambda: "connected to a broker" in running.log.text(), "the connection")
        BROKER.suspend(queues[0])
        names = [f"order-{number}" for number in range(300)]
        of = {name: partition(f"{APP.appid}/test_shop_id/{name}", 2) for name in names}
        standing = [push for name in names if of[name] == 0 for push in self.push(running, name)]
        server.wait_until(lambda: "a broker's connection was lost" in running.log.text(), "a lost connection")
        other = self.push(running, next(name for name in names if of[name] == 1))
        # One probe after the other would take twice as many seconds as there are orders.
        server.wait_until(lambda: self.done_events(running) == 1, "the other delivered")
        BROKER.resume_queue(queues[0])
        self.wait_for_events(standing + other)

    def test_a_queue_that_was_deleted_is_made_again(self):
        running = self.serve_to_rabbit()
        self.wait_for_events(self.push(running, "order-1"))
        BROKER.control("delete_queue", self.name)
        BROKER.use(self.name)
        self.wait_for_events(self.push(running, "order-2"))
        self.assertIn("the queue has gone: 312 NO_ROUTE", running.log.text())

    def test_an_order_key_that_no_frame_can_hold_is_a_dead_letter_and_disturbs_nobody(self):
        running = self.serve_to_rabbit()
        message = json.loads(wechat.waybill("order-1"))
        message["shop_order_id"] = "%" * 60_000
        self.assertEqual(running.post(wechat.push(APP, json.dumps(message).encode())).status, 200)
        server.wait_until(lambda: self.state(running)["dead_letters"] == 1, "the dead letter")
        self.assertIn("larger than a frame", self.error(running))
        self.wait_for_events(self.push(running, "order-2"))
        self.assertEqual(running.log.text().count("connected to a broker"), 1)

    def test_a_user_without_rights_is_told_so(self):
        BROKER.control("add_user", self.name, "word")
        BROKER.control("set_permissions", self.name, ".*", "nothing", ".*")
        running = self.serve_to_rabbit(user=self.name, password="word")
        self.push(running, "order-1")
        self.wait_for_error(running, "ACCESS_REFUSED")
        result = self.check(running)
        self.assertEqual(result.returncode, 69, result.stdout)
        self.assertIn("ACCESS_REFUSED", result.stdout)

    def test_a_wrong_password_is_told_so_and_never_shown(self):
        running = self.serve_to_rabbit(password="not-this-one")
        self.push(running, "order-1")
        self.wait_for_error(running, "ACCESS_REFUSED")
        result = self.check(running)
        self.assertEqual(result.returncode, 69, result.stdout)
        self.assertNotIn("not-this-one", result.stdout + result.stderr + running.log.text())

    def test_a_queue_of_another_kind_is_not_used(self):
        BROKER.tool({"do": "queue", "name": self.name, "arguments": {"x-queue-type": "classic"}})
        running = self.serve_to_rabbit()
        self.push(running, "order-1")
        self.wait_for_error(running, "PRECONDITION_FAILED")

    def test_its_queues_have_one_active_consumer_at_a_time(self):
        running = self.serve_to_rabbit()
        self.wait_for_events(self.push(running, "order-1"))
        queues = dict(line.split("\t") for line in BROKER.control("list_queues", "name", "arguments").splitlines())
        self.assertIn('{"x-single-active-consumer",true}', queues[self.name])

    def test_a_queue_for_several_consumers_is_used_and_told_of(self):
        BROKER.tool({"do": "queue", "name": self.name, "arguments": {"x-queue-type": "quorum"}})
        running = self.serve_to_rabbit()
        self.wait_for_events(self.push(running, "order-1"))
        told = f"queue {self.name} was made without x-single-active-consumer"
        self.assertIn(told, running.log.text())
        self.assertIn(told, self.check(running).stdout)

    def test_check_says_what_is_good(self):
        running = self.prepare(handlers=[BROKER.handler("queue", queue=self.name)])
        running.write_configuration()
        result = self.check(running)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertIn(f"quorum queue {self.name} is not there yet", result.stdout)
        self.assertEqual(BROKER.received(), [])  # there is nothing to be read, which is no error
        BROKER.declare(self.name)  # and was not made by looking: then there would be nothing to wait for
        result = self.check(running)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertNotIn("not there yet", result.stdout)
        self.assertIn("may publish", result.stdout)
        self.assertEqual(BROKER.received(), [])

    def test_check_tries_every_host_and_names_each(self):
        good, dead = f"127.0.0.1:{BROKER.nodes[0].port}", f"127.0.0.1:{backend.free_port()}"
        for hosts in ([good, dead], [dead, good]):
            with self.subTest(hosts):
                running = self.prepare(handlers=[BROKER.handler("queue", queue=self.name, hosts=hosts)])
                running.write_configuration()
                result = self.check(running)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
                self.assertIn(f"good     may publish by {good}", result.stdout)
                self.assertIn(f"quorum queue {self.name}", result.stdout)
                self.assertIn(f"WARNING  {dead}: no connection", result.stdout)
        running = self.prepare(handlers=[BROKER.handler("queue", queue=self.name, hosts=[dead])])
        running.write_configuration()
        result = self.check(running)
        self.assertEqual(result.returncode, 69, result.stdout)
        self.assertIn(f"ERROR    {dead}: no connection", result.stdout)

    def test_killed_and_started_again_over_what_it_kept(self):
        running = self.serve_to_queue()
        before = self.push(running, "order-1", STATUSES[:3])
        server.wait_until(lambda: self.state(running)["pending"] == 0, "the first events at the broker")
        BROKER.kill()
        after = self.push(running, "order-1", STATUSES[3:])
        server.wait_until(lambda: self.error(running), "an error")
        BROKER.start()
        found = self.wait_for_events(before + after)
        first = list(dict.fromkeys(one.event_id for one in found))
        self.assertEqual(first, [push.event_id for push in before + after])

    def test_a_broker_that_stands_still_is_left_by_the_time_out(self):
        running = self.serve_to_queue()
        before = self.push(running, "order-1")
        server.wait_until(lambda: self.state(running)["pending"] == 0, "the first event at the broker")
        BROKER.pause()
        try:
            after = self.push(running, "order-1", STATUSES[1:])
            self.done = 1
            self.wait_for_error(running, "2000 ms")
        finally:
            BROKER.resume()
        self.wait_for_events(before + after)

    def test_a_broker_short_of_memory_says_so(self):
        running = self.serve_to_queue()
        before = self.push(running, "order-1")
        server.wait_until(lambda: self.state(running)["pending"] == 0, "the first event at the broker")
        BROKER.control("set_vm_memory_high_watermark", "absolute", "1")
        try:
            after = self.push(running, "order-1", STATUSES[1:])
            self.done = 1
            self.wait_for_error(running, "blocked its publishers (low on memory)")
        finally:
            BROKER.control("set_vm_memory_high_watermark", "0.4")
        self.wait_for_events(before + after)

    def test_the_end_does_not_wait_for_a_broker_that_stands_still(self):
        running = self.serve_to_queue(timeout="60s")
        self.push(running, "order-1")
        server.wait_until(lambda: self.state(running)["pending"] == 0, "the first event at the broker")
        BROKER.pause()
        try:
            self.push(running, "order-1", STATUSES[1:])
            self.assertEqual(running.stop(), 0, running.log.text())
        finally:
            BROKER.resume()

    def test_what_is_replayed_says_so(self):
        running = self.serve_to_rabbit()
        (push,) = self.push(running, "order-1")
        self.wait_for_events([push])
        result = running.run("events", "replay", push.event_id, "--handler", "queue")
        self.assertEqual(result.returncode, 0, result.stderr)
        both = server.wait_until(lambda: len(found := BROKER.received()) == 2 and found, "the event again")
        self.assertEqual(both[1].headers["wxpush-replay"], "1")
        self.assertEqual(both[0].body, both[1].body)


if __name__ == "__main__":
    unittest.main()
