"""The commands that need no server: what they print, where, and with which exit code."""

import contextlib
import re
import socket
import ssl
import stat
import threading
import unittest

import configuration
import wechat
from command import CONFIGURATION, OK, UNAVAILABLE, USAGE, CommandCase


class UsageTest(CommandCase):
    def test_misuse_is_64_and_told_on_stderr(self):
        for arguments in (
            [],
            ["no-such-command"],
            ["check", "--no-such-option"],
            ["sign"],
            ["events"],
            ["events", "show"],
        ):
            with self.subTest(arguments):
                result = self.check(USAGE, *arguments)
                self.assertEqual(result.stdout, "")
                self.assertNotEqual(result.stderr, "")

    def test_help_has_examples_and_goes_to_stdout(self):
        commands = "init serve check keygen trigger verify decrypt encrypt sign status health bench".split()
        for command in [
            [],
            *([name] for name in commands),
            ["events", "list"],
            ["events", "tail"],
            ["quarantine", "list"],
            ["keys", "status"],
            ["store"],
            *(["store", name] for name in "check backup restore salvage".split()),
        ]:
            with self.subTest(command):
                result = self.check(OK, *command, "--help")
                self.assertIn("xample", result.stdout)
                self.assertEqual(result.stderr, "")

    def test_version(self):
        self.assertRegex(self.check(OK, "--version").stdout, r"\d+\.\d+\.\d+")

    def test_completion_is_a_script(self):
        for shell in ("bash", "zsh"):
            self.assertIn("wxpush", self.check(OK, "completion", shell).stdout)


class InitTest(CommandCase):
    ARGUMENTS = [
        "init",
        "--dir",
        "new",
        "--appid",
        "wx0123456789abcdef",
        "--url",
        "https://localhost:8443/wx/shop",
        "--listen",
        "127.0.0.1:8443",
        "--store",
        "store",
    ]

    def test_writes_a_configuration_that_is_good_and_says_what_to_paste(self):
        result = self.check(OK, *self.ARGUMENTS)
        token = (self.directory / "new/secrets/shop_token").read_text().strip()
        key = (self.directory / "new/secrets/shop_aes_key").read_text().strip()
        for pasted in ("https://localhost:8443/wx/shop", token, key, "安全模式", "JSON"):
            self.assertIn(pasted, result.stdout)
        self.assertRegex(key, r"^[A-Za-z0-9]{43}$")
        self.assertRegex(token, r"^[A-Za-z0-9]{3,32}$")  # what WeChat's console takes
        self.check(OK, "check", "-c", "new/wxpush.toml")
        for secret in (self.directory / "new/secrets").iterdir():
            self.assertEqual(stat.S_IMODE(secret.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE((self.directory / "new/tls/key.pem").stat().st_mode), 0o600)

    def test_never_overwrites(self):
        self.check(OK, *self.ARGUMENTS)
        before = (self.directory / "new/secrets/shop_token").read_text()
        self.assertNotEqual(self.run_command(*self.ARGUMENTS).returncode, OK)
        self.assertEqual((self.directory / "new/secrets/shop_token").read_text(), before)

    def test_a_refusal_leaves_nothing_in_the_way_of_the_next_try(self):
        for option, wrong in (("--appid", "wx 123"), ("--listen", "localhost:8443"), ("--store", "")):
            arguments = list(self.ARGUMENTS)
            arguments[arguments.index(option) + 1] = wrong
            stderr = self.check(CONFIGURATION, *arguments).stderr
            self.assertIn("nothing was written", stderr)
            self.assertEqual([path for path in self.directory.rglob("*") if path.is_file()], [])
        self.check(OK, *self.ARGUMENTS)

    def test_asks_nobody_where_nobody_is(self):
        self.assertIn("--appid", self.check(USAGE, "init").stderr)


class CheckTest(CommandCase):
    def setUp(self):
        super().setUp()
        self.check(OK, *InitTest.ARGUMENTS)
        self.file = self.directory / "new/wxpush.toml"

    def test_every_error_with_its_file_and_line(self):
        text = self.file.read_text().replace("[store]", '[log]\nlevel = "loud"\n[store]\nretentoin = "7d"')
        text = text.replace('[log]\nformat = "json"\n', "")
        self.file.write_text(text)
        stderr = self.check(CONFIGURATION, "check", "-c", self.file).stderr
        lines = text.splitlines()
        for wrong, key in (('level = "loud"', "log.level"), ('retentoin = "7d"', "store.retentoin")):
            self.assertRegex(stderr, rf"wxpush\.toml:{lines.index(wrong) + 1}: {re.escape(key)}: .+")

    def test_no_file_is_78(self):
        self.check(CONFIGURATION, "check", "-c", "missing.toml")
        self.check(CONFIGURATION, "check")

    def test_effective_masks_secrets_and_knows_the_environment(self):
        result = self.check(
            OK, "check", "--effective", "-c", self.file, environment={"WXPUSH__SERVER__IDLE_TIMEOUT": "42s"}
        )
        self.assertIn("42s", result.stdout)
        self.assertIn("***", result.stdout)
        for secret in (self.directory / "new/secrets").iterdir():
            self.assertNotIn(secret.read_text().strip(), result.stdout + result.stderr)

    def test_serve_refuses_bad_settings_with_78(self):
        self.file.write_text(self.file.read_text() + "\n[nonsense]\n")
        self.check(CONFIGURATION, "serve", "-c", self.file)


class KeygenTest(CommandCase):
    def test_fresh_each_time(self):
        first, second = (self.check(OK, "keygen").stdout for _ in range(2))
        self.assertNotEqual(first, second)
        self.assertRegex(first, r"Token\s+[A-Za-z0-9]{3,32}\n")
        self.assertRegex(first, r"EncodingAESKey\s+[A-Za-z0-9]{43}\n")

    def test_certificate(self):
        self.check(OK, "keygen", "--certificate", "tls", "--host", "push.example.com", "--host", "10.0.0.5")
        self.assertEqual(stat.S_IMODE((self.directory / "tls/key.pem").stat().st_mode), 0o600)
        for name, believed in (("push.example.com", True), ("10.0.0.5", True), ("other.example.com", False)):
            with self.subTest(name):
                self.assertEqual(self.handshake("tls/cert.pem", "tls/key.pem", name), believed)

    def handshake(self, certificate, key, name):
        """A TLS handshake in memory: whether a client that trusts the certificate believes it for this name."""
        serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        serving.load_cert_chain(self.directory / certificate, self.directory / key)
        trusting = ssl.create_default_context(cafile=self.directory / certificate)
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        client_end = trusting.wrap_bio(to_client, to_server, server_hostname=name)
        server_end = serving.wrap_bio(to_server, to_client, server_side=True)
        for _ in range(4):
            for end in (client_end, server_end):
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    continue
                except ssl.SSLCertVerificationError:
                    return False
        return client_end.version() is not None


class NoServerTest(CommandCase):
    def test_commands_that_ask_a_server_say_that_none_is_there(self):
        settings = configuration.text(
            {"store": {"path": "store"}, "server": {"tls": "off"}}, [wechat.App().settings()], []
        )
        (self.directory / "wxpush.toml").write_text(settings)
        for command in (["status"], ["health"], ["events", "list"], ["quarantine", "retry"]):
            with self.subTest(command):
                result = self.check(UNAVAILABLE, *command)
                self.assertNotEqual(result.stdout + result.stderr, "")

    def test_status_waits_for_a_server_that_has_much_to_count(self):
        there = self.directory / "admin.sock"
        settings = configuration.text(
            {"store": {"path": "store"}, "server": {"tls": "off"}, "admin": {"socket": str(there)}},
            [wechat.App().settings()],
            [],
        )
        (self.directory / "wxpush.toml").write_text(settings)
        counting = threading.Event()  # never set: it takes as long as the wait for it

        def answer_late(listener):
            with contextlib.suppress(OSError), listener.accept()[0] as asked:
                asked.recv(65536)
                counting.wait(6)  # a scraper, or a probe, would have gone
                asked.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"ready":true}')

        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(there))
            listener.listen()
            listener.settimeout(60)
            server = threading.Thread(target=answer_late, args=[listener])
            server.start()
            self.addCleanup(server.join)
            self.check(OK, "status", "--format", "json")


if __name__ == "__main__":
    unittest.main()
