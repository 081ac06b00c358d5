"""Runs the real binary with a configuration and a store of its own, which go away with the test."""

import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import unittest

import client
import configuration
import leaks
import wechat
from server_log import Log

BINARY = os.environ.get("WXPUSH_BINARY", "")
START_DEADLINE = 30.0
STORE_FAILED = 74
LOOK_AGAIN = 0.01  # seconds between two looks at something that another process does
LAST_LOOK = 2.0 * client.PATIENCE  # seconds, to a server that may well stand still by then

LOG_HANDLER = {"name": "log", "type": "log"}


def wait_until(look, what, deadline=client.DEADLINE, every=LOOK_AGAIN):
    """Looks every so many seconds until the answer is true, and returns it; AssertionError at the deadline."""
    end = time.monotonic() + deadline
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:.0f} s in vain for: {what}")
        time.sleep(every)


class Server:
    """One server: configured, started, killed, started again over the same store. Not started by construction."""

    def __init__(
        self, apps=None, handlers=(), sections=None, tls=True, command_prefix=(), program=None, store=None
    ):
        if not BINARY:
            raise unittest.SkipTest("WXPUSH_BINARY does not name the program to test")
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="wxpush-e2e-"))
        self.apps = [app if isinstance(app, dict) else app.settings() for app in (apps or [wechat.App()])]
        self.handlers = list(handlers)
        self.store = pathlib.Path(store) if store else self.directory / "store"
        self.admin_socket = str(self.directory / "admin.sock")
        self.tls = None
        self.sections = {
            "server": {"listen": "127.0.0.1:0", "threads": 2},
            "admin": {"listen": "127.0.0.1:0", "socket": self.admin_socket},
            "store": {"path": self.store, "min_free": "1MiB", "max_size": "4GiB"},
        }
        if tls:
            certificate, key = configuration.make_certificate(self.directory)
            self.sections["server"].update(certificate=certificate, private_key=key)
            self.tls = ssl.create_default_context(cafile=certificate)
        else:
            self.sections["server"]["tls"] = "off"
        for name, entries in (sections or {}).items():
            self.sections.setdefault(name, {}).update(entries)
        self.command_prefix = list(command_prefix)
        self.program = program or [BINARY, "serve", "-c"]
        self.environment = dict(os.environ)  # of the server alone, not of the other commands
        self.pass_fds = ()  # descriptors that it gets, under the numbers that they have here
        self.process = None
        self.log = None
        self.hidden = leaks.Hidden()
        self.status_at_start = {}

    # Life cycle -------------------------------------------------------------------------------------------------

    def start(self):
        """Starts the program and waits until it takes pushes."""
        self.spawn()
        wait_until(self._ready_or_dead, "readiness", START_DEADLINE)
        self.status_at_start = self.status()
        self.hidden.look_at_processes(self.process.pid, self.status_at_start["pid"])
        return self

    def spawn(self):
        """Starts the program, and waits for nothing."""
        self.write_configuration()
        command = [*self.command_prefix, *self.program, str(self.configuration_file())]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=self.environment,
            pass_fds=self.pass_fds,
        )
        self.log = Log(self.process.stdout)

    def stop(self, deadline=client.DEADLINE):
        """Ends the program as a supervisor does, and returns its exit code."""
        self.look_once_more()
        self.signal(signal.SIGTERM)
        return self.wait(deadline)

    def kill(self, *others):
        """kill -9. Who had ended by itself before, and not by one of the other codes, has crashed."""
        self.signal(signal.SIGKILL)
        code = self.wait()
        # Under another program it is that one's code.
        fine = code in (-signal.SIGKILL, *others) or self.command_prefix
        assert fine, f"exit {code} before it was killed:\n{self.log.text()[-4000:]}"

    def signal(self, number):
        """To the server itself, also when it runs under another program (command_prefix)."""
        os.kill(self.status_at_start["pid"] if self.command_prefix else self.process.pid, number)

    def wait(self, deadline=client.DEADLINE):
        code = self.process.wait(deadline)
        self.log.join()
        self.hidden.look(self.log.text(), "the log")
        return code

    def restart(self):
        assert self.stop() == 0, self.log.text()
        return self.start()

    def remove(self):
        try:
            if self.process and self.process.poll() is None:
                self._end()
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _end(self):
        try:
            self.look_once_more()
        finally:
            try:
                self.kill(0, STORE_FAILED)  # as it may be about to, when a test is over
            except (KeyError, ProcessLookupError):
                self.process.kill()
                self.wait()

    def look_once_more(self):
        """For leaks, before its end; not before a kill, which comes as it comes. One that stands still shows nothing."""
        try:
            for target in ("/metrics", "/api/v1/status"):
                self.admin(target, deadline=LAST_LOOK)
        except (TimeoutError, BlockingIOError):
            pass
        self.hidden.look_at_processes(self.process.pid)

    def configuration_file(self):
        return self.directory / "wxpush.toml"

    def write_configuration(self):
        self.hidden.learn([*self.sections.values(), *self.apps, *self.handlers], self.directory)
        self.configuration_file().write_text(configuration.text(self.sections, self.apps, self.handlers))

    def _ready_or_dead(self):
        code = self.process.poll()
        if code is not None:
            self.log.join()
            raise AssertionError(f"exit {code} instead of serving:\n{self.log.text()}")
        return self.ready()

    # The outside face -------------------------------------------------------------------------------------------

    def connect(self, tls=None, deadline=client.DEADLINE):
        host, port = self.status_at_start["listening"][0].rsplit(":", 1)
        return client.Connection((host, int(port)), tls or self.tls, deadline, self._look_at_answer)

    def url(self, path="/wx/shop"):
        """Where this server takes pushes, for the commands that send some."""
        port = self.status_at_start["listening"][0].rsplit(":", 1)[1]
        return f"{'https' if self.tls else 'http'}://localhost:{port}{path}"

    def post(self, push):
        """One push over a connection of its own."""
        with self.connect() as connection:
            return connection.post(push)

    def _look_at_answer(self, response):
        if response.status != 200:  # that one is sealed, or for a back end to answer for
            self.hidden.look(response.raw, "a refusal")

    def admin(self, target, method="GET", deadline=client.DEADLINE):
        """A request to the admin socket; None if nobody listens there."""
        look = lambda response: self.hidden.look(response.raw, target)
        try:
            with client.Connection(self.admin_socket, deadline=deadline, look=look) as connection:
                return connection.exchange(method, target)
        except (FileNotFoundError, ConnectionError):
            return None

    def ready(self):
        response = self.admin("/readyz")
        return response is not None and response.status == 200

    def status(self):
        return json.loads(self.admin("/api/v1/status").body)

    def metric(self, name, **labels):
        """A counter or gauge from /metrics; 0 if it does not exist."""
        metrics = self.admin("/metrics").body
        for line in metrics.decode().splitlines():
            series, _, value = line.rpartition(" ")
            own_name, _, own_labels = series.partition("{")
            if own_name == name and all(f'{key}="{item}"' in own_labels for key, item in labels.items()):
                return float(value)
        return 0.0

    def run(self, *arguments, configured=True, input=None, deadline=client.DEADLINE):
        """Another command of the program; with this server's configuration unless told otherwise."""
        command = [BINARY, *arguments, *(["-c", str(self.configuration_file())] if configured else [])]
        result = subprocess.run(
            command, input=input, capture_output=True, text=True, timeout=deadline, cwd=self.directory
        )
        name = " ".join(arguments[:2])
        self.hidden.look("\0".join(command), f"the words of {name}", revealed=True)
        self.hidden.look(result.stdout, f"stdout of {name}", revealed="--reveal" in arguments)
        self.hidden.look(result.stderr, f"stderr of {name}")
        return result

    def events(self, *filters):
        """What is stored, oldest first, by the command that users have for it."""
        result = self.run("events", "list", "--format", "json", "--reveal", "--limit", "1000000", *filters)
        if result.returncode != 0:
            raise AssertionError(f"events list: exit {result.returncode}: {result.stderr}")
        return sorted(
            (json.loads(line) for line in result.stdout.splitlines()), key=lambda event: event["id"]
        )


class TestCase(unittest.TestCase):
    """Gives servers that are killed and removed with the test, whatever became of it."""

    def serve(self, *arguments, **options):
        return self.prepare(*arguments, **options).start()

    def prepare(self, *arguments, **options):
        server = Server(*arguments, **options)
        self.addCleanup(server.remove)
        return server

    def accepted(self, server, push):
        response = server.post(push)
        self.assertEqual(response.status, 200, response.raw)
        return response
