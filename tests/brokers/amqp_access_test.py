"""How the amqp handler gets to RabbitMQ: TLS with the right authority and the right name, and a certificate of its own."""

import pathlib
import socket
import ssl
import tempfile
import threading
import unittest

import rabbit  # first: it makes the modules of tests/e2e importable

import client
import configuration
import server
import wechat

BROKER = None
QUICK = {"timeout": "2s", "retry_min": "20ms", "retry_max": "200ms"}
UNAVAILABLE = 69  # exit code


def setUpModule():
    """One that lets nobody in by TLS who has no certificate of its authority."""
    global BROKER
    strict = {"ssl_options.verify": "verify_peer", "ssl_options.fail_if_no_peer_cert": "true"}
    BROKER = rabbit.RabbitBroker(**strict)
    unittest.addModuleCleanup(BROKER.close)
    BROKER.start()


class Listener:
    """Shows its certificate, and notes what a client says when it was content with that."""

    def __init__(self, certificate, key):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.heard = []  # of each client: bytes; nothing is what who does not trust us says
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self):
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.heard.append(self._listen_to(plain))

    def _listen_to(self, plain):
        plain.settimeout(client.DEADLINE)
        try:
            with self._context.wrap_socket(plain, server_side=True) as peer:
                return peer.recv(8)
        except OSError:  # an SSLError is one
            return b""


class TlsTest(server.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.name = self.id().rsplit(".", 1)[1]
        own = self.directory / "own"
        own.mkdir()
        # Erlang takes nobody's certificate that is signed by itself, whoever's authority it may be.
        pair = configuration.make_certificate(own, "DNS:wxpush", (BROKER.certificate, BROKER.private_key))
        self.own = dict(zip(("certificate", "private_key"), map(str, pair)))

    def handler(self, port, authority, **settings):
        tls = {"hosts": [f"localhost:{port}"], "tls": True, "ca_file": str(authority)}
        return BROKER.handler("queue", queue=self.name, **{**QUICK, **tls, **settings})

    def check(self, handler):
        prepared = self.prepare(handlers=[handler])
        prepared.write_configuration()
        result = prepared.run("check", "--connect")
        return result.returncode, result.stdout

    def test_with_a_certificate_of_its_own_where_the_broker_wants_one(self):
        BROKER.use(self.name)
        BROKER.declare(self.name)
        running = self.serve(handlers=[self.handler(BROKER.nodes[0].tls_port, BROKER.certificate, **self.own)])
        push = wechat.push(wechat.App(), wechat.waybill("order"))
        self.assertEqual(running.post(push).status, 200)
        server.wait_until(lambda: running.status()["handlers"][0]["pending"] == 0, "the event at the broker")
        self.assertEqual([one.event_id for one in BROKER.received()], [push.event_id])

    def test_without_one_there_it_is_not_let_in(self):
        code, told = self.check(self.handler(BROKER.nodes[0].tls_port, BROKER.certificate))
        self.assertEqual(code, UNAVAILABLE, told)
        self.assertIn("ERROR", told)
        code, told = self.check(self.handler(BROKER.nodes[0].tls_port, BROKER.certificate, **self.own))
        self.assertEqual(code, 0, told)

    def test_a_certificate_of_another_authority_is_refused(self):
        other, _ = configuration.make_certificate(self.directory)
        code, told = self.check(self.handler(BROKER.nodes[0].tls_port, other, **self.own))
        self.assertEqual(code, UNAVAILABLE, told)
        self.assertIn("no connection", told)

    def test_a_certificate_of_the_right_authority_for_another_name_is_refused(self):
        for names, heard in (("DNS:localhost", b"AMQP\0\0\x09\x01"), ("DNS:elsewhere.example", b"")):
            with self.subTest(names):
                certificate, key = configuration.make_certificate(self.directory, names)
                listener = Listener(certificate, key)
                self.addCleanup(listener.close)
                code, told = self.check(self.handler(listener.port, certificate))
                self.assertEqual(code, UNAVAILABLE, told)  # nobody answers, in any case
                server.wait_until(lambda: listener.heard, "a client")
                self.assertEqual(listener.heard[0], heard)


if __name__ == "__main__":
    unittest.main()
