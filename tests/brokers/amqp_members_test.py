"""RabbitMQ on three nodes: a quorum queue has as many copies as nodes were there when it was made, and outlives a node's disk."""

import shutil
import unittest

import rabbit  # first: it makes the modules of tests/e2e importable

import load
import server
import wechat

BROKER = None
QUICK = {"timeout": "2s", "retry_min": "20ms", "retry_max": "200ms"}


def setUpModule():
    global BROKER
    BROKER = rabbit.RabbitBroker(nodes=3)
    unittest.addModuleCleanup(BROKER.close)
    BROKER.start()


def lose_disk(node):
    node.kill()
    shutil.rmtree(node.directory / "mnesia")


def replace(node, queue):
    """As docs/queues.md says: the others forget it, it comes as a new one, and the queue gets a member there."""
    BROKER.control("forget_cluster_node", node.name)
    BROKER.start()
    BROKER.control("await_startup", "-n", node.name)
    grow(node, queue)


def grow(node, queue):
    BROKER.control("grow", node.name, "all", "--queue-pattern", f"^{queue}$", tool="rabbitmq-queues")


class MembersTest(server.TestCase):
    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        BROKER.use(self.name)

    def push(self, running, phase):
        """200 events of 40 orders; the event_ids of those that were acknowledged."""
        message = lambda thread, number: wechat.waybill(f"order-{thread}-{number % 5}", 1000 * phase + number)
        with load.Load(running, message, threads=8, limit=25) as pushing:
            pushing.join()
        return set(pushing.acknowledged)

    def begin(self):
        """A server, and the first events of it at a queue with three members; and which those are."""
        running = self.serve(handlers=[BROKER.handler("queue", queue=self.name, **QUICK)])
        acknowledged = self.push(running, 1)
        self.wait_until_handed_over(running)
        BROKER.require_copies(3)
        return running, acknowledged

    def wait_until_handed_over(self, running):
        empty = lambda: running.status()["handlers"][0]["pending"] == 0
        server.wait_until(empty, "all events at the broker", rabbit.START_DEADLINE)

    def follower(self):
        """A node that does not lead the queue, and has its first disk."""
        return next(node for node in BROKER.nodes if node.name != BROKER.leader(self.name) and node not in self.replaced)

    def test_nothing_is_lost_with_the_disk_of_one_node_and_then_of_another(self):
        running, acknowledged = self.begin()
        self.replaced = []
        for phase in (2, 3):
            node = self.follower()
            lose_disk(node)
            acknowledged |= self.push(running, phase)
            self.wait_until_handed_over(running)
            replace(node, self.name)
            self.replaced.append(node)
            server.wait_until(lambda: len(BROKER.online(self.name)) == 3, "three members", rabbit.START_DEADLINE)
        self.assertEqual(len(acknowledged), 600)
        self.assertLessEqual(acknowledged, {one.event_id for one in BROKER.received()})

    def test_deliveries_go_on_when_the_node_that_leads_the_queue_dies(self):
        """Over a connection that is made before the others have chosen a leader RabbitMQ refuses all, for good."""
        running, acknowledged = self.begin()
        leader = BROKER.leader(self.name)
        next(node for node in BROKER.nodes if node.name == leader).kill()
        acknowledged |= self.push(running, 2)
        self.wait_until_handed_over(running)
        BROKER.start()
        self.assertEqual(len(acknowledged), 400)
        self.assertLessEqual(acknowledged, {one.event_id for one in BROKER.received()})

    def test_a_queue_that_was_made_on_one_node_grows_when_it_is_told_to(self):
        arguments = {"x-queue-type": "quorum", "x-single-active-consumer": True, "x-quorum-initial-group-size": 1}
        BROKER.tool({"do": "queue", "name": self.name, "arguments": arguments})
        self.assertEqual(len(BROKER.members(self.name)), 1)
        for node in BROKER.nodes:
            grow(node, self.name)
        BROKER.require_copies(3)


if __name__ == "__main__":
    unittest.main()
