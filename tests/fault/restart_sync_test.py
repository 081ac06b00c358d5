"""After kill -9 between a write and its sync, the next server answers the retry only after syncs of its own.

What the first one wrote may live in the page cache alone: an acknowledgement that trusted it would be a lie
after a power cut. The order is read from a trace of the system calls of the second one.
"""

import os
import re
import shutil
import subprocess
import unittest

import faults
import lacking
import wechat

SHOP = wechat.App()
CALLS = "fsync,fdatasync,write,writev,pwrite64,sendto,sendmsg,ftruncate"
ANSWER = re.compile(r'\b(?:write|writev|sendto|sendmsg)\(.*"HTTP/1\.1 200 ')
SYNC = re.compile(r"\b(?:fsync|fdatasync)\(\d+<([^>]*)>\s*\)\s*= 0")


def need_tracing():
    if not shutil.which("strace"):
        lacking.tool("strace is not installed: ./dev setup test")
    tried = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        lacking.right("ptrace is not permitted: " + tried.stderr.strip())


def whole_calls(trace):
    """The trace's calls in the order in which they ended, each in one line."""
    begun, calls = {}, []
    for line in trace.splitlines():
        thread, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            begun[thread] = call.removesuffix("<unfinished ...>").rstrip()
        elif call.startswith("<..."):
            calls.append(begun.pop(thread, "") + call.partition("resumed>")[2])
        else:
            calls.append(call)
    return calls


class RestartSyncTest(faults.TestCase):
    def setUp(self):
        need_tracing()

    def killed_between_write_and_sync(self, push):
        """A stopped server whose write-ahead log holds the push, which was never synced."""
        running, disk = self.serve_with_faults(
            tls=False
        )  # plain, so that the answer can be seen in the trace
        connection = self.write_but_not_sync(running, disk, push)
        running.kill()
        with self.assertRaises(OSError):
            connection.receive()
        return running

    def traced(self, running):
        trace = running.directory / "trace"
        running.environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")  # no leak check under ptrace
        running.command_prefix = ["strace", "-f", "-y", "-s", "64", "-e", "trace=" + CALLS, "-o", str(trace)]
        return trace

    def test_the_retry_is_answered_after_the_checkpoint_was_synced(self):
        push = wechat.push(SHOP, wechat.waybill("order"))
        running = self.killed_between_write_and_sync(push)
        trace = self.traced(running)
        running.start()
        admin_answers = len(ANSWER.findall(trace.read_text()))
        self.accepted(running, push)
        self.assertEqual(
            running.metric("wxpush_pushes_total", app="shop", verdict="duplicate"),
            1,
            "not recovered from the log",
        )
        self.assertEqual(running.stop(), 0)
        calls = whole_calls(trace.read_text())
        answers = [number for number, call in enumerate(calls) if ANSWER.search(call)]
        self.assertGreater(len(answers), admin_answers)
        # Stricter than needed, and simpler: before the first 200 of any kind, /readyz included.
        synced = [match[1] for call in calls[: answers[0]] if (match := SYNC.search(call))]
        wal, database = self.store_files(running)
        self.assertIn(wal, synced, "the log was not synced before its pages went into the database")
        self.assertIn(database, synced[synced.index(wal) :], "the database was not synced after the log")
        self.assertIn(str(running.store), synced, "the directory was not synced")
        self.assert_copied_between(calls[: answers[0]], wal, database)

    def store_files(self, running):
        (wal,) = running.store.glob("*-wal")
        return str(wal), str(wal).removesuffix("-wal")

    def assert_copied_between(self, calls, wal, database):
        """sync of the log, then pages written into the database, then its sync."""
        order = []
        for call in calls:
            if (match := SYNC.search(call)) and match[1] in (wal, database):
                order.append("sync " + ("log" if match[1] == wal else "database"))
            elif re.match(r"pwrite64\(\d+<" + re.escape(database) + ">", call):
                order.append("write database")
        story = ["sync log", "write database", "sync database"]
        for step in order:
            if story and step == story[0]:
                story.pop(0)
        self.assertEqual(story, [], order)


if __name__ == "__main__":
    unittest.main()
