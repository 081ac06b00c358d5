"""examples/consumers/python/rabbitmq.py and node/rabbitmq.js against wxpush and RabbitMQ. What is in Node is skipped where
there is no Node, or no way to its registry the first time."""

import unittest

import rabbit  # first: it makes the modules of tests/e2e importable

import consumer_cases
import server

BROKER = None


def setUpModule():
    global BROKER
    BROKER = rabbit.RabbitBroker()
    unittest.addModuleCleanup(BROKER.close)
    BROKER.start()


class RabbitCases(consumer_cases.ConsumerCases):
    begins = "takes events from"

    def setUp(self):
        self.broker = BROKER
        self.queue = ".".join(self.id().rsplit(".", 2)[1:])  # of each test its own
        BROKER.declare(self.queue)

    def environment(self):
        port = BROKER.nodes[0].port
        return {"AMQP_URL": f"amqp://guest:guest@127.0.0.1:{port}/%2F?heartbeat=10", "QUEUE": self.queue}

    def handler(self, **settings):
        return BROKER.handler("queue", queue=self.queue, **settings)


class PythonSampleTest(RabbitCases, consumer_cases.Python, server.TestCase):
    program = "rabbitmq.py"


class NodeSampleTest(RabbitCases, consumer_cases.Node, server.TestCase):
    program = "rabbitmq.js"


if __name__ == "__main__":
    unittest.main()
