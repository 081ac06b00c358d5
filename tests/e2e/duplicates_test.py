"""One event is stored once, however often it is pushed; two events are two, however alike they are."""

import threading
import unittest

import server
import wechat


class DistinctTest(server.TestCase):
    def test_two_orders_in_the_same_second_from_the_same_user_are_both_stored(self):
        # WeChat's own advice, FromUserName + CreateTime, would lose one of them.
        running, app = self.serve(), wechat.App()
        for order in ("first", "second"):
            push = wechat.push(
                app, wechat.waybill(order, CreateTime=1714112445), timestamp="1714112445", nonce="1"
            )
            self.accepted(running, push)
        stored = [event["body"]["shop_order_id"] for event in running.events()]
        self.assertEqual(stored, ["first", "second"])

    def test_one_status_told_twice_in_other_bytes_is_two_events(self):
        running, app = self.serve(), wechat.App()
        for text in ("rider on the way", "rider on the way!"):
            self.accepted(running, wechat.push(app, wechat.waybill("order", action_msg=text)))
        self.assertEqual(len(running.events()), 2)


class RepeatedTest(server.TestCase):
    def setUp(self):
        self.app = wechat.App()
        self.message = wechat.waybill("order")
        self.server = self.serve(handlers=[server.LOG_HANDLER])

    def repeated(self):
        """The same event in a push of its own: other timestamp, nonce and random bytes, so other ciphertext."""
        return wechat.push(self.app, self.message)

    def assert_stored_once(self):
        self.assertEqual(
            [event["event_id"] for event in self.server.events()],
            [wechat.event_id(self.app.appid, self.message)],
        )

    def assert_acknowledged(self, response):
        self.assertEqual(response.status, 200, response.raw)
        reply = wechat.open_reply(self.app, response.body)
        self.assertEqual((reply["Event"], reply["resultcode"]), ("update_waybill_status", 0))

    def test_five_times_one_after_the_other(self):
        push = self.repeated()
        for _ in range(5):
            self.assert_acknowledged(self.server.post(push))
        self.assert_stored_once()
        self.assertEqual(self.server.metric("wxpush_pushes_total", app="shop", verdict="accepted"), 1)
        self.assertEqual(self.server.metric("wxpush_pushes_total", app="shop", verdict="duplicate"), 4)
        self.assertEqual(self.server.metric("wxpush_repeated_after_ack_total", app="shop"), 4)

    def test_five_times_at_once(self):
        start, responses = threading.Barrier(5), []

        def post():
            push = self.repeated()
            with self.server.connect() as connection:
                start.wait(20)
                responses.append(connection.post(push))

        threads = [threading.Thread(target=post) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(len(responses), 5)
        for response in responses:
            self.assert_acknowledged(response)
        self.assert_stored_once()

    def test_again_after_a_restart_and_after_kill_9(self):
        self.assert_acknowledged(self.server.post(self.repeated()))
        self.server.restart()
        self.assert_acknowledged(self.server.post(self.repeated()))
        self.server.kill()
        self.server.start()
        self.assert_acknowledged(self.server.post(self.repeated()))
        self.assert_stored_once()

    def test_row_ids_go_on_rising_over_a_restart(self):
        self.accepted(self.server, self.repeated())
        self.server.restart()
        self.accepted(self.server, self.repeated())
        self.accepted(self.server, wechat.push(self.app, wechat.waybill("another")))
        first, second = (event["id"] for event in self.server.events())
        self.assertLess(first, second)

    def test_a_known_push_is_handled_once(self):
        for order in ("order", "order", "last"):
            self.accepted(self.server, wechat.push(self.app, wechat.waybill(order)))
        handled = [
            entry["order_key"].rpartition("/")[2] for entry in self.server.log.wait_for("event", count=2)
        ]
        self.assertEqual(handled, ["order", "last"])


if __name__ == "__main__":
    unittest.main()
