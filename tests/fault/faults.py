"""Makes the disk under a running server slow, stuck, broken or full: drives the preloaded shim of this folder.

Import this first: it makes the modules of tests/e2e importable.
"""

import os
import pathlib
import struct
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import server  # noqa: E402  (found through the line above)

SHIM = os.environ.get("WXPUSH_FAULT_SHIM", "")


class Faults:
    """The faults in force for one server; none at first. Its lines are the shim's (see the head of its source)."""

    def __init__(self, running):
        if not SHIM:
            raise unittest.SkipTest("WXPUSH_FAULT_SHIM does not name the shim to preload")
        self._file = running.directory / "faults"
        shim = running.directory / "shim.so"  # LD_PRELOAD takes no path with a space in it
        shim.symlink_to(SHIM)
        self.clear()
        running.store.mkdir(mode=0o700, exist_ok=True)
        preload = {
            "LD_PRELOAD": str(shim),
            "WXPUSH_FAULT_FILE": str(self._file),
            "WXPUSH_FAULT_DIR": str(running.store),
        }
        # The sanitizers' own runtime insists on being the first library otherwise.
        asan = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
        running.environment.update(preload, ASAN_OPTIONS=asan)

    def set(self, *lines):
        """From the next call of the server on, at once and as a whole: by renaming."""
        new = self._file.with_suffix(".new")
        new.write_text("".join(line + "\n" for line in lines))
        new.replace(self._file)

    @property
    def held(self):
        """Whether a read stands still (hold-read)."""
        return self._file.with_name(self._file.name + ".held").exists()

    def clear(self):
        self.set()


class TestCase(server.TestCase):
    def serve_with_faults(self, **options):
        """(server, faults): running, with nothing wrong yet."""
        running = self.prepare(**options)
        faults = Faults(running)
        # Whatever the test does, a held server must be able to end.
        self.addCleanup(faults.clear)
        return running.start(), faults

    def wal_size(self, running):
        return sum(path.stat().st_size for path in running.store.glob("*-wal"))

    def commits_in_log(self, running):
        """Transactions that lie complete in SQLite's log (sqlite.org/fileformat2.html, "WAL Frame Format")."""
        (path,) = running.store.glob("*-wal")
        log = path.read_bytes()
        if len(log) < 32:
            return 0
        (page_size,), salts = struct.unpack_from(">I", log, 8), log[16:24]
        frames = range(32, len(log) - page_size - 23, page_size + 24)
        # The last frame of a transaction tells the database's size; frames of older logs have other salts.
        return sum(1 for at in frames if log[at + 8 : at + 16] == salts and log[at + 4 : at + 8] != bytes(4))

    def write_but_not_sync(self, running, faults, push):
        """Sends the push over a new connection; returns that once the commit is in the log, held at its sync."""
        faults.set("hold-sync")
        before = self.commits_in_log(running)
        connection = running.connect()
        self.addCleanup(connection.close)
        connection.request("POST", push.target(), body=push.body)
        server.wait_until(lambda: self.commits_in_log(running) > before, "the push in the write-ahead log")
        return connection
