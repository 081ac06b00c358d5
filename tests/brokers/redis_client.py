"""As much of a Redis client as the tests need, with the standard library alone."""

import socket

import client


class Error(Exception):
    """What Redis answered: "NOPERM …"."""


class Redis:
    """One connection; `address` is a port on loopback, or the path of a unix socket."""

    def __init__(self, address, password=None):
        if isinstance(address, int):
            self._socket = socket.create_connection(("127.0.0.1", address), client.DEADLINE)
        else:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(client.DEADLINE)
            try:
                self._socket.connect(str(address))
            except OSError:
                self._socket.close()
                raise
        self._file = self._socket.makefile("rb")
        if password:
            self.call("AUTH", password)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._file.close()
        self._socket.close()

    def call(self, *words):
        """Its answer: bytes, int, list or None."""
        encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self._socket.sendall(
            b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        )
        return self._answer()

    def _answer(self):
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("closed by Redis")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise Error(rest.decode())
        if kind == b"+":
            return rest
        if kind == b":":
            return int(rest)
        length = int(rest)
        if length < 0:
            return None
        if kind == b"*":
            return [self._answer() for _ in range(length)]
        return self._file.read(length + 2)[:-2]
