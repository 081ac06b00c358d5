"""examples/backends/java against a real wxpush. Skipped where there is no JDK; `./dev setup samples` installs one."""

import base64
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import lacking
import sample_backend
import sample_cases
import server

SOURCE = sample_backend.FOLDER / "java" / "Backend.java"


class JavaSampleTest(sample_cases.FileCases, server.TestCase):
    clean_exits = (143,)  # the JVM's own, after its shutdown hooks ran

    @classmethod
    def setUpClass(cls):
        if not shutil.which("javac"):
            lacking.tool("no javac here: ./dev setup samples")
        cls.classes = pathlib.Path(tempfile.mkdtemp(prefix="wxpush-classes-"))
        cls.addClassCleanup(shutil.rmtree, cls.classes, ignore_errors=True)
        compiler = ["javac", "-Xlint:all", "-Werror", "-d", str(cls.classes), str(SOURCE)]
        subprocess.run(compiler, check=True, timeout=server.START_DEADLINE * 2)

    def command(self):
        # Compiled once; without a file of statistics, which has no room where the test makes the disk small.
        return ["java", "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", "-cp", str(self.classes), "Backend"]

    @staticmethod
    def read_inbox(path):
        lines = path.read_text().split("\n")[:-1]
        return [(event_id, base64.b64decode(body)) for event_id, body in (line.split(" ") for line in lines)]


if __name__ == "__main__":
    unittest.main()
