"""Running the program's other commands, alone or beside a server."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import server

# docs/cli.md, "Exit codes"
OK, NO, USAGE, UNUSABLE, UNAVAILABLE, CONFIGURATION = 0, 1, 64, 65, 69, 78


class CommandCase(unittest.TestCase):
    def setUp(self):
        if not server.BINARY:
            self.skipTest("WXPUSH_BINARY does not name the program to test")
        directory = tempfile.TemporaryDirectory(prefix="wxpush-cli-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def run_command(self, *arguments, input=None, environment=None):
        return subprocess.run(
            [server.BINARY, *map(str, arguments)],
            input=input,
            capture_output=True,
            text=True,
            timeout=20,
            cwd=self.directory,
            env={**os.environ, **(environment or {})},
        )

    def check(self, expected, *arguments, **options):
        result = self.run_command(*arguments, **options)
        self.assertEqual(result.returncode, expected, result.stdout + result.stderr)
        return result


class BesideServerCase(server.TestCase):
    def setUp(self):
        self.server = self.serve(handlers=[server.LOG_HANDLER])

    def check(self, expected, *arguments):
        result = self.server.run(*arguments)
        self.assertEqual(result.returncode, expected, result.stdout + result.stderr)
        return result

    def target(self):
        return ["--url", self.server.url(), "--ca-file", str(self.server.sections["server"]["certificate"])]
