"""`wxpush store`: whether a store is whole, copies beside a running server, the way back, and what is left of a damaged one."""

import json
import shutil
import threading
import unittest

import backend
import load
import server
import wechat
from command import NO, OK, UNAVAILABLE, UNUSABLE

FAILED, LOCKED = 74, 75


class StoreCase(server.TestCase):
    def check(self, expected, running, *arguments):
        result = running.run("store", *map(str, arguments))
        self.assertEqual(result.returncode, expected, result.stdout + result.stderr)
        return result

    def json(self, expected, running, *arguments):
        return [json.loads(line) for line in self.check(expected, running, *arguments, "--format", "json").stdout.splitlines()]

    def served(self, count=20, **options):
        """A running server with events, and what they are."""
        running = self.serve(handlers=[server.LOG_HANDLER], **options)
        for number in range(count):
            self.accepted(running, wechat.push(wechat.App(), wechat.waybill(f"S{number}")))
        return running

    def flip(self, file, at, bit=0):
        content = bytearray(file.read_bytes())
        content[at] ^= 1 << bit
        file.write_bytes(content)


class CheckTest(StoreCase):
    def test_beside_a_server_and_without(self):
        running = self.served()
        (found,) = self.json(OK, running, "check")
        self.assertEqual((found["whole"], found["events"], found["served"]), (True, 20, True))
        self.assertEqual(running.stop(), 0)
        (found,) = self.json(OK, running, "check")
        self.assertEqual((found["whole"], found["events"], found["served"]), (True, 20, False))
        self.assertTrue(found["checksums"])

    def test_after_a_kill(self):
        running = self.served()
        running.kill()
        (found,) = self.json(OK, running, "check")
        self.assertEqual((found["whole"], found["events"]), (True, 20))

    def test_it_does_not_pin_the_log(self):
        running = self.served()
        make = lambda thread, number: wechat.waybill(f"{thread}-{number}")
        with load.Load(running, make) as pushing:
            for _ in range(5):
                self.check(OK, running, "check")
            pushing.wait_for(100)
        self.assertFalse(running.status()["store"]["checkpoint_pinned"])
        self.assertEqual(pushing.refused, [])

    def test_damage_is_74_and_told(self):
        running = self.served()
        self.assertEqual(running.stop(), 0)
        database = running.store / "queue.db"
        at = database.read_bytes().find(b'"shop_order_id"')
        self.assertGreater(at, 0)
        self.flip(database, at + 3)
        result = self.check(FAILED, running, "check")
        self.assertRegex(result.stdout, r"unreadable|structure")
        self.assertIn("wxpush store salvage", result.stdout)
        findings = self.json(FAILED, running, "check")
        self.assertFalse(findings[-1]["whole"])
        self.assertEqual(findings[-1]["findings"], len(findings) - 1)
        # Nor is anything of it served: neither to people nor, by a start, to handlers.
        listed = running.run("events", "list", "--format", "json")
        self.assertNotEqual(listed.returncode, 0)

    def test_no_store(self):
        running = self.prepare()
        running.write_configuration()
        self.check(UNAVAILABLE, running, "check")


class BackupTest(StoreCase):
    def test_beside_pushes_then_restored_and_served(self):
        running = self.served(10)
        make = lambda thread, number: wechat.waybill(f"{thread}-{number}")
        backup = running.directory / "backup"
        with load.Load(running, make) as pushing:
            pushing.wait_for(50)
            acknowledged = set(pushing.acknowledged)
            (told,) = self.json(OK, running, "backup", backup)
            pushing.wait_for(len(pushing.acknowledged) + 20)
        self.assertEqual(pushing.refused, [])
        self.assertGreaterEqual(told["events"], len(acknowledged) + 10)
        self.assertEqual([path.name for path in backup.iterdir()], ["queue.db"])
        (found,) = self.json(OK, running, "check", backup)
        self.assertEqual((found["whole"], found["events"]), (True, told["events"]))
        former = running.status()["store"]
        self.assertEqual(former["incarnation"], told["incarnation"])
        self.assertIsNone(former["restored_at"])

        self.check(LOCKED, running, "restore", backup)
        self.assertEqual(running.stop(), 0)
        self.check(UNUSABLE, running, "restore", backup)
        shutil.rmtree(running.store)
        (restored,) = self.json(OK, running, "restore", backup)
        self.assertNotEqual(restored["incarnation"], told["incarnation"])
        running.start()
        now = running.status()["store"]
        self.assertEqual(now["incarnation"], restored["incarnation"])
        self.assertIsNotNone(now["restored_at"])
        self.assertIn(restored["incarnation"], running.run("status").stdout)
        stored = {event["event_id"] for event in running.events()}
        self.assertLessEqual(acknowledged, stored)
        self.accepted(running, wechat.push(wechat.App(), wechat.waybill("after")))
        self.assertEqual(len(running.events()), told["events"] + 1)
        self.assertEqual(running.stop(), 0)
        self.check(OK, running, "check")

    def test_what_exists_is_left_alone(self):
        running = self.served(2)
        target = running.directory / "backup"
        target.mkdir()
        (target / "mine").write_text("x")
        self.check(UNUSABLE, running, "backup", target)
        self.assertEqual([path.name for path in target.iterdir()], ["mine"])
        self.check(UNAVAILABLE, running, "restore", running.directory / "nowhere")

    def test_a_backup_of_a_damaged_store_is_none(self):
        running = self.served()
        self.assertEqual(running.stop(), 0)
        database = running.store / "queue.db"
        self.flip(database, 2 * 8192 + 8000)
        before = sorted(path.name for path in running.directory.iterdir())
        self.check(FAILED, running, "backup", running.directory / "backup")
        self.assertEqual(sorted(path.name for path in running.directory.iterdir()), before)


class SalvageTest(StoreCase):
    def test_a_wrong_bit_is_put_right_and_the_store_served_again(self):
        running = self.served()
        self.check(LOCKED, running, "salvage")
        self.assertEqual(running.stop(), 0)
        before = {event["event_id"]: event["id"] for event in running.events()}
        database = running.store / "queue.db"
        self.flip(database, database.read_bytes().find(b'"shop_order_id"'), 3)
        bytes_before = database.read_bytes()
        saved = running.directory / "saved"
        (report,) = self.json(OK, running, "salvage", "-o", saved)
        self.assertTrue(report["everything"])
        self.assertEqual((report["events"], report["bits_put_right"]), (20, 1))
        self.assertEqual(database.read_bytes(), bytes_before, "the store itself is only read")
        shutil.rmtree(running.store)
        saved.rename(running.store)
        running.start()
        self.assertEqual({event["event_id"]: event["id"] for event in running.events()}, before)
        self.assertEqual(running.status()["handlers"][0]["pending"], 0)

    def test_what_is_lost_is_told(self):
        running = self.served(200)
        self.assertEqual(running.stop(), 0)
        database = running.store / "queue.db"
        content = database.read_bytes()
        page = content.find(b'"S100"') // 8192
        database.write_bytes(content[: page * 8192] + b"\xa5" * 8192 + content[(page + 1) * 8192 :])
        (report,) = self.json(NO, running, "salvage")
        self.assertEqual(report["saved"], f"{running.store}.salvaged")
        self.assertEqual((report["counted"], report["everything"]), (200, False))
        self.assertGreater(report["events"], 150)
        self.assertLess(report["events"], 200)
        self.assertTrue(report["missing"])
        self.check(UNUSABLE, running, "salvage")
        (found,) = self.json(OK, running, "check", report["saved"])
        self.assertEqual(found["events"], report["events"])

    def test_a_start_on_a_damaged_log_is_refused_with_the_remedy(self):
        running = self.served()
        running.kill()
        self.flip(running.store / "queue.db-wal", 32 + 24 + 8216 + 100)
        running.spawn()
        self.assertEqual(running.wait(), FAILED)
        self.assertIn("wxpush store salvage", running.log.text())
        self.check(FAILED, running, "check")
        (report,) = self.json(OK, running, "salvage", "-o", running.directory / "saved")
        self.assertEqual(report["events"], 20)

    def test_a_start_on_a_damaged_page_is_refused_with_the_remedy(self):
        running = self.served()
        running.stop()
        database = running.store / "queue.db"
        whole = database.read_bytes()
        # Of an event whose id the start reads, and of a table that says where its handlers stand.
        for text in (b'"shop_order_id"', b"CREATE TABLE handler"):
            with self.subTest(text):
                database.write_bytes(whole)
                self.flip(database, whole.index(text) + 3)
                running.spawn()
                self.assertEqual(running.wait(), FAILED, running.log.text())
                self.assertIn("wxpush store", running.log.text())


class UnreadableTest(StoreCase):
    def test_status_and_metrics_go_on_where_a_backlog_cannot_be_counted(self):
        # It answers nothing, so that nothing is settled, failed or parked: all has to be counted from the events.
        over = threading.Event()
        target = backend.Backend(answer=lambda _: over.wait() and 200)
        self.addCleanup(target.close)
        self.addCleanup(over.set)
        url = f"http://127.0.0.1:{target.port}/"
        running = self.serve(handlers=[{"name": "backend", "type": "http", "url": url, "allow_private": True, "timeout": "60s"}])
        for number in range(60):
            self.accepted(running, wechat.push(wechat.App(), wechat.waybill(f"S{number}")))
        running.restart()
        database = running.store / "queue.db"
        self.flip(database, database.read_bytes().index(b'"shop_order_id":"S40"') + 3)
        self.accepted(running, wechat.push(wechat.App(), wechat.waybill("S60")))  # what readers remember is no longer all
        (found,) = server.wait_until(
            lambda: [one for one in running.status()["handlers"] if one["pending"] is None], "a backlog that cannot be counted"
        )
        self.assertIn("store", found["last_error"])
        self.assertEqual(running.metric("wxpush_backlog_unreadable", handler="backend"), 1)
        self.assertEqual(running.run("status").returncode, OK)


if __name__ == "__main__":
    unittest.main()
