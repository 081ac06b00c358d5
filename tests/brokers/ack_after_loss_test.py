"""`ack_after`: the server is killed under load and its disk is gone; whatever was acknowledged is in the broker."""

import unittest

import kafka_mock  # first: it makes the modules of tests/e2e importable

import load
import rabbit
import redis_streams
import server
import wechat

CONNECTIONS = 24
ENOUGH = 300  # acknowledged pushes before the loss
QUICK = {"timeout": "2s", "retry_min": "20ms", "retry_max": "200ms"}


class LossCase(server.TestCase):
    def lose_the_store(self, target, ack_after):
        """The event_ids that were acknowledged before."""
        app = {**wechat.App().settings(), "ack_after": ack_after, "ack_handler": "queue"}
        deadline = {"server": {"request_deadline": "3500ms"}}
        running = self.serve(apps=[app], handlers=[target.handler("queue", **QUICK)], sections=deadline)
        # Orders of several events each, so that some wait for the one before.
        message = lambda thread, number: wechat.waybill(f"{ack_after}-{thread}-{number % 3}", 100 + number // 3)
        with load.Load(running, message, threads=CONNECTIONS) as pushing:
            pushing.wait_for(ENOUGH)
            running.kill()
        self.assertTrue(pushing.unanswered, "nothing was under way")
        for path in running.store.iterdir():
            path.unlink()
        return set(pushing.acknowledged)

    def hold_without_a_store(self, target):
        self.addCleanup(target.close)
        target.start()
        if target.name == "amqp":
            target.declare("wxpush")  # or the handler waits until its queue is written down
        for ack_after in ("broker", "both"):
            with self.subTest(ack_after):
                acknowledged = self.lose_the_store(target, ack_after)
                self.assertGreaterEqual(len(acknowledged), ENOUGH)
                self.assertLessEqual(acknowledged, {one.event_id for one in target.received()})


class RabbitTest(LossCase):
    def test_rabbitmq_has_what_was_acknowledged(self):
        self.hold_without_a_store(rabbit.RabbitBroker())


class RedisTest(LossCase):
    def test_redis_has_what_was_acknowledged(self):
        self.hold_without_a_store(redis_streams.RedisBroker())


class KafkaTest(LossCase):
    def test_kafka_has_what_was_acknowledged(self):
        self.hold_without_a_store(kafka_mock.KafkaBroker())


if __name__ == "__main__":
    unittest.main()
