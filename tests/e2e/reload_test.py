"""Settings taken over by a running server: all or nothing, losing nothing."""

import json
import signal
import ssl
import threading
import unittest

import backend
import configuration
import load
import server
import wechat

SHOP = wechat.App()
CAFE = wechat.App("cafe", "wxfedcba9876543210", "tokenOfCafe", "Z" * 43)
FRESH = wechat.App("shop", SHOP.appid, "anotherToken", "Y" * 43)
CONFIGURATION, UNAVAILABLE = 78, 69  # exit codes


class ReloadTest(server.TestCase):
    def backend(self, *arguments, **options):
        one = backend.Backend(*arguments, **options)
        self.addCleanup(one.close)
        return one

    def to(self, one, name="backend", **options):
        return {
            "name": name,
            "type": "http",
            "url": f"http://127.0.0.1:{one.port}/",
            "allow_private": True,
            "retry_min": "10ms",
            "retry_max": "50ms",
            **options,
        }

    def reload(self, running, code=0):
        running.write_configuration()
        result = running.run("reload", "--format", "json")
        self.assertEqual(result.returncode, code, result.stderr)
        return json.loads(result.stdout) if code == 0 else result.stderr

    def handlers(self, running):
        return {handler["name"]: handler for handler in running.status()["handlers"]}

    def test_apps_and_keys(self):
        running = self.serve()
        self.assertEqual(running.post(wechat.push(CAFE, wechat.waybill("a"))).status, 404)
        running.apps.append(CAFE.settings())
        running.apps[0] = FRESH.settings()
        self.assertEqual(
            self.reload(running), {"changed": ["app cafe: added", "app shop: changed"], "needs_restart": []}
        )
        self.accepted(running, wechat.push(CAFE, wechat.waybill("a")))
        self.accepted(running, wechat.push(FRESH, wechat.waybill("b")))
        self.assertEqual(running.post(wechat.push(SHOP, wechat.waybill("c"))).status, 403)
        del running.apps[1]
        self.assertEqual(self.reload(running)["changed"], ["app cafe: removed"])
        self.assertEqual(running.post(wechat.push(CAFE, wechat.waybill("d"))).status, 404)
        self.assertEqual(running.metric("wxpush_pushes_total", app="shop", verdict="accepted"), 1)

    def test_a_push_in_quarantine_is_opened_by_the_key_that_comes(self):
        running = self.serve()
        console = wechat.App("shop", SHOP.appid, SHOP.token, "Y" * 43)  # the console's key was changed first
        self.assertEqual(running.post(wechat.push(console, wechat.waybill("early"))).status, 403)
        running.apps[0] = console.settings()
        self.reload(running)
        server.wait_until(lambda: len(running.events()) == 1, "the push as an event")

    def test_handlers_come_change_and_go_under_load_and_nothing_is_lost(self):
        first, second = self.backend(), self.backend()
        running = self.serve(handlers=[self.to(first)])
        name = lambda thread, number: wechat.waybill(f"order-{thread}-{number % 7}", 100 + number)
        with load.Load(running, name) as pushing:
            pushing.wait_for(50)
            running.handlers = [self.to(second, concurrency=4), self.to(first, name="journal")]
            self.assertEqual(
                self.reload(running)["changed"], ["handler journal: added", "handler backend: changed"]
            )
            pushing.wait_for(100)
            running.handlers = [self.to(second, concurrency=4)]
            self.assertEqual(self.reload(running)["changed"], ["handler journal: removed"])
            pushing.wait_for(150)
        acknowledged = set(pushing.acknowledged)
        server.wait_until(lambda: self.handlers(running)["backend"]["pending"] == 0, "all delivered")
        got = lambda one: {request.headers["webhook-id"] for request in one.delivered()}
        self.assertLessEqual(acknowledged, got(first) | got(second))
        self.assertNotIn("journal", self.handlers(running))
        running.restart()  # what the store knows fits the settings
        self.assertEqual(running.post(wechat.push(SHOP, wechat.waybill("last"))).status, 200)

    def test_a_handler_with_a_backlog_is_not_removed_and_nothing_else_changes(self):
        one = self.backend(lambda request: 503)
        running = self.serve(handlers=[self.to(one)])
        self.accepted(running, wechat.push(SHOP, wechat.waybill("a")))
        running.handlers, running.apps = [], [*running.apps, CAFE.settings()]
        told = self.reload(running, CONFIGURATION)
        for text in ("handler backend is gone", "1 events wait for it", "renamed_from", "wxpush handler forget backend"):
            self.assertIn(text, told)
        self.assertEqual(running.metric("wxpush_config_last_reload_success"), 0)
        self.assertEqual(running.post(wechat.push(CAFE, wechat.waybill("b"))).status, 404)
        one.answer = lambda request: 200
        one.wait_for(lambda requests: one.delivered(), "its delivery: it goes on")
        server.wait_until(lambda: self.handlers(running)["backend"]["pending"] == 0, "nothing left")
        self.reload(running)
        self.assertEqual(self.handlers(running), {})
        self.assertEqual(running.metric("wxpush_config_last_reload_success"), 1)

    def test_a_forgotten_handler_may_go(self):
        one = self.backend(lambda request: 503)
        running = self.serve(handlers=[self.to(one)])
        self.accepted(running, wechat.push(SHOP, wechat.waybill("a")))
        running.handlers = []
        self.reload(running, CONFIGURATION)
        self.assertEqual(running.run("handler", "forget", "backend").returncode, 0)
        self.assertEqual(self.reload(running)["changed"], [])
        self.assertEqual(running.events()[0]["state"], "unrouted")

    def test_a_renamed_handler_goes_on_where_it_stood(self):
        down, up = self.backend(lambda request: 503), self.backend()
        running = self.serve(handlers=[self.to(down)])
        for status in (101, 102):
            self.accepted(running, wechat.push(SHOP, wechat.waybill("a", status)))
        running.handlers = [self.to(up, name="shop-backend", renamed_from="backend")]
        self.assertEqual(
            self.reload(running)["changed"], ["handler shop-backend: added", "handler backend: removed"]
        )
        up.wait_for(lambda requests: len(requests) == 2, "both")
        told = [json.loads(request.body)["order_status"] for request in up.requests]
        self.assertEqual(told, [101, 102])
        self.assertEqual(list(self.handlers(running)), ["shop-backend"])

    def test_a_place_is_taken_over_only_by_a_handler_that_is_new(self):
        down = self.backend(lambda request: 503)
        up = self.backend()
        running = self.serve(handlers=[self.to(down, "first"), self.to(up, "second")])
        self.accepted(running, wechat.push(SHOP, wechat.waybill("a")))
        running.handlers = [self.to(up, "second", renamed_from="first")]
        self.assertIn("handler first is gone", self.reload(running, CONFIGURATION))
        self.assertEqual(set(self.handlers(running)), {"first", "second"})

    def test_dead_letters_of_a_handler_that_is_gone_can_be_given_up_but_not_offered(self):
        one = self.backend(lambda request: 410)
        running = self.serve(handlers=[self.to(one)])
        self.accepted(running, wechat.push(SHOP, wechat.waybill("a")))
        server.wait_until(lambda: running.events()[0]["state"] == "dead", "a dead letter")
        running.handlers = []
        self.reload(running)
        self.accepted(running, wechat.push(SHOP, wechat.waybill("b")))
        running.restart()  # what came since does not wait for it
        result = running.run("dlq", "requeue", "--since", "1h", "--yes")
        self.assertEqual(result.returncode, 1)
        self.assertIn("handler backend is gone", result.stderr)
        self.assertEqual(running.run("dlq", "discard", "1").stdout, "1 discarded\n")
        self.assertEqual(running.run("dlq", "list", "--format", "json").stdout, "")

    def test_a_callback_under_way_is_waited_for_and_an_attempt_that_hangs_is_repeated(self):
        release = threading.Event()
        self.addCleanup(release.set)

        def answer(request):
            release.wait(20)
            return 200

        hanging, other = self.backend(answer), self.backend()
        running = self.serve(handlers=[self.to(hanging)])
        self.accepted(running, wechat.push(SHOP, wechat.waybill("a")))
        server.wait_until(lambda: running.events()[0]["state"] == "pending", "the event on its way")
        running.handlers = [self.to(other)]
        self.reload(running)
        other.wait_for(lambda requests: len(requests) == 1, "the repeated attempt")

    def test_certificates(self):
        running = self.serve()
        folder = running.directory / "new"
        folder.mkdir()
        certificate, key = configuration.make_certificate(folder)
        running.sections["server"].update(certificate=certificate, private_key=key)
        with running.connect() as old:
            self.assertEqual(self.reload(running)["changed"], ["certificate: changed"])
            self.assertEqual(old.post(wechat.push(SHOP, wechat.waybill("a"))).status, 200)
        with self.assertRaises(ssl.SSLError):
            running.connect()
        running.tls = ssl.create_default_context(cafile=certificate)
        self.accepted(running, wechat.push(SHOP, wechat.waybill("b")))

    def test_on_an_error_the_old_settings_stay(self):
        running = self.serve(handlers=[server.LOG_HANDLER])
        good = running.configuration_file().read_text()
        broken = [
            (good.replace('"log"', '"lgo"'), "unknown"),
            (good.replace("cert.pem", "none.pem"), "none.pem"),
            ("this is no TOML", "wxpush.toml"),
        ]
        for text, told in broken:
            running.configuration_file().write_text(text)
            result = running.run("reload")
            self.assertEqual(result.returncode, CONFIGURATION, text)
            self.assertIn(told, result.stderr)
            self.accepted(running, wechat.push(SHOP, wechat.waybill(told)))
        running.configuration_file().write_text(good)
        self.assertEqual(running.run("reload").stdout, "nothing changed\n")

    def test_what_needs_a_restart_is_named(self):
        running = self.serve()
        running.sections["server"]["idle_timeout"] = "30s"
        self.assertEqual(self.reload(running), {"changed": [], "needs_restart": ["server.idle_timeout"]})
        self.assertIn("server.idle_timeout changed, too", running.run("reload").stderr)

    def test_by_signal(self):
        running = self.serve()
        running.apps.append(CAFE.settings())
        running.write_configuration()
        running.signal(signal.SIGHUP)
        server.wait_until(lambda: "the settings were reloaded" in running.log.text(), "the reload in the log")
        self.accepted(running, wechat.push(CAFE, wechat.waybill("a")))
        running.configuration_file().write_text("no TOML")
        running.signal(signal.SIGHUP)
        server.wait_until(lambda: "reload refused" in running.log.text(), "the refusal in the log")
        self.accepted(running, wechat.push(CAFE, wechat.waybill("b")))

    def test_without_a_server(self):
        running = self.serve()
        running.stop()
        self.assertEqual(running.run("reload").returncode, UNAVAILABLE)


if __name__ == "__main__":
    unittest.main()
