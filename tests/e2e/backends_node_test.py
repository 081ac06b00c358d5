"""examples/backends/node against a real wxpush: server.js and express.js. Skipped where there is no Node, or no way to the
registry the first time; `./dev setup samples` installs Node. The modules are kept under build/, and reused."""

import json
import pathlib
import shutil
import tempfile
import unittest

import node_modules
import sample_backend
import sample_cases
import server

SOURCE = sample_backend.FOLDER / "node"


class NodeCases(sample_cases.FileCases):
    clean_exits = (0,)
    takes_any_bytes = False  # what is no UTF-8 the library cannot verify

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="wxpush-node-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        (cls.folder / "node_modules").symlink_to(node_modules.of(SOURCE))
        for file in ("package.json", "inbox.js", cls.program):
            shutil.copy(SOURCE / file, cls.folder)

    def command(self):
        return ["node", str(self.folder / self.program)]

    @staticmethod
    def read_inbox(path):
        events = [json.loads(line) for line in path.read_text().split("\n")[:-1]]
        return [(event["id"], event["body"].encode()) for event in events]


class NodeSampleTest(NodeCases, server.TestCase):
    program = "server.js"


class ExpressSampleTest(NodeCases, server.TestCase):
    program = "express.js"


if __name__ == "__main__":
    unittest.main()
