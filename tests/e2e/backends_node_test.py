"""examples/backends/node against a real wxpush: server.js and express.js. Skipped where there is no Node, or no way to the
registry the first time; `./dev setup samples` installs Node. The modules are kept under build/, and reused."""

import hashlib
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import sample_backend
import sample_cases
import server

SOURCE = sample_backend.FOLDER / "node"
KEPT = sample_backend.FOLDER.parents[1] / "build" / "samples"
NO_NETWORK = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH")


def modules():
    """A directory with the modules of package-lock.json, installed on the first call."""
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise unittest.SkipTest(f"no {program} here: ./dev setup samples")
    names = ("package.json", "package-lock.json")
    contents = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in names)).hexdigest()
    place = KEPT / f"node-{contents[:16]}"
    if not place.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as scratch:
            for name in names:
                shutil.copy(SOURCE / name, scratch)
            install(scratch)
            pathlib.Path(scratch).rename(place)  # whole or not at all
            pathlib.Path(scratch).mkdir()  # for the clean-up to find
    return place


def install(directory):
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"]
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=100)
    if result.returncode != 0 and any(code in result.stderr for code in NO_NETWORK):
        raise unittest.SkipTest(f"npm ci reached no registry: {result.stderr.strip().splitlines()[0]}")
    assert result.returncode == 0, result.stderr


class NodeCases(sample_cases.FileCases):
    clean_exits = (0,)
    takes_any_bytes = False  # what is no UTF-8 the library cannot verify

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="wxpush-node-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        (cls.folder / "node_modules").symlink_to(modules() / "node_modules")
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
