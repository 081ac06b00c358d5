"""examples/backends/python against a real wxpush."""

import contextlib
import sqlite3
import sys
import unittest

import sample_backend
import sample_cases
import server


class PythonSampleTest(sample_cases.SampleCases, server.TestCase):
    clean_exits = (0,)

    def command(self):
        return [sys.executable, "-B", str(sample_backend.FOLDER / "python" / "backend.py")]

    @staticmethod
    def read_inbox(path):
        with contextlib.closing(sqlite3.connect(path)) as database:
            return database.execute("SELECT id, body FROM event ORDER BY rowid").fetchall()


if __name__ == "__main__":
    unittest.main()
