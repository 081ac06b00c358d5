"""One Kafka broker that answers what librdkafka's mock cannot: TLS, SASL, rights, and a topic's settings.

Written from Kafka's protocol guide (kafka.apache.org/protocol), as much as a producer asks.
"""

import functools
import socketserver
import ssl
import struct
import threading

import scram

PRODUCE, FETCH, METADATA, HANDSHAKE, API_VERSIONS, INIT_PRODUCER_ID, DESCRIBE_CONFIGS, AUTHENTICATE = 0, 1, 3, 17, 18, 22, 32, 36
# The versions that are answered here: the oldest which the client still speaks. Fetch is not; without it, it takes us for older.
VERSIONS = {
    **{PRODUCE: 7, FETCH: 4, METADATA: 1, HANDSHAKE: 1},
    **{API_VERSIONS: 0, INIT_PRODUCER_ID: 0, DESCRIBE_CONFIGS: 0, AUTHENTICATE: 0},
}
TOO_LARGE, UNAUTHORIZED, UNSUPPORTED_MECHANISM, UNSUPPORTED_VERSION, SASL_FAILED = 10, 29, 33, 35, 58


def text(value):
    if value is None:
        return struct.pack(">h", -1)
    return struct.pack(">h", len(value)) + value.encode()


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def read_text(body, at):
    """(the text, where it ends)"""
    size = max(0, struct.unpack_from(">h", body, at)[0])
    return body[at + 2 : at + 2 + size].decode(), at + 2 + size


def plain(users):
    """One login by SASL PLAIN."""
    _, user, password = (yield b"").decode().split("\0")
    if users.get(user) != password:
        raise PermissionError("unknown user")
    yield b""


MECHANISMS = {
    "PLAIN": plain,
    "SCRAM-SHA-256": functools.partial(scram.server, "sha256"),
    "SCRAM-SHA-512": functools.partial(scram.server, "sha512"),
}


class KafkaStub:
    """Topics have one partition with three copies. `settings`: what DescribeConfigs tells; None: it is not allowed to.

    `users`: {name: password}, of whoever may log in; None: nobody has to. `tls`: an ssl.SSLContext. What is produced comes to
    `taken`, as sent: batches of records. Without `may_write` it is refused, and what is larger than the topic's settings say.
    """

    def __init__(self, settings=None, users=None, tls=None, host="127.0.0.1", may_write=True, mechanisms=MECHANISMS):
        self.settings, self.users, self.may_write = settings, users, may_write
        self.taken = []
        self.mechanisms = []  # that clients asked for
        self._known = mechanisms
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

    def advertised(self):
        """A name, so that a certificate can be for it."""
        return "localhost" if self.host == "127.0.0.1" else self.host

    def _serve(self, read, write):
        login = [None]  # of this connection
        answers = {
            PRODUCE: self._produce,
            METADATA: self._metadata,
            DESCRIBE_CONFIGS: self._describe,
            INIT_PRODUCER_ID: lambda _: struct.pack(">ihqh", 0, 0, 1, 0),
            HANDSHAKE: functools.partial(self._begin_login, login),
            AUTHENTICATE: functools.partial(self._log_in, login),
        }
        while size := read.read(4):
            request = read.read(struct.unpack(">i", size)[0])
            api, version, correlation, client = struct.unpack(">hhih", request[:10])
            body = request[10 + max(client, 0) :]
            if api != API_VERSIONS and api not in answers:
                return  # who speaks something else, as TLS
            answer = self._versions(version) if api == API_VERSIONS else answers[api](body)
            write.write(struct.pack(">ii", len(answer) + 4, correlation) + answer)
            write.flush()

    def _versions(self, asked):
        error = UNSUPPORTED_VERSION if asked > 0 else 0
        apis = [struct.pack(">hhh", name, 0, most) for name, most in VERSIONS.items()]
        return struct.pack(">h", error) + array(apis)

    def _begin_login(self, login, body):
        name, _ = read_text(body, 0)
        self.mechanisms.append(name)
        if name in self._known:
            login[0] = self._known[name](self.users or {})
            next(login[0])
        error = 0 if name in self._known else UNSUPPORTED_MECHANISM
        return struct.pack(">h", error) + array([text(known) for known in self._known])

    def _log_in(self, login, body):
        try:
            told, error, why = login[0].send(body[4:]), 0, None
        except PermissionError as refused:
            told, error, why = b"", SASL_FAILED, str(refused)
        return struct.pack(">h", error) + text(why) + struct.pack(">i", len(told)) + told

    def _metadata(self, body):
        brokers = [struct.pack(">i", 1) + text(self.advertised()) + struct.pack(">i", self.port) + text(None)]
        topics, at = [], 4
        for _ in range(max(0, struct.unpack(">i", body[:4])[0])):
            topic, at = read_text(body, at)
            nodes = array([struct.pack(">i", node) for node in (1, 2, 3)])
            partition = struct.pack(">hii", 0, 0, 1) + nodes + nodes
            topics.append(struct.pack(">h", 0) + text(topic) + b"\0" + array([partition]))
        return array(brokers) + struct.pack(">i", 1) + array(topics)

    def _describe(self, body):
        topic, _ = read_text(body, 5)
        allowed = self.settings is not None
        entries = [text(name) + text(value) + b"\0\0\0" for name, value in (self.settings or {}).items()]
        error = struct.pack(">h", 0 if allowed else UNAUTHORIZED) + text(None if allowed else "not for you")
        return struct.pack(">i", 0) + array([error + b"\x02" + text(topic) + array(entries)])

    def _produce(self, body):
        _, at = read_text(body, 0)  # no transaction
        topic, at = read_text(body, at + 2 + 4 + 4)
        records = body[at + 4 + 4 + 4 :]
        error = self._judge(len(records))
        if not error:
            self.taken.append(records)
        partition = struct.pack(">ihqqq", 0, error, 0 if error else len(self.taken), -1, 0)
        return array([text(topic) + array([partition])]) + struct.pack(">i", 0)

    def _judge(self, size):
        if not self.may_write:
            return UNAUTHORIZED
        most = int((self.settings or {}).get("max.message.bytes", 1 << 20))
        return TOO_LARGE if size > most else 0
