"""Forwarded routes: pushes that another service answers, proved here and passed on as they came."""

import json
import threading
import unittest
import urllib.parse

import backend
import client
import configuration
import server
import wechat

SHOP = wechat.App()
TEXT = json.dumps(
    {"ToUserName": "gh_1", "FromUserName": "o", "CreateTime": 1714112445, "MsgType": "text", "Content": "在吗"}
).encode()


def text(number):
    """A customer-service message like TEXT, and unlike every other."""
    return json.dumps({**json.loads(TEXT), "MsgId": number}).encode()


def open_push(app, request):
    """What an SDK does with a push: its message, if the signature covers it; AssertionError if not."""
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.path).query))
    encrypted = json.loads(request.body)["Encrypt"]
    expected = wechat.signature(app.token, query["timestamp"], query["nonce"], encrypted)
    assert query["msg_signature"] == expected, "msg_signature does not cover what came"
    message, appid = wechat.unseal(app.encoding_aes_key, encrypted)
    assert appid == app.appid, appid
    return message


def sealed_reply(app, message):
    encrypted = wechat.seal(app.encoding_aes_key, app.appid, message)
    signature = wechat.signature(app.token, "1714112446", "n", encrypted)
    reply = {"Encrypt": encrypted, "MsgSignature": signature, "TimeStamp": 1714112446, "Nonce": "n"}
    return json.dumps(reply).encode()


class RouteCase(server.TestCase):
    def backend(self, *arguments, **options):
        one = backend.Backend(*arguments, **options)
        self.addCleanup(one.close)
        return one

    def prepare_with(self, *routes, **options):
        routes = [{"events": ["message.*"], "allow_private": True, **route} for route in routes]
        return self.prepare(apps=[{**SHOP.settings(), "route": routes}], **options)

    def serve_with(self, *routes, **options):
        return self.prepare_with(*routes, **options).start()

    def not_forwarded(self, running, cause):
        counted = running.metric("wxpush_pushes_total", app="shop", verdict="not_forwarded")
        self.assertEqual(running.metric("wxpush_not_forwarded_total", app="shop", cause=cause), counted)
        return counted

    def assert_try_again(self, response):
        self.assertEqual(response.status, 503)
        self.assertEqual(response.headers.get("retry-after"), "1")
        for secret in (b"127.0.0.1", b"localhost", b"refused"):
            self.assertNotIn(secret, response.raw)


class AnswerTest(RouteCase):
    def test_the_push_as_it_came_and_the_answer_as_it_was_given_over_tls(self):
        directory = self.prepare().directory
        certificate, key = configuration.make_certificate(directory)
        reply = sealed_reply(SHOP, b'{"MsgType":"transfer_customer_service"}')
        answer = (200, {"content-type": "application/json;odd=1"}, reply)
        sdk = self.backend(lambda _: answer, tls=(certificate, key))
        url = f"https://localhost:{sdk.port}/sdk?shop=1"
        running = self.serve_with({"url": url, "ca_file": str(certificate)})
        push = wechat.push(SHOP, TEXT)
        headers = [("Content-Type", "application/json"), ("X-Forwarded-For", "9.9.9.9")]
        with running.connect() as connection:
            response = connection.exchange("POST", push.target(), headers, push.body)
        self.assertEqual((response.status, response.body), (200, reply))
        self.assertEqual(response.headers["content-type"], "application/json;odd=1")
        (request,) = sdk.requests
        self.assertEqual(request.path, "/sdk?shop=1&" + push.target().partition("?")[2])
        self.assertEqual(request.body, push.body)
        self.assertEqual(request.headers["content-type"], "application/json")
        self.assertEqual(request.headers["x-forwarded-for"], "9.9.9.9, 127.0.0.1")
        self.assertEqual(open_push(SHOP, request), TEXT)
        self.assertEqual(running.events(), [])
        (line,) = running.log.wait_for("push")
        told = [line[name] for name in ("verdict", "app", "type", "event_id", "status")]
        self.assertEqual(told, ["forwarded", "shop", "message.text", push.event_id, 200])

    def test_what_it_refuses_and_what_it_fails_at_goes_back_as_well(self):
        html = {"content-type": "text/html", "retry-after": "7"}
        answers = {"a": 403, "b": (500, html, b"<h1>oh</h1>"), "c": (200, {}, b"")}
        sdk = self.backend(lambda request: answers[json.loads(open_push(SHOP, request))["Content"]])
        running = self.serve_with({"url": f"http://127.0.0.1:{sdk.port}/"})
        with running.connect() as connection:
            a, b, c = (
                connection.post(wechat.push(SHOP, json.dumps({"MsgType": "text", "Content": name}).encode()))
                for name in "abc"
            )
        self.assertEqual((a.status, a.body, "retry-after" in a.headers), (403, b"ok", False))
        self.assertEqual((b.status, b.body, b.headers["retry-after"]), (500, b"<h1>oh</h1>", "7"))
        self.assertEqual(b.headers["content-type"], "text/html")
        self.assertEqual((c.status, c.body, c.headers.get("content-type")), (200, b"", None))
        self.assertEqual(running.metric("wxpush_pushes_total", app="shop", verdict="forwarded"), 3)

    def test_a_connection_is_used_again_over_tls_unless_something_is_left_in_it(self):
        certificate, key = configuration.make_certificate(self.prepare().directory)
        # The third answer is one that has no body, with a body: two records of TLS in one segment.
        sdk = self.backend(lambda _: 204 if len(sdk.requests) == 2 else 200, tls=(certificate, key))
        running = self.serve_with({"url": f"https://localhost:{sdk.port}/", "ca_file": str(certificate)})
        statuses = [running.post(wechat.push(SHOP, text(number))).status for number in range(4)]
        self.assertEqual(statuses, [200, 200, 204, 200])
        self.assertEqual((len(sdk.requests), len(sdk.peers)), (4, 2))

    def test_the_first_route_counts_and_what_none_names_is_ours(self):
        first = self.backend(body=b"first")
        path = str(self.prepare().directory / "second.sock")
        second = self.backend(unix=path, body=b"second")
        running = self.serve_with(
            {"url": f"http://127.0.0.1:{first.port}/", "events": ["message.event", "xpay_*"]},
            {"url": f"unix:{path}:/sdk", "events": ["xpay_refund_notify", "message.*"], "allow_private": False},
        )
        with running.connect() as connection:
            paid = connection.post(wechat.push(SHOP, b'{"MsgType":"event","Event":"xpay_refund_notify"}'))
            told = connection.post(wechat.push(SHOP, TEXT))
            ours = connection.post(wechat.push(SHOP, wechat.waybill("order")))
        self.assertEqual((paid.body, told.body), (b"first", b"second"))
        self.assertEqual(wechat.open_reply(SHOP, ours.body)["Event"], "update_waybill_status")
        self.assertEqual([event["type"] for event in running.events()], ["update_waybill_status"])
        self.assertTrue(second.requests[0].path.startswith("/sdk?signature="), second.requests[0].path)

    def test_what_is_not_proved_never_gets_there(self):
        sdk = self.backend()
        running = self.serve_with({"url": f"http://127.0.0.1:{sdk.port}/", "events": ["*"], "store": True})
        forged = wechat.push(wechat.App(token="another"), TEXT)
        foreign = wechat.push(SHOP, TEXT, encrypted=wechat.seal(SHOP.encoding_aes_key, "wxother", TEXT))
        plain = wechat.push(SHOP, TEXT, body=TEXT)
        with running.connect() as connection:
            for push in (forged, foreign, plain):
                self.assertEqual(connection.post(push).status, 403)
            self.assertEqual(connection.post(wechat.push(SHOP, TEXT)).status, 200)
        self.assertEqual(len(sdk.requests), 1)
        query = f"signature={wechat.signature(SHOP.token, '1', 'n')}&timestamp=1&nonce=n&echostr=e"
        with running.connect() as connection:
            self.assertEqual(connection.exchange("GET", f"/wx/shop?{query}").body, b"e")
        self.assertEqual(len(sdk.requests), 1)


    def test_made_up_events_are_not_sent_to_it_unasked(self):
        running = self.serve_with({"url": f"http://127.0.0.1:{backend.free_port()}/"})
        result = running.run("bench", "--duration", "0.1")
        self.assertEqual(result.returncode, 64, result.stderr)
        self.assertIn("app shop has routes", result.stderr)

    def test_the_settings_in_force_show_it(self):
        shown = self.prepare_with({"url": "http://127.0.0.1:1/sdk", "store": True})
        shown.write_configuration()
        printed = shown.run("check", "--effective").stdout
        route = '[[app.route]]\nevents = ["message.*"]\nmode = "forward"\nurl = "http://127.0.0.1:1/sdk"\n'
        self.assertIn(route, printed)


class StoreTest(RouteCase):
    def test_what_is_forwarded_is_kept_for_the_handlers_and_a_repeat_is_forwarded_again(self):
        sdk, own = self.backend(body=b"theirs"), self.backend()
        handler = {"name": "own", "type": "http", "url": f"http://127.0.0.1:{own.port}/", "allow_private": True}
        running = self.serve_with({"url": f"http://127.0.0.1:{sdk.port}/", "store": True}, handlers=[handler])
        push = wechat.push(SHOP, TEXT)
        for _ in range(2):
            self.assertEqual(running.post(push).body, b"theirs")
        self.assertEqual([request.body for request in sdk.requests], [push.body] * 2)
        own.wait_for(len, "the event")
        self.assertEqual(own.requests[0].body, TEXT)
        (event,) = running.events()
        self.assertEqual((event["type"], event["event_id"]), ("message.text", push.event_id))
        self.assertEqual(running.metric("wxpush_pushes_total", app="shop", verdict="forwarded"), 2)

    def test_what_was_kept_while_the_service_was_down_is_answered_later(self):
        port = backend.free_port()
        running = self.serve_with({"url": f"http://127.0.0.1:{port}/", "store": True})
        push = wechat.push(SHOP, TEXT)
        self.assert_try_again(running.post(push))
        self.assertEqual(len(running.events()), 1)
        self.backend(port=port, body=b"theirs")
        self.assertEqual(running.post(push).body, b"theirs")
        self.assertEqual(len(running.events()), 1)


class FailureTest(RouteCase):
    def test_a_service_that_is_down_is_503_and_its_cause_is_in_the_log(self):
        running = self.serve_with({"url": f"http://127.0.0.1:{backend.free_port()}/"})
        self.assert_try_again(running.post(wechat.push(SHOP, TEXT)))
        self.assertEqual(self.not_forwarded(running, "unreachable"), 1)
        self.assertEqual(running.events(), [])
        server.wait_until(lambda: "Connection refused" in running.log.text(), "the cause in the log")

    def test_a_certificate_that_nobody_vouches_for_is_503(self):
        certificate, key = configuration.make_certificate(self.prepare().directory)
        sdk = self.backend(tls=(certificate, key))
        running = self.serve_with({"url": f"https://localhost:{sdk.port}/"})
        self.assert_try_again(running.post(wechat.push(SHOP, TEXT)))
        self.assertEqual((self.not_forwarded(running, "unreachable"), sdk.requests), (1, []))

    def test_addresses_that_are_not_public_are_asked_for(self):
        sdk = self.backend()
        running = self.serve_with({"url": f"http://127.0.0.1:{sdk.port}/", "allow_private": False})
        self.assert_try_again(running.post(wechat.push(SHOP, TEXT)))
        self.assertEqual((self.not_forwarded(running, "unreachable"), sdk.requests), (1, []))
        server.wait_until(lambda: "allow_private" in running.log.text(), "the cause in the log")

    def test_an_answer_of_more_than_a_megabyte_is_503_and_one_of_a_megabyte_is_not(self):
        body = b"x" * (1 << 20)
        sdk = self.backend(lambda request: (200, {}, body + b"x" * (len(sdk.requests) % 2)))
        running = self.serve_with({"url": f"http://127.0.0.1:{sdk.port}/"})
        with running.connect() as connection:
            self.assertEqual(connection.post(wechat.push(SHOP, TEXT)).body, body)
            self.assert_try_again(connection.post(wechat.push(SHOP, TEXT)))
        self.assertEqual(self.not_forwarded(running, "answer_too_large"), 1)

    def test_one_that_hangs_ends_at_the_deadline_and_holds_up_no_other_push(self):
        release = threading.Event()
        self.addCleanup(release.set)
        sdk = self.backend(lambda _: 200 if release.wait(client.DEADLINE) else 200)
        prompt = self.backend(body=b"prompt")
        running = self.serve_with(
            {"url": f"http://127.0.0.1:{sdk.port}/"},
            {"url": f"http://127.0.0.1:{prompt.port}/", "events": ["xpay_*"]},
            sections={"server": {"request_deadline": "4s"}},
        )
        stuck = [running.connect() for _ in range(8)]
        for number, connection in enumerate(stuck):
            self.addCleanup(connection.close)
            push = wechat.push(SHOP, text(number))
            connection.request("POST", push.target(), (), push.body)
        with running.connect() as connection:
            for number in range(20):
                self.assertEqual(connection.post(wechat.push(SHOP, wechat.waybill(f"o{number}"))).status, 200)
            paid = connection.post(wechat.push(SHOP, b'{"MsgType":"event","Event":"xpay_refund_notify"}'))
        self.assertEqual(paid.body, b"prompt")
        self.assertTrue(stuck[0].silent(0.01))  # all that was answered while it waits
        for connection in stuck:
            self.assert_try_again(connection.receive())
        self.assertEqual(self.not_forwarded(running, "no_answer"), 8)

    def test_files_that_cannot_be_used_are_told_at_the_start(self):
        wrong = self.prepare_with({"url": "https://localhost/", "ca_file": "nowhere.pem"})
        wrong.spawn()
        self.assertEqual(wrong.wait(), 78)
        self.assertIn("app shop: route to https://localhost", wrong.log.text())
        self.assertIn("nowhere.pem", wrong.log.text())


class ReloadTest(RouteCase):
    def reload(self, running, code=0):
        running.write_configuration()
        result = running.run("reload")
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stderr

    def test_routes_come_change_and_go_while_it_runs(self):
        first, second = self.backend(body=b"first"), self.backend(body=b"second")
        running = self.serve()
        answers = [running.post(wechat.push(SHOP, TEXT)).body]
        for one in (first, second):
            route = {"events": ["*"], "url": f"http://127.0.0.1:{one.port}/", "allow_private": True}
            running.apps[0]["route"] = [route]
            self.reload(running)
            answers.append(running.post(wechat.push(SHOP, text(1))).body)
        del running.apps[0]["route"]
        self.reload(running)
        answers.append(running.post(wechat.push(SHOP, text(2))).body)
        self.assertEqual(answers, [b"success", b"first", b"second", b"success"])
        self.assertEqual((len(first.requests), len(second.requests)), (1, 1))

    def test_a_route_that_goes_while_its_service_is_asked_still_brings_the_answer(self):
        arrived, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def answer(_):
            arrived.set()
            release.wait(client.DEADLINE)
            return 200

        sdk = self.backend(answer, body=b"theirs")
        running = self.serve_with({"url": f"http://127.0.0.1:{sdk.port}/"})
        with running.connect() as connection:
            push = wechat.push(SHOP, TEXT)
            connection.request("POST", push.target(), (), push.body)
            self.assertTrue(arrived.wait(client.DEADLINE))
            del running.apps[0]["route"]
            self.reload(running)
            release.set()
            self.assertEqual(connection.receive().body, b"theirs")

    def test_files_that_cannot_be_used_leave_the_routes_as_they_are(self):
        sdk = self.backend(body=b"theirs")
        running = self.serve_with({"url": f"http://127.0.0.1:{sdk.port}/"})
        running.apps[0]["route"] = [{"events": ["*"], "url": "https://localhost/", "ca_file": "nowhere.pem"}]
        self.assertIn("nowhere.pem", self.reload(running, 78))
        self.assertEqual(running.post(wechat.push(SHOP, TEXT)).body, b"theirs")


class EndTest(RouteCase):
    def hold(self, **sections):
        """A server with a push that its service holds until release() is called."""
        arrived, release = threading.Event(), threading.Event()
        self.addCleanup(release.set)

        def answer(_):
            arrived.set()
            release.wait(client.DEADLINE)
            return 200

        sdk = self.backend(answer, body=b"theirs")
        running = self.serve_with({"url": f"http://127.0.0.1:{sdk.port}/"}, sections={"server": sections})
        connection = running.connect()
        self.addCleanup(connection.close)
        push = wechat.push(SHOP, TEXT)
        connection.request("POST", push.target(), (), push.body)
        self.assertTrue(arrived.wait(client.DEADLINE))
        return running, connection, release.set

    def test_a_drain_waits_for_what_is_under_way(self):
        running, connection, release = self.hold()
        running.signal(15)
        server.wait_until(lambda: "draining" in running.log.text(), "the drain")
        release()
        response = connection.receive()
        self.assertEqual((response.body, response.headers.get("connection")), (b"theirs", "close"))
        self.assertEqual(running.wait(), 0)

    def test_the_end_of_a_drain_does_not_wait_for_a_service_that_hangs(self):
        running, connection, _ = self.hold(drain="0s")
        self.assertEqual(running.stop(), 0)
        self.assertTrue(connection.closed())


if __name__ == "__main__":
    unittest.main()
