"""A TCP proxy that can be told to let nobody through, or nothing."""

import contextlib
import socket
import threading


class Proxy:
    def __init__(self, target):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open = set()
        self._refusing = False
        self._passing = threading.Event()
        self._passing.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def refuse(self):
        """Cuts all connections; new ones are closed at once."""
        with self._lock:
            self._refusing = True
            self._cut()

    def swallow(self):
        """Connections stay, new ones are made, and what either side sends from now on vanishes, as of packets that are dropped."""
        self._passing.clear()

    def allow(self):
        """New connections are as they should be. Those that something was lost of are cut: the rest would make no sense."""
        with self._lock:
            if not self._passing.is_set():
                self._cut()
            self._passing.set()
            self._refusing = False

    def _cut(self):
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.refuse()
        self._passing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._join(client)

    def _join(self, client):
        try:
            with self._lock:
                if self._refusing:
                    raise ConnectionRefusedError
                server = socket.create_connection(self._target, 5)
                server.settimeout(None)
                self._open |= {client, server}
        except OSError:
            return client.close()
        for ends in ((client, server), (server, client)):
            threading.Thread(target=self._copy, args=ends, daemon=True).start()

    def _copy(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if self._passing.is_set():
                    sink.sendall(data)
        self._passing.wait()  # that one end is closed does not get through, either
        with self._lock:
            for one in (source, sink):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
                self._open.discard(one)
