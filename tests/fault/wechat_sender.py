"""A client that behaves as WeChat does, as a process of its own: so many pushes a second, each tried up to three times on a new
connection, 5 s each, with a pause between tries or none.

It begins when it is started and ends when its standard input does, once every push is acknowledged or exhausted. Its ledger has
a line for each push: when its first try began, when its last one did, when that was answered 200 (0: never), the tries that failed
(`try:why,…`, - for none), event_id. A try begins with its connection. Times are of the monotonic clock.
"""

import argparse
import heapq
import selectors
import socket
import ssl
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/e2e")

import client  # noqa: E402  (found through the line above)
import wechat  # noqa: E402

TRIES = 3
TRY_TAKES = 5.0 * client.PATIENCE  # seconds; WeChat's own, for a release build
APP = wechat.App()


class Push:
    """One push with its tries."""

    def __init__(self, order):
        made = wechat.push(APP, wechat.waybill(order))
        self.event_id = made.event_id
        head = f"POST {made.target()} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        self.request = f"{head}Content-Length: {len(made.body)}\r\n\r\n".encode() + made.body
        self.began = time.monotonic()
        self.tried = 0.0  # its last try so far
        self.failed = []


class Try:
    """One connection: connect, TLS, request, answer. `step` is called when its socket is ready."""

    def __init__(self, sender, push):
        self.push, self._sender = push, sender
        self.socket = socket.socket()
        self.socket.setblocking(False)
        push.tried = time.monotonic()
        self.deadline = push.tried + TRY_TAKES
        self._answer = b""
        self._handshaken = sender.tls is None
        self._left = push.request
        self.open = True
        self.socket.connect_ex(("127.0.0.1", sender.port))
        sender.selector.register(self.socket, selectors.EVENT_WRITE, self)

    def step(self):
        try:
            if not self._handshaken:
                self._shake_hands()
            if self._handshaken and self._left:
                self._left = self._left[self.socket.send(self._left) :]
                if not self._left:
                    self._wait_for(selectors.EVENT_READ)
            elif self._handshaken:
                self._receive()
        except (ssl.SSLWantReadError, BlockingIOError):
            self._wait_for(selectors.EVENT_READ if not self._handshaken or not self._left else selectors.EVENT_WRITE)
        except ssl.SSLWantWriteError:
            self._wait_for(selectors.EVENT_WRITE)
        except OSError as error:
            self.end(type(error).__name__)

    def _shake_hands(self):
        if not isinstance(self.socket, ssl.SSLSocket):
            error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, "connect")
            self._sender.selector.unregister(self.socket)
            self.socket = self._sender.tls.wrap_socket(
                self.socket, server_hostname="localhost", do_handshake_on_connect=False
            )
            self._sender.selector.register(self.socket, selectors.EVENT_WRITE, self)
        self.socket.do_handshake()
        self._handshaken = True

    def _wait_for(self, events):
        self._sender.selector.modify(self.socket, events, self)

    def _receive(self):
        data = self.socket.recv(4096)
        self._answer += data
        if not data:
            return self.end("closed")
        if b"\r\n\r\n" in self._answer:  # the reply's body does not matter here
            status = self._answer.split(b" ", 2)[1].decode()
            self.end(None if status == "200" else status)

    def end(self, why):
        self.open = False
        self._sender.selector.unregister(self.socket)
        self.socket.close()
        self._sender.tried(self.push, why)


class Sender:
    def __init__(self, options):
        self.port, self.gap, self.rate, self.name = options.port, options.gap, options.rate, options.name
        self.tls = ssl.create_default_context(cafile=options.ca) if options.ca else None
        self.selector = selectors.DefaultSelector()
        self._timers = []  # (when, number, what)
        self._numbers = 0
        self._open = 0  # pushes under way
        self._ledger = open(options.ledger, "w")
        self._sent = 0
        self._ending = False
        self.selector.register(sys.stdin, selectors.EVENT_READ, None)

    def at(self, when, what):
        self._numbers += 1
        heapq.heappush(self._timers, (when, self._numbers, what))

    def run(self):
        self._began = time.monotonic()
        self.at(self._began, self._next)
        while not self._ending or self._open:
            left = self._timers[0][0] - time.monotonic() if self._timers else None
            for key, _ in self.selector.select(max(0.0, left) if left is not None else None):
                if key.data is None:
                    self._ending = True
                    self.selector.unregister(sys.stdin)
                else:
                    key.data.step()
            while self._timers and self._timers[0][0] <= time.monotonic():
                heapq.heappop(self._timers)[2]()
        self._ledger.close()

    def _next(self):
        """The next push, at its time, whatever became of those before."""
        if self._ending:
            return
        self._open += 1
        self._try(Push(f"{self.name}-{self._sent}"))
        self._sent += 1
        self.at(self._began + self._sent / self.rate, self._next)

    def _try(self, push):
        one = Try(self, push)
        self.at(one.deadline, lambda: one.open and one.end("time"))

    def tried(self, push, why):
        if why is not None:
            push.failed.append(f"{len(push.failed) + 1}:{why}")
            if len(push.failed) < TRIES:
                return self.at(time.monotonic() + self.gap, lambda: self._try(push))
        answered = time.monotonic() if why is None else 0.0
        failed = ",".join(push.failed) or "-"
        self._ledger.write(f"{push.began:.6f}\t{push.tried:.6f}\t{answered:.6f}\t{failed}\t{push.event_id}\n")
        self._open -= 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", help="the certificate to believe; without it there is no TLS")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--gap", type=float, required=True, help="seconds between two tries")
    parser.add_argument("--name", required=True, help="what its orders begin with")
    parser.add_argument("--ledger", required=True)
    Sender(parser.parse_args()).run()


if __name__ == "__main__":
    main()
