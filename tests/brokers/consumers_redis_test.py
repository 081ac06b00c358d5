"""examples/consumers/python/redis_streams.py and node/redis_streams.js against wxpush and Redis. What is in Node is
skipped where there is no Node, or no way to its registry the first time."""

import unittest

import redis_streams  # first: it makes the modules of tests/e2e importable

import consumer_cases
import server
import wechat

BROKER = None
LEASE = "2"  # seconds: so long a sample that was killed keeps the next one waiting


def setUpModule():
    global BROKER
    BROKER = redis_streams.RedisBroker()
    unittest.addModuleCleanup(BROKER.close)
    BROKER.start()


class RedisCases(consumer_cases.ConsumerCases):
    begins = "takes events from"

    def setUp(self):
        self.broker = BROKER
        self.stream = ".".join(self.id().rsplit(".", 2)[1:])  # of each test its own

    def environment(self):
        url = f"redis://127.0.0.1:{BROKER.port}/0"
        return {"REDIS_URL": url, "STREAM": self.stream, "GROUP": "shop", "LEASE": LEASE, "TRIM_EVERY": "0"}

    def handler(self, **settings):
        return BROKER.handler("queue", stream=self.stream, **settings)

    def trims(self):
        return int(BROKER.statistics("commandstats").get("cmdstat_xtrim", "calls=0").split("calls=")[1].split(",")[0])

    def test_what_every_group_is_done_with_is_trimmed_and_nothing_else(self):
        running = self.serve_to_broker()
        with BROKER.client() as client:
            client.call("XGROUP", "CREATE", self.stream, "slow", "0", "MKSTREAM")
            padding = "x" * 2000  # so that they do not fit into one node of the stream
            pushes = self.push(running, *(wechat.waybill(f"order-{number}", padding=padding) for number in range(30)))
            consumer = self.consumer().start()
            self.wait_for(consumer, len(pushes))
            before = self.trims()
            server.wait_until(lambda: self.trims() >= before + 2, "two more trims", consumer_cases.PATIENCE)
            self.assertEqual(client.call("XLEN", self.stream), len(pushes))
            ((_, entries),) = client.call("XREADGROUP", "GROUP", "slow", "one", "STREAMS", self.stream, ">")
            client.call("XACK", self.stream, "slow", *(entry_id for entry_id, _ in entries[:20]))
            gone = lambda: len(pushes) - client.call("XLEN", self.stream)
            server.wait_until(lambda: gone() > 10, "what both have acknowledged trimmed", consumer_cases.PATIENCE)
            self.assertLessEqual(gone(), 20)
            client.call("XACK", self.stream, "slow", *(entry_id for entry_id, _ in entries[20:]))
            server.wait_until(lambda: gone() > 20, "the rest trimmed", consumer_cases.PATIENCE)

    def test_it_may_be_started_before_redis(self):
        running = self.serve_to_broker()
        BROKER.kill()
        self.addCleanup(lambda: BROKER.process or BROKER.start())
        consumer = self.consumer().start()
        server.wait_until(lambda: consumer.says("not now"), "that there is no Redis", consumer_cases.PATIENCE)
        BROKER.start()
        self.push(running, wechat.waybill("order"))
        self.wait_for(consumer, 1)


class PythonSampleTest(RedisCases, consumer_cases.Python, server.TestCase):
    program = "redis_streams.py"


class NodeSampleTest(RedisCases, consumer_cases.Node, server.TestCase):
    program = "redis_streams.js"


if __name__ == "__main__":
    unittest.main()
