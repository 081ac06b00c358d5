"""examples/consumers/python/kafka.py and node/kafka.js against wxpush and Kafka's mock cluster. What is in Node is skipped
where there is no Node, or no way to its registry the first time.

The mock takes three seconds until a group is together, and as long as a session lasts when one of it was killed. So each
start is in a group of its own, which begins at the oldest: all that was taken before comes again.
"""

import collections
import itertools
import json
import unittest

import kafka_mock  # first: it makes the modules of tests/e2e importable

import backend
import consumer_cases
import server
import wechat

STATUSES = consumer_cases.STATUSES


class GroupConsumer(consumer_cases.Consumer):
    def start(self, *arguments, **options):
        self.groups = getattr(self, "groups", itertools.count())
        self.group = f"group-{next(self.groups)}"
        self.environment["GROUP"] = self.group
        return super().start(*arguments, **options)


class KafkaCases(consumer_cases.ConsumerCases):
    begins = "takes events from"
    # Who waits until the other is gone, takes part in the partitions: Kafka's own doing.
    test_a_second_one_waits_until_the_first_is_gone = None

    def setUp(self):
        self.broker = kafka_mock.KafkaBroker()
        self.addCleanup(self.broker.close)
        self.broker.start()

    def environment(self):
        return {"KAFKA": self.broker.bootstrap}

    def handler(self, **settings):
        return self.broker.handler("queue", **settings)

    def consumer(self):
        one = GroupConsumer(self.command(), self.environment(), self.read_inbox)
        self.addCleanup(one.remove)
        return one

    def test_each_event_once_and_in_order_though_it_is_killed_and_so_is_the_broker(self):
        secret = backend.new_secret()
        running = self.serve_to_broker(secrets=[backend.new_secret(), secret])
        orders = [f"单-{number}" for number in range(12)]
        messages = [wechat.waybill(order, status) for status in STATUSES for order in orders]
        half = len(messages) // 2
        pushes = self.push(running, *messages[:half])
        consumer = self.consumer().start(secret)
        self.wait_for(consumer, half // 2)
        consumer.kill()  # amid the others, perhaps between an event and its commit
        consumer.start(secret)
        self.wait_for(consumer, half)
        self.broker.kill()
        pushes += self.push(running, *messages[half:])
        self.broker.start()
        self.wait_for(consumer, len(messages))
        effects = consumer.effects()
        self.assertCountEqual([event_id for event_id, _ in effects], [push.event_id for push in pushes])
        told = collections.defaultdict(list)
        for _, body in effects:
            told[json.loads(body)["shop_order_id"]].append(json.loads(body)["order_status"])
        self.assertEqual(dict(told), {order: list(STATUSES) for order in orders})

    def test_what_none_of_its_secrets_signed_is_not_committed(self):
        running = self.serve_to_broker(secrets=[backend.new_secret()])
        self.push(running, wechat.waybill("order"))
        consumer = self.consumer().start(backend.new_secret())
        server.wait_until(lambda: consumer.says("none of the secrets"), "the refusal told", consumer_cases.PATIENCE)
        self.assertEqual(self.broker.committed(consumer.group), 0)

    def test_it_leaves_when_it_is_told_to_end(self):
        running = self.serve_to_broker()
        self.push(running, *(wechat.waybill(f"order-{number}", 101) for number in range(20)))
        consumer = self.consumer().start()
        self.wait_for(consumer, 20)
        look = lambda: self.broker.committed(consumer.group) == 20
        server.wait_until(look, "all committed", consumer_cases.PATIENCE)
        consumer.process.terminate()
        self.assertEqual(consumer.process.wait(consumer_cases.PATIENCE), 0, consumer.log())


class PythonSampleTest(KafkaCases, consumer_cases.Python, server.TestCase):
    program = "kafka.py"


class NodeSampleTest(KafkaCases, consumer_cases.Node, server.TestCase):
    program = "kafka.js"


if __name__ == "__main__":
    unittest.main()
