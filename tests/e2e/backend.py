"""A back end for the http handler and for routes: written from docs/handlers.md, sharing no code with the product."""

import base64
import collections
import contextlib
import hashlib
import hmac
import http.server
import os
import random
import socket
import socketserver
import ssl
import threading

import client


def new_secret():
    """A Standard Webhooks secret."""
    return "whsec_" + base64.b64encode(os.urandom(32)).decode()


def signed(request, secret):
    """Whether one of the signatures is this secret's over id, timestamp and the raw body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    told = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    wanted = "v1," + base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()
    return wanted in request.headers.get("webhook-signature", "").split(" ")


Request = collections.namedtuple("Request", "method path headers body status")


class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class Backend:
    """Notes every request; `answer(request)` gives the status to answer with, or (status, headers[, body])."""

    def __init__(self, answer=None, port=0, tls=None, unix=None, body=b"ok"):
        self.requests = []
        self.peers = set()
        self.answer = answer or (lambda request: 200)
        self._noted = threading.Condition()
        backend = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = unix is None

            def do_POST(self):
                received = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.command, self.path, headers, received, None)
                answer = backend.answer(request)
                whole = answer if isinstance(answer, tuple) else (answer, {})
                status, extra, content = (*whole, body)[:3]
                backend.peers.add(self.client_address)
                backend.note(request._replace(status=status))
                if unix is None:  # one segment for the whole answer
                    self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                if unix is None:
                    self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

            def address_string(self):
                return "peer"

            def log_message(self, *_):
                pass

        if unix:
            self.server = UnixServer(unix, Handler)
        else:
            self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.handle_error = lambda *_: None  # a peer that hangs up is no news
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = None if unix else self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def note(self, request):
        with self._noted:
            self.requests.append(request)
            self._noted.notify_all()

    def wait_for(self, look, what):
        """Until look(requests) is true, which it returns."""
        with self._noted:
            found = self._noted.wait_for(lambda: look(self.requests), client.DEADLINE)
        assert found, f"waited in vain for {what}; {len(self.requests)} requests"
        return found

    def delivered(self):
        return [request for request in self.requests if 200 <= request.status < 300]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def free_port():
    """A port where nobody listens now. It lies below those that the system gives to connections, so that it is still free
    when what listened there was killed and starts again."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port
