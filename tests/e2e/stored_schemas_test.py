"""Stores of every released schema, as programs of their time left them when they were killed: brought up to date, and all that was in
them is there, is delivered, and is known when it comes again. (tests/handlers/queue/stored)"""

import json
import pathlib
import sys
import tarfile
import unittest

STORED = pathlib.Path(__file__).resolve().parents[1] / "handlers" / "queue" / "stored"
sys.path.insert(0, str(STORED))

import make  # noqa: E402  (found through the line above)

import backend  # noqa: E402
import server  # noqa: E402
import wechat  # noqa: E402

SEALED_SINCE = 3
KEPT = ("id", "event_id", "app", "type", "order_key", "received_at", "event_time", "body")
KEPT_OF_DEAD = ("id", "event_id", "handler", "attempts", "error")


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def kept(entries, names):
    return [{name: entry[name] for name in names} for entry in entries]


class StoredSchemasTest(server.TestCase):
    def prepare_stored(self, version, url):
        handler = {"name": "backend", "type": "http", "url": url, "allow_private": True}
        kept_for_good = {"store": {"retention": "3650d"}}  # they grow older each day
        running = self.prepare(apps=[make.SHOP, make.CAFE], handlers=[handler], sections=kept_for_good, tls=False)
        if version >= SEALED_SINCE:
            make.seal_with_key(running)
        with tarfile.open(STORED / f"{version}.tar.xz") as archive:
            archive.extractall(running.store)
        expected = {name: lines((running.store / f"{name}.json").read_text()) for name in ("events", "dlq", "quarantine")}
        self.assertGreater((running.store / "queue.db-wal").stat().st_size, 0)
        return running, expected

    def look(self, running, *arguments):
        result = running.run(*arguments, "--format", "json")
        self.assertEqual(result.returncode, 0, result.stderr)
        return lines(result.stdout)

    def check_delivered(self, one, expected):
        """What was held comes now, each order from its first event on."""
        pending = {event["event_id"] for event in expected["events"] if event["state"] == "pending"}
        self.assertEqual(len(pending), 6)
        arrived = lambda requests: pending <= {request.headers["ce-id"] for request in requests}  # noqa: E731
        one.wait_for(lambda requests: arrived(requests), "what waited in the store")
        for order in ("held1", "held2"):
            bodies = [json.loads(request.body) for request in one.requests]
            steps = [body["order_status"] for body in bodies if body.get("shop_order_id") == order]
            self.assertEqual(steps, [102, 201, 302])

    def check_known(self, running, expected):
        """All of it comes again, and one that is new."""
        numbers = [event["id"] for event in expected["events"]]
        pushed = [wechat.push(app, message) for half in (1, 2) for app, message in make.pushes(half)]
        self.assertEqual({push.event_id for push in pushed}, {event["event_id"] for event in expected["events"]})
        for push in pushed:
            self.accepted(running, push)
        self.assertEqual([event["id"] for event in running.events()], numbers)
        new = wechat.push(make.SHOP, wechat.waybill("new"))
        self.accepted(running, new)
        self.assertEqual(running.events()[-1]["event_id"], new.event_id)
        self.assertGreater(running.events()[-1]["id"], numbers[-1])

    def bring_up(self, version):
        one = backend.Backend()
        self.addCleanup(one.close)
        running, expected = self.prepare_stored(version, f"http://127.0.0.1:{one.port}/")
        running.start()
        self.assertEqual(kept(running.events(), KEPT), kept(expected["events"], KEPT))
        self.assertEqual(kept(self.look(running, "dlq", "list"), KEPT_OF_DEAD), kept(expected["dlq"], KEPT_OF_DEAD))
        self.assertEqual(self.look(running, "quarantine", "list"), expected["quarantine"])
        self.check_delivered(one, expected)
        self.check_known(running, expected)
        self.assertEqual(running.stop(), 0)
        (report,) = self.look(running, "store", "check")
        self.assertEqual((report["findings"], report["events"]), (0, len(expected["events"]) + 1))

    def test_each(self):
        versions = sorted(int(path.name.removesuffix(".tar.xz")) for path in STORED.glob("*.tar.xz"))
        self.assertEqual(versions, list(range(1, len(versions) + 1)))
        for version in versions:
            with self.subTest(version=version):
                self.bring_up(version)


if __name__ == "__main__":
    unittest.main()
