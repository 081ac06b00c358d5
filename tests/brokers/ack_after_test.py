"""`ack_after`: a push is acknowledged only when the broker has its event, too."""

import unittest

import rabbit  # first: it makes the modules of tests/e2e importable

import client
import server
import wechat

BROKER = None
QUICK = {"timeout": "2s", "retry_min": "20ms", "retry_max": "200ms"}


def setUpModule():
    global BROKER
    BROKER = rabbit.RabbitBroker()
    unittest.addModuleCleanup(BROKER.close)
    BROKER.start()


class AckAfterTest(server.TestCase):
    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1]
        BROKER.use(self.name)
        BROKER.declare(self.name)

    def serve_to_rabbit(self, ack_after="broker", deadline="1s", **settings):
        app = {**wechat.App().settings(), "ack_after": ack_after, "ack_handler": "queue"}
        handler = BROKER.handler("queue", queue=self.name, **{**QUICK, **settings})
        return self.serve(apps=[app], handlers=[handler], sections={"server": {"request_deadline": deadline}})

    def push(self, order, **fields):
        return wechat.push(wechat.App(), wechat.waybill(order, **fields))

    def test_what_was_acknowledged_is_in_the_broker_though_the_store_is_gone(self):
        for ack_after in ("broker", "both"):
            with self.subTest(ack_after):
                running = self.serve_to_rabbit(ack_after, deadline="3500ms")
                pushes = [self.push(f"{ack_after}-{number}") for number in range(30)]
                acknowledged = {push.event_id for push in pushes if running.post(push).status == 200}
                self.assertGreater(len(acknowledged), len(pushes) / 2)
                running.kill()
                for path in running.store.iterdir():
                    path.unlink()
                self.assertLessEqual(acknowledged, self.at_broker())

    def at_broker(self):
        return {one.event_id for one in BROKER.received()}

    def test_without_the_broker_503_and_the_retry_finds_it(self):
        running = self.serve_to_rabbit()
        BROKER.pause()
        try:
            push = self.push("order-1")
            self.assertEqual(running.post(push).status, 503)
            self.assertEqual(running.metric("wxpush_pushes_total", app="shop", verdict="not_confirmed"), 1)
            # It is stored, and is handed over when the broker goes on.
            self.assertEqual([event["event_id"] for event in running.events()], [push.event_id])
        finally:
            BROKER.resume()
        server.wait_until(lambda: running.post(push).status == 200, "the retry acknowledged")
        self.assertEqual(self.at_broker(), {push.event_id})
        self.assertEqual(len(running.events()), 1)

    def test_a_push_that_comes_again_after_a_restart_is_known_to_be_there(self):
        running = self.serve_to_rabbit()
        push = self.push("order-1")
        server.wait_until(lambda: running.post(push).status == 200, "the push acknowledged")
        running.restart()
        BROKER.pause()
        try:
            self.assertEqual(running.post(push).status, 200)
        finally:
            BROKER.resume()
        self.assertEqual(len(BROKER.received()), 1)

    def test_one_whose_event_cannot_be_read_any_more_is_refused_and_ends_nobody(self):
        # The writer has the page in memory, and knows the event; who asks whether it was handed over reads the disk.
        running = self.serve_to_rabbit(deadline="3500ms")
        first, *others = [self.push(f"order-{number}") for number in range(41)]  # more than one page of them
        for push in (first, *others):
            server.wait_until(lambda push=push: running.post(push).status == 200, "the push acknowledged")
        running.stop()
        running.start()
        database = running.store / "queue.db"
        content = bytearray(database.read_bytes())
        content[content.index(b'"shop_order_id":"order-0"') + 3] ^= 1
        database.write_bytes(content)
        self.assertEqual(running.post(self.push("order-41")).status, 200)  # what readers remember is no longer all
        self.assertEqual(running.post(first).status, 503)
        self.assertIn("could not find out whether an event was handed over", running.log.text())
        self.assertEqual(running.stop(), 0)

    def test_a_dead_letter_is_never_acknowledged(self):
        running = self.serve_to_rabbit(vhost="nowhere", max_backlog_age="1ms")
        push = self.push("order-1")
        server.wait_until(lambda: running.post(push).status == 503 and self.is_dead(running), "a dead letter")
        self.assertEqual(running.post(push).status, 503)

    def is_dead(self, running):
        return running.events()[0]["state"] == "dead"

    def test_events_that_the_handler_does_not_ask_for_wait_for_nobody(self):
        running = self.serve_to_rabbit(vhost="nowhere", events=["transport_*"])
        self.assertEqual(running.post(self.push("order-1")).status, 200)

    def test_a_reload_turns_it_on(self):
        running = self.serve(handlers=[BROKER.handler("queue", queue=self.name, vhost="nowhere", **QUICK)])
        self.assertEqual(running.post(self.push("order-1")).status, 200)
        running.apps[0].update(ack_after="broker", ack_handler="queue")
        running.sections["server"]["request_deadline"] = "3500ms"
        running.write_configuration()
        self.assertEqual(running.run("reload").returncode, 0)
        self.assertEqual(running.post(self.push("order-2")).status, 503)


if __name__ == "__main__":
    unittest.main()
