"""A Kafka cluster as a Broker: librdkafka's mock cluster, in a process of its own (kafka_cluster.c)."""

import os
import signal
import subprocess
import unittest

from broker import Broker, Received

CLUSTER = os.environ.get("WXPUSH_KAFKA_CLUSTER", "")
TOPIC = "wxpush-events"

# Requests, and errors to answer them with (Kafka's protocol).
PRODUCE, INIT_PRODUCER_ID = 0, 22
UNKNOWN_TOPIC, NOT_LEADER, TIMED_OUT, TOO_LARGE, NOT_ENOUGH_REPLICAS = 3, 6, 7, 10, 19
TOPIC_UNAUTHORIZED, CLUSTER_UNAUTHORIZED, OUT_OF_SEQUENCE, INVALID_EPOCH = 29, 31, 45, 47
INVALID_RECORD = 87


class Node:
    """One broker of the cluster."""

    def __init__(self, cluster, number):
        self.cluster, self.number, self.is_up = cluster, number, True

    def kill(self):
        """Others lead its partitions from then on; the others' stay where they are."""
        self.cluster.command(f"down {self.number}")
        self.is_up = False
        others = [node for node in self.cluster.nodes if node.is_up]
        for partition, leader in enumerate(self.cluster.leaders if others else []):
            if leader is self:
                self.cluster.lead(partition, others[partition % len(others)])


class KafkaBroker(Broker):
    """Topics of several partitions, each with copies on all nodes, which are numbered from 1."""

    name = "kafka"

    def __init__(self, nodes=3, partitions=4, topics=(TOPIC,), is_read=True):
        if not CLUSTER:
            raise unittest.SkipTest("WXPUSH_KAFKA_CLUSTER does not name the cluster's program")
        super().__init__()
        self.partitions = partitions
        self.nodes = [Node(self, number + 1) for number in range(nodes)]
        self._file = self.directory / "messages"
        self._arguments = [CLUSTER, str(nodes), str(partitions), str(self._file) if is_read else "-", *topics]
        self._topic = topics[0]
        self._process = None
        self._is_up = False

    def start(self):
        if not self._process:
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(self._arguments, stdin=pipe, stdout=pipe, text=True)
            self.bootstrap = self._process.stdout.readline().strip()
            assert self.bootstrap, f"the cluster ended: exit {self._process.wait()}"
            self.leaders = [None] * self.partitions
            for partition in range(self.partitions):
                self.lead(partition, self.nodes[partition % len(self.nodes)])
        else:
            self.command("up -1")
        for node in self.nodes:
            node.is_up = True
        self._is_up = True
        return self

    def close(self):
        if self._process:
            self._process.kill()  # also while it stands still
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
        super().close()

    def command(self, line):
        """What kafka_cluster.c obeys; what it tells."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer.startswith("ok"), f"{line}: {answer or 'the cluster ended'}"
        return answer.removeprefix("ok").strip()

    def lead(self, partition, node):
        """The node is the leader of that partition of the first topic."""
        self.command(f"leader {self._topic} {partition} {node.number}")
        self.leaders[partition] = node

    def fail(self, request, error, count=1):
        """The next so many requests of this kind are answered so, and have no effect."""
        self.command(f"error {request} {error} {count}")

    def handler(self, name, **settings):
        hosts = self.bootstrap.split(",")
        return {"name": name, "type": "kafka", "hosts": hosts, "topic": TOPIC, **settings}

    def kill(self):
        """All of it; what it kept is there again after start()."""
        self.command("down -1")
        self._is_up = False

    def pause(self):
        """The kernel still takes connections, and what is sent over them; nobody answers."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)  # all its threads
        self._is_up = False

    def resume(self):
        self._process.send_signal(signal.SIGCONT)
        self._is_up = True

    def require_copies(self, count):
        """Topics have them on three nodes, or on all (kafka_cluster.c)."""
        assert min(3, len(self.nodes)) == count, f"{len(self.nodes)} nodes"

    def count(self):
        """How many messages were appended."""
        return int(self.command("sync"))

    def committed(self, group):
        """How many messages a group of consumers is done with."""
        return int(self.command(f"committed {group}"))

    def received(self, topic=None):
        """Of all topics unless one is told. While it is down: what was read before."""
        if self._is_up:
            self.command("sync")
        lines = self._file.read_text().split("\n")[:-1]  # behind the last one may be half of one
        messages = [self._message(*line.split(" ")) for line in lines]
        return [one for one in messages if topic in (None, one.partition.rpartition("/")[0])]

    @staticmethod
    def _message(topic, partition, offset, key, body, *headers):
        text = lambda told: "" if told == "-" else bytes.fromhex(told).decode()
        pairs = dict(map(text, header.split("=")) for header in headers)
        assert len(pairs) == len(headers), f"a header twice: {headers}"
        one = Message(pairs, b"" if body == "-" else bytes.fromhex(body), f"{topic}/{partition}")
        one.key = text(key)
        return one


class Message(Received):
    """Received, and the message's key."""

    key = ""
