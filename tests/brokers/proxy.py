"""A TCP proxy that can be told to let nobody through."""

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
        threading.Thread(target=self._accept, daemon=True).start()

    def refuse(self):
        """Cuts all connections; new ones are closed at once."""
        with self._lock:
            self._refusing = True
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def allow(self):
        with self._lock:
            self._refusing = False

    def close(self):
        self.refuse()
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
                sink.sendall(data)
        with self._lock:
            for one in (source, sink):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
                self._open.discard(one)
