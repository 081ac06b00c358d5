"""How the kafka handler gets to its brokers: TLS, users, and what it sees of the topic, by `wxpush check --connect`."""

import ssl
import unittest

import kafka_stub
from broker import Broker  # noqa: F401  (makes the modules of tests/e2e importable)

import configuration
import server

UNAVAILABLE, CONFIGURATION = 69, 78  # exit codes
USER = {"sasl": "plain", "user": "shop", "password": "hunter2"}


class AccessCase(server.TestCase):
    def stub(self, **options):
        one = kafka_stub.KafkaStub(**options)
        self.addCleanup(one.close)
        return one

    def check(self, code, stub, **settings):
        """What the command tells."""
        host = f"{stub.advertised()}:{stub.port}"
        handler = {"name": "kafka", "type": "kafka", "hosts": [host], "timeout": "500ms", **settings}
        prepared = self.prepare(handlers=[handler])
        prepared.write_configuration()
        result = prepared.run("check", "--connect")
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        self.assertNotIn("hunter2", result.stdout + result.stderr)
        return result.stdout + result.stderr


class TopicTest(AccessCase):
    def test_how_many_brokers_a_confirmation_needs(self):
        for wanted, told in {
            "2": "good     confirmed by at least 2 brokers",
            "1": "WARNING  min.insync.replicas of topic wxpush-events is 1",
            "3": "WARNING  min.insync.replicas of topic wxpush-events is the number of its copies",
        }.items():
            with self.subTest(wanted):
                settings = {"cleanup.policy": "delete", "min.insync.replicas": wanted}
                self.assertIn(told, self.check(0, self.stub(settings=settings)))

    def test_who_may_not_see_that_is_told_so(self):
        self.assertIn("cannot be seen (not for you)", self.check(0, self.stub()))


class TlsTest(AccessCase):
    def setUp(self):
        directory = self.prepare().directory
        self.certificate, self.key = configuration.make_certificate(directory)  # for localhost

    def tls(self, needs_certificate=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if needs_certificate:
            context.load_verify_locations(self.certificate)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def test_the_certificate_and_its_name_are_verified(self):
        known = {"tls": True, "ca_file": str(self.certificate)}
        self.check(0, self.stub(tls=self.tls()), **known)
        self.assertIn("certificate verify failed", self.check(UNAVAILABLE, self.stub(tls=self.tls()), tls=True))
        elsewhere = self.stub(tls=self.tls(), host="127.0.0.2")
        self.assertIn("certificate verify failed", self.check(UNAVAILABLE, elsewhere, **known))

    def test_neither_side_takes_the_other_for_what_it_is_not(self):
        self.check(UNAVAILABLE, self.stub(tls=self.tls()))  # TLS there alone
        self.check(UNAVAILABLE, self.stub(), tls=True, ca_file=str(self.certificate))  # here alone

    def test_a_certificate_of_its_own(self):
        stub = self.stub(tls=self.tls(needs_certificate=True))
        known = {"tls": True, "ca_file": str(self.certificate)}
        self.check(UNAVAILABLE, stub, **known)
        self.check(0, stub, certificate=str(self.certificate), private_key=str(self.key), **known)


class UserTest(AccessCase):
    def test_a_user_with_the_right_password_alone(self):
        stub = self.stub(users={"shop": "hunter2"})
        self.check(0, stub, **USER)
        told = self.check(UNAVAILABLE, stub, **{**USER, "password": "hunter22"})
        self.assertIn("SASL authentication", told)
        self.assertIn("unknown user", told)

    def test_scram_is_asked_for_by_its_name(self):
        for name in ("scram-sha-256", "scram-sha-512"):
            with self.subTest(name):
                stub = self.stub(users={"shop": "hunter2"})
                self.assertIn("mechanism", self.check(UNAVAILABLE, stub, **{**USER, "sasl": name}))
                self.assertEqual(set(stub.mechanisms), {name.upper()})


if __name__ == "__main__":
    unittest.main()
