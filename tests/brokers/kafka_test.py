"""The kafka handler: what arrives, in order per order, and what happens when the brokers fail."""

import itertools
import json
import random
import time
import unittest
import urllib.parse

import kafka_case
from kafka_mock import (
    CLUSTER_UNAUTHORIZED,
    INIT_PRODUCER_ID,
    INVALID_EPOCH,
    INVALID_RECORD,
    NOT_ENOUGH_REPLICAS,
    NOT_LEADER,
    OUT_OF_SEQUENCE,
    PRODUCE,
    TIMED_OUT,
    TOO_LARGE,
    TOPIC,
    TOPIC_UNAUTHORIZED,
    UNKNOWN_TOPIC,
)

import backend
import client
import load
import server
import wechat

SHOP = kafka_case.SHOP
STATUSES = (101, 102, 201, 202, 301, 302)
UNAVAILABLE = 69  # exit code


def partition_of(key, partitions):
    """Where Kafka's clients put a key, and look for it."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def murmur2(data):
    """org.apache.kafka.common.utils.Utils.murmur2"""
    word, mask = 0x5BD1E995, 0xFFFFFFFF
    mixed = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        one = int.from_bytes(data[at : at + 4], "little") * word & mask
        mixed = (mixed * word & mask) ^ ((one ^ one >> 24) * word & mask)
    if len(data) > whole:
        mixed = (mixed ^ int.from_bytes(data[whole:], "little")) * word & mask
    mixed = (mixed ^ mixed >> 13) * word & mask
    return mixed ^ mixed >> 15


class MessageTest(kafka_case.KafkaCase):
    def test_the_message_as_it_came_and_about_it_in_headers(self):
        cluster, secrets = self.cluster(), [backend.new_secret(), backend.new_secret()]
        running = self.serve_to(cluster, secrets=secrets)
        message = wechat.waybill("单 1", 302)
        self.push(running, message)
        self.handed_over(running)
        ((event,), (one,)) = running.events(), cluster.received()
        self.assertEqual(one.body, message)
        self.assertEqual(one.key, event["order_key"])
        event_id = wechat.event_id(SHOP.appid, message)
        told = dict(one.headers)
        self.assertLess(abs(time.time() - int(told.pop("webhook-timestamp"))), 60)
        for secret in secrets:
            self.assertTrue(backend.signed(one, secret))
        self.assertFalse(backend.signed(one, backend.new_secret()))
        del told["webhook-signature"]
        self.assertEqual(
            told,
            {
                "content-type": "application/json",
                "ce-specversion": "1.0",
                "ce-id": event_id,
                "ce-source": f"/wx/{SHOP.appid}",
                "ce-type": "com.weixin.update_waybill_status",
                "ce-subject": urllib.parse.quote(event["order_key"], safe="/"),
                "ce-time": "2024-04-26T06:20:40.000Z",
                "webhook-id": event_id,
                "wxpush-app": "shop",
                "wxpush-attempt": "1",
            },
        )

    def test_advice_of_an_order_and_that_it_came_again(self):
        cluster = self.cluster()
        running = self.serve_to(cluster)
        delivered, again = wechat.waybill("wxpush-test-1", 302), wechat.waybill("wxpush-test-1", 302, CreateTime=1)
        late = wechat.waybill("wxpush-test-1", 202, action_time=1714112000)
        self.push(running, delivered, again, late)
        self.handed_over(running)
        first, second, third = cluster.received()
        self.assertEqual({one.headers["wxpush-test"] for one in (first, second, third)}, {"1"})
        self.assertEqual(second.headers["wxpush-repeat-of"], "1")
        self.assertEqual(third.headers["wxpush-stale"], "1")
        for name in ("wxpush-repeat-of", "wxpush-stale", "wxpush-replay", "webhook-signature"):
            self.assertNotIn(name, first.headers)
        self.assertEqual(running.run("events", "replay", "1", "--handler", "kafka", "--yes").returncode, 0)
        server.wait_until(lambda: len(cluster.received()) == 4, "the event again")
        self.assertEqual(cluster.received()[-1].headers["wxpush-replay"], "1")
        self.assertEqual(cluster.received()[-1].event_id, first.event_id)

    def test_what_has_no_order_or_is_no_text_or_is_large(self):
        cluster = self.cluster()
        running = self.serve_to(cluster)
        messages = {
            b"\x00\xff": "application/octet-stream",
            b"<xml><Event>debug_demo</Event></xml>": "text/xml",
            b'{"Event":"debug_demo","padding":"' + b"x" * 700_000 + b'"}': "application/json",
        }
        self.push(running, *messages)
        self.handed_over(running)
        for one in cluster.received():
            self.assertEqual(one.headers["content-type"], messages.pop(one.body))
            self.assertEqual(one.key, one.event_id)
            self.assertNotIn("ce-subject", one.headers)
        self.assertEqual(messages, {})

    def test_an_order_in_one_partition_and_in_order(self):
        cluster = self.cluster(partitions=8)
        running = self.serve_to(cluster)
        orders = [f"order-{number}" for number in range(30)]
        self.push(running, *(wechat.waybill(order, status) for status in STATUSES for order in orders))
        self.handed_over(running)
        messages = cluster.received()
        self.assertEqual(self.told(messages), {order: list(STATUSES) for order in orders})
        self.assertEqual(len(messages), len(orders) * len(STATUSES), "something came twice")
        for one in messages:
            self.assertEqual(one.partition, f"{TOPIC}/{partition_of(one.key, 8)}")

    def test_a_reload_changes_the_topic(self):
        cluster = self.cluster(topics=(TOPIC, "elsewhere"))
        running = self.serve_to(cluster)
        self.push(running, wechat.waybill("order", 101))
        self.handed_over(running)
        running.handlers[0]["topic"] = "elsewhere"
        running.write_configuration()
        self.assertEqual(running.run("reload").returncode, 0)
        self.push(running, wechat.waybill("order", 102))
        self.handed_over(running)
        self.assertEqual(self.told(cluster.received(TOPIC)), {"order": [101]})
        self.assertEqual(self.told(cluster.received("elsewhere")), {"order": [102]})


class OutageTest(kafka_case.KafkaCase):
    def test_without_brokers_at_the_start_and_meanwhile_nothing_is_lost(self):
        cluster = self.cluster()
        cluster.kill()
        running = self.serve_to(cluster, timeout="300ms")
        self.push(running, *(wechat.waybill("order", status) for status in (101, 102)))
        self.fails(running, "no connection")
        self.assertEqual(self.status(running)["pending"], 2)
        cluster.start()
        self.handed_over(running)
        cluster.kill()
        self.push(running, *(wechat.waybill("order", status) for status in (201, 202)))
        self.fails(running, "timed out", "refused")
        self.assertEqual((self.status(running)["pending"], self.status(running)["delivered"]), (2, 2))
        running.kill()  # what waits is known after a crash
        running.start()
        cluster.start()
        self.handed_over(running)
        self.assertEqual(self.told(cluster.received()), {"order": [101, 102, 201, 202]})

    def test_one_that_does_not_answer_is_given_up_at_the_time_out(self):
        cluster = self.cluster()
        running = self.serve_to(cluster, timeout="300ms")
        orders = [f"order-{number}" for number in range(10)]
        self.push(running, *(wechat.waybill(order, 101) for order in orders))
        self.handed_over(running)
        cluster.pause()
        self.push(running, *(wechat.waybill(order, status) for status in (102, 201) for order in orders))
        self.fails(running, "timed out")
        self.assertEqual(self.status(running)["delivered"], len(orders))
        cluster.resume()
        self.handed_over(running)
        self.assertEqual(self.told(cluster.received()), {order: [101, 102, 201] for order in orders})

    def test_a_confirmation_that_comes_too_late_makes_duplicates_of_the_same_id(self):
        cluster = self.cluster()
        running = self.serve_to(cluster, timeout="300ms")
        self.push(running, wechat.waybill("order", 101))
        self.handed_over(running)
        cluster.command("rtt -1 1000")
        self.push(running, *(wechat.waybill("order", status) for status in (102, 201)))
        self.fails(running, "timed out")
        cluster.command("rtt -1 0")
        self.handed_over(running)
        messages = cluster.received()
        self.assertEqual(self.told(messages), {"order": [101, 102, 201]})
        self.assertGreater(len(messages), 3, "the late one was not appended before")

    def test_the_end_is_held_up_by_no_broker(self):
        """With the default time-out, which is longer than the drain's time: 74 would be the end by force."""
        for what in ("kill", "pause"):
            with self.subTest(what):
                cluster = self.cluster()
                running = self.serve_to(cluster)
                running.sections["server"]["drain"] = "1s"
                running.restart()
                self.push(running, wechat.waybill("order", 101))
                self.handed_over(running)
                getattr(cluster, what)()
                self.push(running, wechat.waybill("order", 102))
                self.assertEqual(running.stop(), 0, running.log.text())
                running.start()  # and now it does not come to a connection
                self.assertEqual(running.stop(), 0, running.log.text())
                cluster.resume() if what == "pause" else cluster.start()
                running.start()
                self.handed_over(running)
                self.assertEqual(self.told(cluster.received()), {"order": [101, 102]})

    def test_brokers_stop_and_leaders_change_under_load(self):
        cluster = self.cluster(partitions=6)
        running = self.serve_to(cluster)
        chance = random.Random(11)
        message = lambda thread, number: wechat.waybill(f"order-{thread}-{number % 5}", 100 + number // 5)
        with load.Load(running, message, threads=4, limit=100) as pushing:
            for _ in range(12):
                chance.choice(cluster.nodes).kill()
                before = self.status(running)["delivered"]
                server.wait_until(
                    lambda: self.status(running)["delivered"] > before or not pushing.running(), "more deliveries"
                )
                cluster.start()
            pushing.join()
        self.assertEqual(len(pushing.acknowledged), 400)
        self.handed_over(running)
        expected = {f"order-{thread}-{number}": list(range(100, 120)) for thread in range(4) for number in range(5)}
        self.assertEqual(self.told(cluster.received()), expected)


class RefusalTest(kafka_case.KafkaCase):
    def test_what_the_brokers_refuse_for_a_while_is_lost_nowhere(self):
        cluster = self.cluster()
        running = self.serve_to(cluster)
        # Each in a partition of its own (kafka_cluster.c, "What the mock does not do").
        names = (f"order-{number}" for number in itertools.count())
        orders = {partition_of(f"{SHOP.appid}/test_shop_id/{name}", 4): name for name in itertools.islice(names, 50)}
        self.assertEqual(len(orders), 4)
        expected = []
        for error, told in {
            NOT_ENOUGH_REPLICAS: "",
            NOT_LEADER: "",
            TIMED_OUT: "",
            UNKNOWN_TOPIC: "",
            TOPIC_UNAUTHORIZED: "Topic authorization failed",
            TOO_LARGE: "Message size too large",
            INVALID_RECORD: "failed to validate record",
            OUT_OF_SEQUENCE: "can go no further",
            INVALID_EPOCH: "epoch",
        }.items():
            with self.subTest(error):
                before = len(running.log.text())
                cluster.fail(PRODUCE, error, 2)
                for status in (1000 + error, 2000 + error):
                    expected.append(status)
                    self.push(running, *(wechat.waybill(order, status) for order in orders.values()))
                self.handed_over(running)
                server.wait_until(lambda: told in running.log.text()[before:], f"{told!r} in the log")
                self.assertEqual(self.told(cluster.received()), dict.fromkeys(orders.values(), expected))
        self.assertEqual(self.status(running)["dead_letters"], 0)

    def test_a_refused_event_dies_and_its_order_goes_on(self):
        cluster = self.cluster()
        running = self.serve_to(cluster, max_attempts=2)
        cluster.fail(PRODUCE, TOO_LARGE, 2)
        self.push(running, *(wechat.waybill("order", status) for status in (101, 102)))
        self.handed_over(running)
        self.assertEqual([event["state"] for event in running.events()], ["dead", "delivered"])
        self.assertEqual(self.told(cluster.received()), {"order": [102]})

    def test_refused_for_long_it_says_what_may_be_wrong_and_nothing_dies(self):
        cluster = self.cluster()
        running = self.serve_to(cluster, timeout="300ms", max_attempts=1)
        cluster.fail(PRODUCE, NOT_ENOUGH_REPLICAS, 10000)
        self.push(running, *(wechat.waybill("order", status) for status in (101, 102)))
        self.fails(running, "timed out", "min.insync.replicas")
        server.wait_until(lambda: self.status(running)["failures"] > 1, "more attempts than max_attempts")
        cluster.command(f"clear {PRODUCE}")
        self.handed_over(running)
        self.assertEqual(self.status(running)["dead_letters"], 0)
        self.assertEqual(self.told(cluster.received()), {"order": [101, 102]})

    def test_a_topic_that_is_not_there_is_named_and_not_made_up(self):
        cluster = self.cluster()
        running = self.serve_to(cluster, topic="nowhere")
        self.push(running, wechat.waybill("order"))
        self.fails(running, "topic nowhere", "Unknown topic")
        for _ in range(2):  # the first did not make it, either
            checked = running.run("check", "--connect")
            self.assertEqual(checked.returncode, UNAVAILABLE, checked.stderr)
            self.assertIn("ERROR    topic nowhere: Broker: Unknown topic or partition", checked.stdout)
        self.assertEqual(self.status(running)["delivered"], 0)

    def test_a_topic_that_comes_or_is_granted_later(self):
        for error, told in ((UNKNOWN_TOPIC, "Unknown topic"), (TOPIC_UNAUTHORIZED, "authorization failed")):
            with self.subTest(told):
                cluster = self.cluster()
                cluster.command(f"topic {TOPIC} {error}")
                running = self.serve_to(cluster)
                self.push(running, wechat.waybill("order"))
                self.fails(running, told)
                cluster.command(f"topic {TOPIC} 0")
                self.handed_over(running)
                self.assertEqual(self.told(cluster.received()), {"order": [102]})

    def test_a_topic_that_is_gone_for_a_while(self):
        cluster = self.cluster()
        running = self.serve_to(cluster, timeout="1s")
        self.push(running, wechat.waybill("order", 101))
        self.handed_over(running)
        cluster.command(f"topic {TOPIC} {UNKNOWN_TOPIC}")
        cluster.fail(PRODUCE, UNKNOWN_TOPIC, 3)  # it is told first of a message
        self.push(running, wechat.waybill("order", 102))
        self.fails(running, "nknown topic")
        cluster.command(f"topic {TOPIC} 0")
        self.handed_over(running)
        self.assertEqual(self.told(cluster.received()), {"order": [101, 102]})

    def test_a_user_who_may_not_write_idempotently_is_told_so_and_granted_it_later(self):
        cluster = self.cluster()
        cluster.fail(INIT_PRODUCER_ID, CLUSTER_UNAUTHORIZED, 10000)
        running = self.serve_to(cluster, timeout="1s")
        self.push(running, wechat.waybill("order"))
        self.fails(running, "can go no further", "authorization failed")
        cluster.command(f"clear {INIT_PRODUCER_ID}")
        self.handed_over(running)
        self.assertEqual(self.told(cluster.received()), {"order": [102]})

    def test_check_tells_what_a_confirmation_is_worth(self):
        for nodes, told in ((1, "has one copy"), (3, "4 partitions, 3 copies of each")):
            cluster = self.cluster(nodes=nodes)
            running = self.serve_to(cluster, timeout="1s")
            checked = running.run("check", "--connect")
            self.assertEqual(checked.returncode, 0, checked.stderr)
            self.assertIn(told, checked.stdout)
            self.assertIn("min.insync.replicas of topic wxpush-events cannot be seen", checked.stdout)
            cluster.kill()
            checked = running.run("check", "--connect")
            self.assertEqual(checked.returncode, UNAVAILABLE, checked.stderr)
            self.assertIn("ERROR    no connection", checked.stdout)


if __name__ == "__main__":
    unittest.main()
