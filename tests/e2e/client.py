"""A raw HTTP/1.1 client: shows every byte, sends right and wrong as told, and waits for nothing for ever."""

import dataclasses
import os
import socket
import ssl

# How much slower than a release build the program under test may be (sanitizers set it above 1).
PATIENCE = float(os.environ.get("WXPUSH_PATIENCE", "1"))
DEADLINE = (
    20.0 * PATIENCE
)  # seconds; a test that gets there has failed. Generous, since the machine may be busy.


@dataclasses.dataclass
class Response:
    status: int
    headers: dict  # lower-case names; a repeated one keeps its last value
    body: bytes
    raw: bytes  # head and body as they came


class Connection:
    """One connection to a push or admin listener: TCP or unix socket, TLS if a context is given. `look` sees each answer."""

    def __init__(self, address, tls=None, deadline=DEADLINE, look=lambda response: None):
        self._look = look
        self.socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        try:
            self.socket.settimeout(deadline)
            self.socket.connect(address)
            if not isinstance(address, str):
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        except BaseException:
            self.socket.close()
            raise
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, method, target, headers=(), body=b"", version="HTTP/1.1"):
        """Sends one whole request; Host and Content-Length are added unless given."""
        lines = [f"{method} {target} {version}"]
        names = {name.lower() for name, _ in headers}
        if "host" not in names:
            lines.append("Host: localhost")
        if method == "POST" and not names & {"content-length", "transfer-encoding"}:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in headers]
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)

    def receive(self, head_only=False):
        """The next response, an interim one (100) included."""
        while b"\r\n\r\n" not in self._buffer:
            self._read_more()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        status_line, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(status_line.split(" ")[1])
        without_body = head_only or status in (204, 304) or status < 200
        length = 0 if without_body else int(headers["content-length"])
        while len(self._buffer) < length:
            self._read_more()
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        response = Response(status, headers, body, head + b"\r\n\r\n" + body)
        self._look(response)
        return response

    def exchange(self, method, target, headers=(), body=b"", version="HTTP/1.1"):
        self.request(method, target, headers, body, version)
        return self.receive(head_only=method == "HEAD")

    def post(self, push):
        """Sends a wechat.Push as WeChat does."""
        headers = [("Content-Type", push.content_type), ("User-Agent", "Mozilla/4.0"), ("Accept", "*/*")]
        return self.exchange("POST", push.target(), headers, push.body)

    def silent(self, seconds):
        """True if no byte of an answer comes for so long. (Session tickets of TLS are no answer.)"""
        before = self.socket.gettimeout()
        self.socket.settimeout(seconds)
        try:
            self._read_more()
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(before)
        return False

    def closed(self):
        """Waits for the peer to close (to the deadline); what came before it is dropped. True if it closed."""
        try:
            while self.socket.recv(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            return True
        except TimeoutError:
            return False
        return True

    def _read_more(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError(f"closed by the server after {self._buffer!r}")
        self._buffer += data
