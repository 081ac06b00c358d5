"""One Kafka broker that answers what librdkafka's mock cannot: TLS, SASL, and a topic's settings. It takes no messages.

Written from Kafka's protocol guide (kafka.apache.org/protocol), as much as a producer asks before it has something to say.
"""

import socketserver
import ssl
import struct
import threading

METADATA, HANDSHAKE, API_VERSIONS, INIT_PRODUCER_ID, DESCRIBE_CONFIGS, AUTHENTICATE = 3, 17, 18, 22, 32, 36
# The versions that are answered here: the oldest which the client still speaks.
VERSIONS = {0: 7, METADATA: 1, HANDSHAKE: 1, API_VERSIONS: 0, INIT_PRODUCER_ID: 0, DESCRIBE_CONFIGS: 0, AUTHENTICATE: 0}
UNSUPPORTED_VERSION, SASL_FAILED, UNSUPPORTED_MECHANISM, UNAUTHORIZED = 35, 58, 33, 29


def text(value):
    if value is None:
        return struct.pack(">h", -1)
    return struct.pack(">h", len(value)) + value.encode()


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


class KafkaStub:
    """Topics have one partition with three copies. `settings`: what DescribeConfigs tells; None: it is not allowed to.

    `users`: {name: password} for SASL PLAIN; None: nobody has to log in. `tls`: an ssl.SSLContext.
    """

    def __init__(self, settings=None, users=None, tls=None, host="127.0.0.1"):
        self.settings, self.users = settings, users
        self.mechanisms = []  # that clients asked for
        stub = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                try:
                    with tls.wrap_socket(self.request, server_side=True) if tls else self.request as peer:
                        stub._serve(peer.makefile("rb"), peer.makefile("wb"))
                except (OSError, ssl.SSLError):
                    pass  # a client that goes, or does not trust us, is no news

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = daemon_threads = True

        self._server = Server((host, 0), Handler)
        self.host, self.port = self._server.server_address
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, read, write):
        while size := read.read(4):
            request = read.read(struct.unpack(">i", size)[0])
            api, version, correlation, client = struct.unpack(">hhih", request[:10])
            answer = self._answer(api, version, request[10 + max(client, 0) :])
            write.write(struct.pack(">ii", len(answer) + 4, correlation) + answer)
            write.flush()

    def _answer(self, api, version, body):
        if api == API_VERSIONS:
            error = UNSUPPORTED_VERSION if version > 0 else 0
            apis = [struct.pack(">hhh", *(name, 0, most)) for name, most in VERSIONS.items()]
            return struct.pack(">h", error) + array(apis)
        if api == HANDSHAKE:
            self.mechanisms.append(body[2:].decode())
            error = 0 if self.mechanisms[-1] == "PLAIN" else UNSUPPORTED_MECHANISM
            return struct.pack(">h", error) + array([text("PLAIN")])
        if api == AUTHENTICATE:
            _, user, password = body[4:].decode().split("\0")
            good = (self.users or {}).get(user) == password
            return struct.pack(">h", 0 if good else SASL_FAILED) + text(None if good else "unknown user") + array([])
        if api == METADATA:
            return self._metadata(body)
        if api == DESCRIBE_CONFIGS:
            return self._describe(body)
        return struct.pack(">ihqh", 0, 0, 1, 0)  # InitProducerId

    def _metadata(self, body):
        brokers = [struct.pack(">i", 1) + text(self.advertised()) + struct.pack(">i", self.port) + text(None)]
        topics, at = [], 4
        for _ in range(max(0, struct.unpack(">i", body[:4])[0])):
            size = struct.unpack(">h", body[at : at + 2])[0]
            topic = body[at + 2 : at + 2 + size].decode()
            at += 2 + size
            nodes = array([struct.pack(">i", node) for node in (1, 2, 3)])
            partition = struct.pack(">hii", 0, 0, 1) + nodes + nodes
            topics.append(struct.pack(">h", 0) + text(topic) + b"\0" + array([partition]))
        return array(brokers) + struct.pack(">i", 1) + array(topics)

    def advertised(self):
        """A name, so that a certificate can be for it."""
        return "localhost" if self.host == "127.0.0.1" else self.host

    def _describe(self, body):
        size = struct.unpack(">h", body[5:7])[0]
        topic = body[7 : 7 + size].decode()
        allowed = self.settings is not None
        entries = [text(name) + text(value) + b"\0\0\0" for name, value in (self.settings or {}).items()]
        error = struct.pack(">h", 0 if allowed else UNAUTHORIZED) + text(None if allowed else "not for you")
        return struct.pack(">i", 0) + array([error + b"\x02" + text(topic) + array(entries)])
