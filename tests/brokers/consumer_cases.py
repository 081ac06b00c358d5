"""What every sample consumer (examples/consumers) has to show against a real wxpush and a real broker; the samples' own
tests are consumers_*_test.py."""

import base64
import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import sqlite3
import subprocess
import tempfile

import broker  # first

import backend
import node_modules
import server
import wechat

SHOP = wechat.App()
STATUSES = (101, 102, 201, 202, 301, 302)
PATIENCE = 150.0 * server.client.PATIENCE  # seconds; a group of Kafka takes its time when one of its members was killed


class Consumer:
    """One sample as a process: started, killed, started again over the same inbox."""

    def __init__(self, command, environment, read_inbox):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="wxpush-consumer-"))
        self.inbox = self.directory / "inbox"
        self.environment = environment
        self.process = None
        self._command = command
        self._read_inbox = read_inbox

    def start(self, secret="", largest_file=None):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        with open(self.directory / "log", "wb") as log:
            self.process = subprocess.Popen(
                self._command,
                env={**os.environ, **self.environment, "WEBHOOK_SECRET": secret, "INBOX": str(self.inbox)},
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=limit if largest_file else None,
            )
        return self

    def says(self, text):
        """Since it was started last."""
        assert self.process.poll() is None, f"exit {self.process.returncode}:\n{self.log()}"
        return text in self.log()

    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def remove(self):
        if self.process:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def effects(self):
        """[(event id, body)] as they took effect."""
        return self._read_inbox(self.inbox) if self.inbox.exists() else []


class Python:
    """A sample in Python, with Debian's client library."""

    program = ""

    def command(self):
        return [broker.PYTHON, "-B", str(broker.CONSUMERS / "python" / self.program)]

    @staticmethod
    def read_inbox(path):
        with contextlib.closing(sqlite3.connect(path, timeout=PATIENCE)) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'event'").fetchone():
                return []  # the sample is about to make it
            return database.execute("SELECT id, body FROM event ORDER BY rowid").fetchall()


class Node:
    """A sample in Node. It takes its modules from beside itself, so it runs from a copy of the tree's folder."""

    program = ""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="wxpush-node-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        source = broker.CONSUMERS / "node"
        ignore = shutil.ignore_patterns("node_modules")
        shutil.copytree(source, cls.folder / "consumers" / "node", ignore=ignore)
        shutil.copytree(source.parents[1] / "backends" / "node", cls.folder / "backends" / "node", ignore=ignore)
        (cls.folder / "consumers" / "node" / "node_modules").symlink_to(node_modules.of(source))

    def command(self):
        return ["node", str(self.folder / "consumers" / "node" / self.program)]

    @staticmethod
    def read_inbox(path):
        events = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
        return [(event["id"], base64.b64decode(event["body"])) for event in events]


class ConsumerCases:
    """Beside server.TestCase and Python or Node. The sample's own are:

    self.broker                a started broker
    self.environment()         where the sample finds it
    self.begins                what it says once it takes events, or waits for its turn
    self.handler(**settings)   the [[handler]] that fills what the sample reads
    """

    def consumer(self):
        one = Consumer(self.command(), self.environment(), self.read_inbox)
        self.addCleanup(one.remove)
        return one

    def serve_to_broker(self, **settings):
        quick = {"timeout": "2s", "retry_min": "10ms", "retry_max": "200ms"}
        return self.serve(handlers=[self.handler(**{**quick, **settings})])

    def push(self, running, *messages):
        pushes = [wechat.push(SHOP, message) for message in messages]
        with running.connect() as connection:
            for push in pushes:
                self.assertEqual(connection.post(push).status, 200)
        return pushes

    def wait_for(self, consumer, count):
        def done():
            assert consumer.process.poll() is None, consumer.log()
            return len(consumer.effects()) >= count

        server.wait_until(done, f"{count} events at the consumer", PATIENCE)

    def test_each_event_once_and_in_order_though_it_is_killed_and_so_is_the_broker(self):
        secret = backend.new_secret()
        running = self.serve_to_broker(secrets=[secret])
        consumer = self.consumer().start(secret)
        orders = [f"单-{number}" for number in range(12)]
        pushes = []
        for status in STATUSES:
            pushes += self.push(running, *(wechat.waybill(order, status) for order in orders))
            self.wait_for(consumer, len(pushes) - len(orders) // 2)
            consumer.kill()  # some are stored and not acknowledged, some not stored
            if status == STATUSES[2]:
                self.broker.kill()
                self.broker.start()
            consumer.start(secret)
        self.wait_for(consumer, len(pushes))
        effects = consumer.effects()
        self.assertCountEqual([event_id for event_id, _ in effects], [push.event_id for push in pushes])
        told = [json.loads(body) for _, body in effects]
        for order in orders:
            self.assertEqual(
                [event["order_status"] for event in told if event["shop_order_id"] == order], list(STATUSES)
            )

    def test_what_none_of_its_secrets_signed_takes_no_effect_and_is_not_lost(self):
        ours, another = backend.new_secret(), backend.new_secret()
        running = self.serve_to_broker(secrets=[ours])
        consumer = self.consumer().start(another)
        pushes = self.push(running, wechat.waybill("order", 101), wechat.waybill("order", 102))
        server.wait_until(lambda: consumer.says("none of the secrets"), "the refusal told", PATIENCE)
        consumer.kill()
        self.assertEqual(consumer.effects(), [])
        consumer.start(f"{another} {ours}")
        self.wait_for(consumer, len(pushes))
        self.assertEqual([event_id for event_id, _ in consumer.effects()], [push.event_id for push in pushes])

    def test_bytes_as_they_came_whatever_they_are(self):
        secret = backend.new_secret()
        running = self.serve_to_broker(secrets=[secret])
        messages = [
            b'{ "Event" : "debug_demo",\n\t"MsgType":"event", "number": 1.0, "text": "\\u5355\\/\xe5\x8d\x95" }\r\n',
            b"<xml><Event>debug_demo</Event></xml>",
            b"\x00\xff",
        ]
        self.push(running, *messages)
        consumer = self.consumer().start(secret)
        self.wait_for(consumer, len(messages))
        self.assertCountEqual([body for _, body in consumer.effects()], messages)

    def test_what_a_full_disk_refused_is_not_acknowledged_and_comes_again(self):
        running = self.serve_to_broker()
        padding = "x" * 20_000
        statuses = list(range(100, 112))
        self.push(running, *(wechat.waybill("order", status, padding=padding) for status in statuses))
        consumer = self.consumer().start(largest_file=128 * 1024)
        server.wait_until(lambda: consumer.says("not now"), "an event that found no room", PATIENCE)
        consumer.kill()
        found = [json.loads(body)["order_status"] for _, body in consumer.effects()]
        self.assertEqual(found, statuses[: len(found)])
        self.assertLess(len(found), len(statuses))
        consumer.start()
        self.wait_for(consumer, len(statuses))
        self.assertEqual([json.loads(body)["order_status"] for _, body in consumer.effects()], statuses)

    def test_a_second_one_waits_until_the_first_is_gone(self):
        running = self.serve_to_broker()
        first = self.consumer().start()
        self.push(running, wechat.waybill("order", 101))
        self.wait_for(first, 1)
        second = self.consumer().start()
        server.wait_until(lambda: second.says(self.begins), "the second one there", PATIENCE)
        self.push(running, wechat.waybill("order", 102))
        self.wait_for(first, 2)
        first.kill()
        self.push(running, wechat.waybill("order", 201))
        taken = lambda: [json.loads(body)["order_status"] for _, body in second.effects()]
        server.wait_until(lambda: 201 in taken(), "the second one's turn", PATIENCE)
        self.assertIn(taken(), ([201], [102, 201]))  # what the first one's end kept it from signing off comes again
