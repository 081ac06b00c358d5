"""The looking for leaks itself: it finds what is planted, each kind in each place."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest
import unittest.mock

import configuration
import leaks
import server
import supervised
import wechat

APPS = [{"name": "shop", "keys": [{"name": "new", "token": "nested-token"}], "token": "tokenOfShop"}]
HANDLERS = [{"name": "backend", "secrets": ["whsec_0123"], "headers": {"authorization": "Bearer letmein"}, "password": "short"}]
SHOP = wechat.App()
GUESSED = wechat.App(token="guessed")


class HiddenTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="wxpush-leaks-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.hidden = leaks.Hidden()
        self.hidden.learn([*APPS, *HANDLERS], self.folder)

    def found(self, text, **options):
        with self.assertRaises(AssertionError) as found:
            self.hidden.look(text, "the log", **options)
        return str(found.exception)

    def test_what_stands_in_the_settings_or_in_a_message(self):
        for private in ("tokenOfShop", "nested-token", "whsec_0123", "Bearer letmein", *leaks.PRIVATE):
            with self.subTest(private):
                self.assertNotIn(private, self.found(f'{{"error": "{private}"}}'))

    def test_also_as_json_writes_it(self):
        self.found(wechat.RIDER_NAME.encode("unicode_escape"))

    def test_what_stands_in_files_that_the_settings_name(self):
        for name in leaks.SECRET_FILES - {"private_key"}:
            (self.folder / name).write_text(f"content of {name}\n")
            setting = [name] if name.endswith("s") else str(self.folder / name)  # relative to the settings, or not
            self.hidden.learn([{"nested": [{name: setting, "other": "missing"}]}], self.folder)
            with self.subTest(name):
                self.found(f"x content of {name}")

    def test_each_line_of_a_private_key_and_nothing_of_its_frame(self):
        _, key = configuration.make_certificate(self.folder)
        self.hidden.learn([{"private_key": key}], self.folder)
        frame, *lines, _ = key.read_text().splitlines()
        self.assertGreaterEqual(len(lines), 2)
        for line in lines:
            self.found(line)
        self.hidden.look(frame, "the log")

    def test_what_was_hidden_before_a_rotation(self):
        self.hidden.learn([{"token": "anotherToken"}], self.folder)
        self.found("tokenOfShop")
        self.found("anotherToken")

    def test_what_is_public_is_not(self):
        self.hidden.look("the app shop, handler backend, order order-1, password short", "the log")

    def test_who_may_see_names_may_not_see_secrets(self):
        self.hidden.look(wechat.RIDER_PHONE, "stdout", revealed=True)
        self.found("tokenOfShop", revealed=True)

    def test_processes_that_a_process_started(self):
        started = subprocess.Popen(
            ["sh", "-c", 'sh -c "sleep 60; :" "$WORD" & wait'],
            env={**os.environ, "WORD": "tokenOfShop"},
            start_new_session=True,
        )
        self.addCleanup(started.wait)
        self.addCleanup(os.killpg, started.pid, signal.SIGKILL)

        def seen():
            try:
                self.hidden.look_at_processes(started.pid)
            except AssertionError:
                return True
            return False

        server.wait_until(seen, "the word in the process list")

    def test_a_process_that_may_leave_a_core(self):
        program = self.folder / "wxpush"
        program.symlink_to("/bin/sleep")
        started = subprocess.Popen([program, "60"])
        self.addCleanup(started.wait)
        self.addCleanup(started.kill)
        limits = leaks.limits_of(started.pid)
        line = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
        for limit, may in (("0 0", False), ("0 unlimited", True), ("unlimited unlimited", True)):
            told = limits.replace(line, f"Max core file size {limit} bytes")
            with self.subTest(limit), unittest.mock.patch.object(leaks, "limits_of", return_value=told):
                expected = self.assertRaisesRegex(AssertionError, "core file") if may else contextlib.nullcontext()
                with expected:
                    self.hidden.look_at_processes(started.pid)


class PlacesTest(server.TestCase):
    """What a server does show, and may, is called hidden: so each place is looked at, also where no test thinks of it."""

    def serve_and_hide(self, *words, **options):
        running = self.prepare(handlers=[server.LOG_HANDLER], **options)
        self.addCleanup(setattr, running, "hidden", leaks.Hidden())  # before its removal, which looks, too
        running.start()
        running.hidden.secrets.update(word.encode() for word in words)
        return running

    def finds(self, act, *arguments, **options):
        self.assertRaisesRegex(AssertionError, "shows something private", act, *arguments, **options)

    def test_status_and_metrics_also_where_nobody_asks(self):
        for word in ("wxpush_connections", '"draining"'):
            running = self.serve_and_hide(word)
            self.finds(running.stop)
            self.finds(running.remove)
            self.assertIsNotNone(running.process.poll())  # it has ended all the same

    def test_the_log_of_one_that_was_killed(self):
        running = self.serve_and_hide('"message":"listening"')
        self.finds(running.kill)

    def test_refusals_over_any_connection(self):
        running = self.serve_and_hide("HTTP/1.1 403 Forbidden")
        self.finds(running.post, wechat.push(GUESSED, b"{}"))
        with running.connect() as connection:
            self.finds(connection.post, wechat.push(GUESSED, b"{}"))

    def test_the_name_in_the_messages_of_the_program_itself(self):
        running = self.prepare(handlers=[server.LOG_HANDLER]).start()
        words = ("trigger", "update_waybill_status", "--url", running.url(), "--ca-file", str(running.sections["server"]["certificate"]))
        self.assertEqual(running.run(*words).returncode, 0)
        (event,) = running.events()
        self.finds(running.hidden.look, json.dumps(event), "the log")
        self.finds(running.hidden.look, json.dumps(event, ensure_ascii=False), "the log")

    def test_commands(self):
        running = self.serve_and_hide("event_id", "usage-of-nothing")
        self.finds(running.run, "events", "usage-of-nothing")  # among its own words
        running.hidden.secrets = {b"order-1"}
        self.accepted(running, wechat.push(SHOP, wechat.waybill("order-1")))
        for words in (["list"], ["list", "--format", "json"], ["list", "--format", "json", "--reveal"], ["show", "1"]):
            self.finds(running.run, "events", *words)
        running.hidden.secrets = {b"no event 99"}
        self.finds(running.run, "events", "show", "99")  # on stderr

    def test_names_in_what_a_command_shows(self):
        running = self.serve_and_hide()
        self.accepted(running, wechat.push(SHOP, wechat.waybill("order-1", rider="order-2")))
        shown = running.run("events", "show", "1", "--reveal").stdout
        self.assertIn(wechat.RIDER_PHONE, shown)
        running.hidden.private = {b"order-1"}
        running.run("events", "show", "1", "--reveal")
        self.finds(running.run, "events", "show", "1")

    def test_the_words_of_a_server_and_of_its_worker(self):
        for program in (None, supervised.SUPERVISED):
            running = self.serve_and_hide(program=program)
            running.hidden.secrets = {b"wxpush.toml"}
            self.finds(running.look_once_more)
        worker = running.status()["pid"]
        self.assertNotEqual(worker, running.process.pid)
        self.assertIn(worker, supervised.children(running.process.pid))

    def test_keys_before_a_reload(self):
        running = self.serve_and_hide()
        running.apps[0] = {**running.apps[0], "token": "anotherToken"}
        running.write_configuration()
        for token in (SHOP.token, "anotherToken"):
            self.finds(running.hidden.look, json.dumps({"error": token}), "the log")


if __name__ == "__main__":
    unittest.main()
