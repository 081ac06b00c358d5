"""Redis as a broker of Broker's kind: one server, its streams read with a client of our own."""

import re
import signal
import subprocess

import broker  # first

import backend
import redis_client
import server

PAGE = 1000  # entries

# As docs/queues.md wants Redis to be.
SETTINGS = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}


class RedisBroker(broker.Broker):
    """`settings` are redis.conf's, with _ for -; `users` are lines of ACL rules; `unix`: on a unix socket alone."""

    name = "redis"

    def __init__(self, unix=False, users=(), **settings):
        super().__init__()
        self.users = list(users)
        self.settings = {**SETTINGS, **{key.replace("_", "-"): value for key, value in settings.items()}}
        self.password = self.settings.get("requirepass")
        self.port = 0 if unix else backend.free_port()
        self.socket = self.directory / "redis.sock" if unix else None
        self.process = None

    # Life cycle -------------------------------------------------------------------------------------------------

    def start(self):
        lines = [f"{key} {value}" for key, value in self.settings.items()]
        lines += ["bind 127.0.0.1", f"port {self.port}", f"dir {self.directory}", 'save ""']
        lines += [f"unixsocket {self.socket}"] if self.socket else []
        lines += [f"user {user}" for user in self.users]
        (self.directory / "redis.conf").write_text("\n".join(lines) + "\n")
        with open(self.directory / "redis.log", "ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", str(self.directory / "redis.conf")], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        server.wait_until(self._answers, "Redis answering", server.START_DEADLINE)
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "redis.log").read_text()
        try:
            return self.call("PING") == b"PONG"
        except redis_client.Error as error:
            return not str(error).startswith("LOADING")  # its log
        except OSError:
            return False

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.kill()
        super().close()

    # What wxpush is told of it, and what it holds ----------------------------------------------------------------

    def handler(self, name, **settings):
        host = f"unix:{self.socket}" if self.socket else f"127.0.0.1:{self.port}"
        password = {"password": self.password} if self.password else {}
        return {"name": name, "type": "redis", "hosts": [host], **password, **settings}

    def client(self):
        return redis_client.Redis(self.socket or self.port, self.password)

    def call(self, *words):
        """The answer to one command, over a connection of its own."""
        with self.client() as connection:
            return connection.call(*words)

    def streams(self):
        """Their names, sorted."""
        with self.client() as connection:
            keys = connection.call("KEYS", "*")
            return sorted(key.decode() for key in keys if connection.call("TYPE", key) == b"stream")

    def entries(self, stream, most=1 << 62):
        """[(id, {field: value in bytes})] in the stream's order, a page at a time; not many more than `most`."""
        found, after = [], "-"
        with self.client() as connection:
            while len(found) < most and (
                page := connection.call("XRANGE", stream, after, "+", "COUNT", min(PAGE, most))
            ):
                for entry_id, words in page:
                    found.append((entry_id.decode(), dict(zip(map(bytes.decode, words[::2]), words[1::2]))))
                after = "(" + found[-1][0]
        return found

    def received(self):
        found = []
        for stream in self.streams():
            for _, fields in self.entries(stream):
                body = fields.pop("body")
                headers = {name: value.decode() for name, value in fields.items()}
                found.append(broker.Received(headers, body, stream))
        return found

    def statistics(self, section):
        """What INFO tells: {name: text}."""
        return dict(re.findall(r"^(\w+):(.*?)\r?$", self.call("INFO", section).decode(), re.MULTILINE))
