"""Readers that are stopped, or whose output nobody takes, leave the write-ahead log bounded under load."""

import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
import unittest

import faults
import client
import load
import server

MIB = 1 << 20
BODY = 256 * 1024
CHECKPOINT = 32 * MIB  # from here on the log is written back (docs/store.md)
LOG_BOUND = 2 * CHECKPOINT  # batches, and the moments in which a reader is in the log, come on top
LOAD = (
    4 * CHECKPOINT
)  # written beside the readers: had one of them pinned the log, it would have grown as large
SEED = random.randrange(1 << 32)


def big_message(kind):
    """Messages that are hard on the log and easy on the test: large, distinct, of no known type."""
    filler = "x" * BODY
    return lambda thread, number: (
        f'{{"MsgType":"event","Event":"big","id":"{kind}-{thread}-{number}","x":"{filler}"}}'.encode()
    )


class StoppedReaderTest(faults.TestCase):
    def setUp(self):
        self.server = self.serve(sections={"store": {"max_size": "16GiB"}})
        self.write("before", 32 * MIB)

    def write(self, kind, size):
        """Stores so many bytes of events; returns how large the log was at most."""
        threads, largest = 2, 0

        def finished():
            nonlocal largest
            largest = max(largest, self.wal_size(self.server))
            return not pushing.running()

        with load.Load(self.server, big_message(kind), threads, limit=size // BODY // threads) as pushing:
            server.wait_until(finished, "the end of the load", 3 * client.DEADLINE)
        self.assertEqual((pushing.unanswered, pushing.refused), ([], []))
        return largest

    def reader(self, stdout):
        command = [server.BINARY, "events", "list", "--format", "json", "--limit", "1000000"]
        command += ["-c", str(self.server.configuration_file())]
        process = subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdout:
            process.stdout.close()
        process.wait(20)

    def assert_bounded(self):
        self.assertLess(self.write("beside", LOAD), LOG_BOUND)

    def test_stopped_at_random_moments(self):
        chance, moment = random.Random(SEED), threading.Event()
        began = time.monotonic()
        self.assertEqual(self.reader(subprocess.DEVNULL).wait(60), 0)
        whole_life = time.monotonic() - began
        stopped = []
        for _ in range(8):
            process = self.reader(subprocess.DEVNULL)
            moment.wait(chance.uniform(0.0, whole_life))
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGSTOP)
            stopped.append(process)
        self.assert_bounded()
        # Woken up again, they end well: what they read is still there.
        for process in stopped:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGCONT)
            self.assertEqual(process.wait(60), 0, f"seed {SEED}")

    def test_blocked_by_a_pipe_that_nobody_reads(self):
        process = self.reader(subprocess.PIPE)
        self.assertTrue(process.stdout.read(1), "it has begun to print")
        self.assert_bounded()
        self.assertIsNone(process.poll(), "it ended instead of being blocked")

    def test_a_foreign_reader_that_does_pin_the_log_is_noticed(self):
        # The other side of the coin: proof that a pin would be seen above, and that operators are told.
        (wal,) = self.server.store.glob("*-wal")
        database = sqlite3.connect(
            f"file:{str(wal).removesuffix('-wal')}?mode=ro", uri=True, isolation_level=None
        )
        self.addCleanup(database.close)
        database.execute("BEGIN")
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        self.assertGreater(self.write("beside", LOAD), LOG_BOUND)
        self.assertTrue(self.server.status()["store"]["checkpoint_pinned"])
        self.assertTrue(any("pin" in text or "reader" in text for text in self.server.status()["warnings"]))
        database.execute("ROLLBACK")
        self.write("after", 4 * MIB)
        self.assertFalse(self.server.status()["store"]["checkpoint_pinned"])


if __name__ == "__main__":
    unittest.main()
