"""How a broker fails in campaign.py: each kind of trouble is a class that knows what the handler is told, and lasts for a while."""

import importlib
import time

import broker  # noqa: F401  (first)

import proxy
import runs

BROKERS = {
    "amqp": ("rabbit", "RabbitBroker"),
    "redis": ("redis_streams", "RedisBroker"),
    "kafka": ("kafka_mock", "KafkaBroker"),
}
HANDLER = "queue"
FLAP_EVERY = 5.0  # seconds up, seconds down
SETTINGS = {"timeout": "2s", "retry_max": "2s"}


def make_broker(kind, fault):
    module, name = BROKERS[kind]
    made = getattr(importlib.import_module(module), name)
    return made(nodes=3) if fault == "nodes" else made()


class Outage:
    def __init__(self, run, target):
        self.run, self.target = run, target

    def handler(self):
        return self.target.handler(HANDLER, **SETTINGS)

    def last(self, seconds):
        self.target.kill()
        time.sleep(seconds)
        self.target.start()


class HalfOpen(Outage):
    """Connections stay, and nothing is answered."""

    def last(self, seconds):
        self.target.pause()
        time.sleep(seconds)
        self.target.resume()


class Between(Outage):
    """Somebody stands between the two. Not before Kafka, which tells its clients where its brokers are, past anybody."""

    def handler(self):
        own = self.target.handler(HANDLER, **SETTINGS)
        self.between = None
        if self.target.name == "kafka":
            return own
        host, port = own["hosts"][0].rsplit(":", 1)
        self.between = proxy.Proxy((host, int(port)))
        self.run.on_end(self.between.close)
        return {**own, "hosts": [f"127.0.0.1:{self.between.port}"]}


class Swallowed(Between):
    """Connections stay and new ones are made, and all that either side sends vanishes on its way."""

    def handler(self):
        own = super().handler()
        runs.hold(self.between, "nobody can stand between Kafka and its clients")
        return own

    def last(self, seconds):
        self.between.swallow()
        time.sleep(seconds)
        self.between.allow()


class Flapping(Between):
    """All connections are cut and none let through, again and again."""

    def handler(self):
        own = super().handler()
        self.refuse, self.allow = self.target.kill, self.target.start
        if self.between:
            self.refuse, self.allow = self.between.refuse, self.between.allow
        return own

    def last(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.refuse()
            time.sleep(FLAP_EVERY)
            self.allow()
            time.sleep(FLAP_EVERY)


class Nodes(Outage):
    """One node of three is killed and started again, each time another by chance."""

    def last(self, seconds):
        self.target.require_copies(3)  # or it is one node that everything depends on
        for _ in range(self.run.options.kills):
            node = self.run.chance.choice(self.target.nodes)
            node.kill()
            time.sleep(self.run.chance.uniform(0.0, 2.0))
            self.target.start()


FAULTS = {"outage": Outage, "flapping": Flapping, "half_open": HalfOpen, "swallowed": Swallowed, "nodes": Nodes}
