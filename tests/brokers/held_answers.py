"""Stands between wxpush and a broker, and can hold back what the broker answers."""

import socket
import threading

import client


class HeldAnswers:
    """What wxpush sends always reaches the broker; what it answers comes unless it is held."""

    def __init__(self, target_port):
        self._target_port = target_port
        self._answers_pass = threading.Event()
        self._answers_pass.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self):
        self._answers_pass.clear()

    def release(self):
        self._answers_pass.set()

    def close(self):
        self.release()
        self._listener.shutdown(socket.SHUT_RDWR)  # ends accept()
        self._listener.close()

    def _accept(self):
        while True:
            try:
                ours, _ = self._listener.accept()
            except OSError:
                return
            theirs = socket.create_connection(("127.0.0.1", self._target_port), client.DEADLINE)
            threading.Thread(target=self._pump, args=(ours, theirs, None), daemon=True).start()
            threading.Thread(target=self._pump, args=(theirs, ours, self._answers_pass), daemon=True).start()

    def _pump(self, source, sink, passes):
        try:
            while data := source.recv(65536):
                if passes:
                    passes.wait(client.DEADLINE)
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for one in (source, sink):
                one.close()
