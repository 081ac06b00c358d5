"""Encryption of event bodies at rest: turned on over a plain store, rotated, and a key that is missing."""

import unittest

import server
import wechat

SHOP = wechat.App()
PHONE = "13800001234"


class EncryptionTest(server.TestCase):
    def new_key(self, running, name):
        """(file, mark) of a key that the program made."""
        file = running.directory / name
        result = running.run("keygen", "--store-key", str(file), configured=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        self.assertNotIn(file.read_text().strip(), result.stdout + result.stderr)
        return str(file), result.stdout.strip()

    def push(self, running, order):
        message = wechat.waybill(order, agent={"name": "Li", "phone": PHONE})
        self.accepted(running, wechat.push(SHOP, message))

    def on_disk(self, running):
        return b"".join(path.read_bytes() for path in running.store.iterdir() if path.is_file())

    def phones(self, running):
        return [event["body"]["agent"]["phone"] for event in running.events()]

    def sealed_with(self, running, mark):
        store = running.status()["store"]
        return store["encryption_key"] == mark and not store["resealing"]

    def test_turned_on_rotated_and_missing(self):
        running = self.prepare()
        running.start()
        self.push(running, "plain")
        self.assertIsNone(running.status()["store"]["encryption_key"])
        self.assertEqual(running.stop(), 0)
        self.assertIn(PHONE.encode(), self.on_disk(running))

        first, first_mark = self.new_key(running, "first")
        running.sections["store"]["encryption_key_file"] = first
        running.start()
        self.push(running, "sealed")
        server.wait_until(lambda: self.sealed_with(running, first_mark), "all sealed with the first key")
        self.assertEqual(running.stop(), 0)
        self.assertNotIn(PHONE.encode(), self.on_disk(running))
        self.assertEqual(self.phones(running), [PHONE] * 2)

        second, second_mark = self.new_key(running, "second")
        running.sections["store"]["encryption_key_file"] = second
        running.spawn()  # without the key before
        self.assertEqual(running.wait(), 78)
        self.assertIn(first_mark, running.log.text())
        refused = running.run("events", "list", "--format", "json")
        self.assertEqual(refused.returncode, 78, refused.stdout)
        self.assertIn("old_encryption_key_files", refused.stderr)

        running.sections["store"]["old_encryption_key_files"] = [first]
        running.start()
        server.wait_until(lambda: self.sealed_with(running, second_mark), "all sealed with the second key")
        status = running.run("status").stdout
        self.assertIn(f"key {second_mark}; all bodies are sealed with it", status)
        del running.sections["store"]["old_encryption_key_files"]
        running.restart()
        self.push(running, "later")
        self.assertEqual(self.phones(running), [PHONE] * 3)
        result = running.run("keygen", "--store-key", second, configured=False)
        self.assertEqual(result.returncode, 1)  # nothing is ever overwritten

    def test_a_handler_gets_what_was_sealed(self):
        running = self.prepare(handlers=[server.LOG_HANDLER])
        running.sections["store"]["encryption_key_file"] = self.new_key(running, "key")[0]
        running.start()
        self.push(running, "order")
        delivered = lambda: running.status()["handlers"][0]["delivered"] == 1
        server.wait_until(delivered, "the event delivered")


if __name__ == "__main__":
    unittest.main()
