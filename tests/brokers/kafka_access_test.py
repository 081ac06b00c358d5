"""How the kafka handler gets to its brokers: TLS, users, rights, and what it sees of the topic."""

import functools
import ssl
import unittest

import kafka_stub
from broker import Broker  # noqa: F401  (makes the modules of tests/e2e importable)

import configuration
import scram
import server
import wechat

UNAVAILABLE, CONFIGURATION = 69, 78  # exit codes
USER = {"sasl": "plain", "user": "shop", "password": "hunter2"}


class AccessCase(server.TestCase):
    def stub(self, **options):
        one = kafka_stub.KafkaStub(**options)
        self.addCleanup(one.close)
        return one

    def handler(self, stub, **settings):
        host = f"{stub.advertised()}:{stub.port}"
        return {"name": "kafka", "type": "kafka", "hosts": [host], "timeout": "500ms", **settings}

    def check(self, code, stub, **settings):
        """What the command tells."""
        prepared = self.prepare(handlers=[self.handler(stub, **settings)])
        prepared.write_configuration()
        result = prepared.run("check", "--connect")
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        self.assertNotIn("hunter2", result.stdout + result.stderr)
        return result.stdout + result.stderr


class TopicTest(AccessCase):
    GOOD = {"cleanup.policy": "delete", "min.insync.replicas": "2", "unclean.leader.election.enable": "false"}

    def test_a_topic_that_keeps_everything(self):
        told = self.check(0, self.stub(settings={**self.GOOD, "max.message.bytes": "1048588"}))
        self.assertNotIn("WARNING", told)
        self.assertIn("good     may write to topic wxpush-events", told)

    def test_a_topic_that_keeps_an_orders_last_event_only(self):
        for policy in ("compact", "compact,delete"):
            with self.subTest(policy):
                told = self.check(0, self.stub(settings={**self.GOOD, "cleanup.policy": policy}))
                self.assertIn(f"WARNING  cleanup.policy of topic wxpush-events is {policy}: Kafka deletes", told)
                self.assertIn("lost if  the topic is compacted: ", told)

    def test_a_topic_whose_leader_may_be_behind(self):
        told = self.check(0, self.stub(settings={**self.GOOD, "unclean.leader.election.enable": "true"}))
        self.assertIn("WARNING  unclean.leader.election.enable of topic wxpush-events is true", told)

    def test_the_server_warns_of_compaction_as_well(self):
        stub = self.stub(settings={**self.GOOD, "cleanup.policy": "compact"})
        running = self.serve(handlers=[self.handler(stub)])
        why = lambda: [line["why"] for line in running.log.entries("a broker promises less than it may seem")]
        server.wait_until(lambda: any("cleanup.policy" in one for one in why()), "the warning")

    def test_who_may_not_write_is_told_so_and_nothing_is_left_in_the_topic(self):
        sized = {**self.GOOD, "max.message.bytes": "200000"}
        for may_write, code, line in (
            (True, 0, "good     may write to topic wxpush-events"),
            (False, UNAVAILABLE, "ERROR    writing to topic wxpush-events: Kafka: Broker: Topic authorization failed"),
        ):
            with self.subTest(may_write):
                stub = self.stub(settings=sized, may_write=may_write)
                self.assertIn(line, self.check(code, stub))
                self.assertEqual(stub.taken, [])

    def test_where_that_cannot_be_tried_it_says_so(self):
        told = self.check(0, self.stub(settings=self.GOOD))  # no max.message.bytes
        self.assertIn("WARNING  whether we may write to topic wxpush-events was not tried", told)

    def test_how_many_brokers_a_confirmation_needs(self):
        for wanted, told in {
            "2": "good     confirmed by at least 2 brokers",
            "1": "WARNING  min.insync.replicas of topic wxpush-events is 1",
            "3": "WARNING  min.insync.replicas of topic wxpush-events is the number of its copies",
        }.items():
            with self.subTest(wanted):
                settings = {**self.GOOD, "min.insync.replicas": wanted}
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
        for sasl in ("plain", "scram-sha-256", "scram-sha-512"):
            with self.subTest(sasl):
                stub = self.stub(users={"shop": "hunter2"})
                self.check(0, stub, **{**USER, "sasl": sasl})
                told = self.check(UNAVAILABLE, stub, **{**USER, "sasl": sasl, "password": "hunter22"})
                self.assertIn("SASL authentication", told)
                self.assertIn("unknown user", told)
                self.assertEqual(set(stub.mechanisms), {sasl.upper()})

    def test_a_mechanism_that_the_broker_does_not_have(self):
        stub = self.stub(users={"shop": "hunter2"}, mechanisms={"PLAIN": kafka_stub.plain})
        self.assertIn("mechanism", self.check(UNAVAILABLE, stub, **{**USER, "sasl": "scram-sha-256"}))

    def test_a_broker_that_does_not_know_the_password_itself_is_left(self):
        liar = {"SCRAM-SHA-256": functools.partial(scram.server, "sha256", lie=True)}
        stub = self.stub(users={"shop": "hunter2"}, mechanisms=liar)
        self.check(UNAVAILABLE, stub, **{**USER, "sasl": "scram-sha-256"})


class EventTest(AccessCase):
    def test_an_event_goes_over_tls_and_a_login(self):
        certificate, key = configuration.make_certificate(self.prepare().directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        for sasl in ("plain", "scram-sha-512"):
            with self.subTest(sasl):
                stub = self.stub(tls=context, users={"shop": "hunter2"})
                secure = {**USER, "sasl": sasl, "tls": True, "ca_file": str(certificate)}
                running = self.serve(handlers=[self.handler(stub, **secure)])
                push = wechat.push(wechat.App(), wechat.waybill("order"))
                self.assertEqual(running.post(push).status, 200)
                server.wait_until(lambda: running.status()["handlers"][0]["delivered"] == 1, "the event delivered")
                (taken,) = stub.taken
                self.assertIn(wechat.waybill("order"), taken)
                self.assertIn(push.event_id.encode(), taken)
                self.assertNotIn("hunter2", running.log.text())


if __name__ == "__main__":
    unittest.main()
