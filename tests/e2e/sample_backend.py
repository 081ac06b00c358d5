"""A sample back end (examples/backends) as a process: started, killed, asked, and its inbox read."""

import base64
import hashlib
import hmac
import http.client
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import time

import backend
import client
import server

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "examples" / "backends"


def sign(secret, event_id, timestamp, body):
    """One signature, as docs/handlers.md says."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    told = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()


def signed_headers(secret, event_id, body, age=0):
    timestamp = str(int(time.time()) - age)
    return {
        "content-type": "application/json",
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(secret, event_id, timestamp, body),
        "ce-subject": "order",
    }


class Sample:
    """One sample: started, killed, started again over the same inbox, always on the same port."""

    def __init__(self, command, read_inbox):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="wxpush-sample-"))
        self.command = command
        self.inbox = self.directory / "inbox"
        self.read_inbox = read_inbox
        self.port = backend.free_port()
        self.secret = backend.new_secret()
        self.process = None

    def start(self, largest_file=None):
        environment = {
            **os.environ,
            "WEBHOOK_SECRET": self.secret,
            "INBOX": str(self.inbox),
            "PORT": str(self.port),
            "NODE_ENV": "production",
        }

        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=environment,
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=limit if largest_file else None,
            )
        server.wait_until(self._listens, "the sample listening", server.START_DEADLINE * client.PATIENCE)
        return self

    def _listens(self):
        assert self.process.poll() is None, f"exit {self.process.returncode}:\n{self.log()}"
        try:
            client.Connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait(client.DEADLINE)

    def remove(self):
        if self.process:
            self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def send(self, headers, body, method="POST", path="/wechat"):
        """The answer's status; 503 if there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=client.DEADLINE)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
            return answer.status
        except (ConnectionError, http.client.HTTPException):
            return 503
        finally:
            connection.close()

    def effects(self):
        """[(event id, body)] as they took effect."""
        return self.read_inbox(self.inbox) if self.inbox.exists() else []
