"""What the tests of the kafka handler share."""

import collections
import json

import kafka_mock  # first: it makes the modules of tests/e2e importable

import server
import wechat

SHOP = wechat.App()
QUICK = {"retry_min": "10ms", "retry_max": "100ms"}


class KafkaCase(server.TestCase):
    def cluster(self, **options):
        one = kafka_mock.KafkaBroker(**options)
        self.addCleanup(one.close)
        return one.start()

    def serve_to(self, cluster, **settings):
        return self.serve(handlers=[cluster.handler("kafka", **{**QUICK, **settings})])

    def push(self, running, *messages):
        with running.connect() as connection:
            for message in messages:
                self.assertEqual(connection.post(wechat.push(SHOP, message)).status, 200)

    def status(self, running):
        (handler,) = running.status()["handlers"]
        return handler

    def last_error(self, running):
        return self.status(running)["last_error"] or ""

    def handed_over(self, running):
        server.wait_until(lambda: self.status(running)["pending"] == 0, "nothing pending")

    def fails(self, running, *texts):
        """Waits until an attempt failed with all of these in its error."""
        look = lambda: all(text in self.last_error(running) for text in texts)
        try:
            server.wait_until(look, f"an error that names {texts}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.last_error(running)!r}") from None

    def once_each(self, messages):
        """Of what came twice, the first; what came again has to be the same."""
        first = {}
        for one in messages:
            known = first.setdefault(one.event_id, one)
            self.assertEqual((one.body, one.key), (known.body, known.key), "another event under the same id")
        return list(first.values())

    def told(self, messages):
        """{order: [its statuses, as a consumer that removes duplicates sees them]}; each order in one partition."""
        statuses, partitions = collections.defaultdict(list), collections.defaultdict(set)
        for one in self.once_each(messages):
            body = json.loads(one.body)
            statuses[body["shop_order_id"]].append(body["order_status"])
        for one in messages:
            partitions[one.key].add(one.partition)
        self.assertEqual({key: len(found) for key, found in partitions.items()}, dict.fromkeys(partitions, 1))
        return dict(statuses)
