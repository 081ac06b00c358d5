"""The ledger's own eyes: a long run leaves its line whatever ended it, stamped as the tree was when it began; and each campaign's count
hangs on all that it is made of."""

import contextlib
import io
import json
import pathlib
import re
import tempfile
import unittest
from unittest import mock

import campaigns  # first

import ledger
import runs

BROKERS = ledger.TREE / "tests" / "brokers"
FOLDERS = (ledger.HERE, campaigns.DELIVERY, BROKERS)
ELSEWHERE = {"brokers": BROKERS / "campaign.py"}
IMPORT = re.compile(r"^(?:import|from) (\w+)", re.MULTILINE)


def modules(script):
    """The script and what it imports of the folders of campaigns, over any number of steps."""
    found, left = set(), [script]
    while left:
        file = left.pop()
        found.add(file)
        for name in IMPORT.findall(file.read_text()):
            places = (folder / f"{name}.py" for folder in FOLDERS)
            left += [place for place in places if place.exists() and place not in found]
    return found - {ledger.HERE / "ledger.py"}


class DependenceTest(unittest.TestCase):
    def test_a_campaign_hangs_on_every_module_of_its_own(self):
        for name in ledger.HARNESS:
            known = {path for pattern in ledger.files(name) for path in ledger.TREE.glob(pattern)}
            script = ELSEWHERE.get(name, ledger.HERE / f"{name}.py")
            self.assertEqual(modules(script) - known, set(), name)

    def test_every_pattern_is_of_something(self):
        for name in (*ledger.HARNESS, *(f"fuzz.{name}" for name in ledger.PARSERS)):
            for pattern in ledger.files(name):
                self.assertTrue(any(ledger.TREE.glob(pattern)), f"{name}: {pattern}")

    def test_every_campaign_is_listed(self):
        scripts = [path for path in ledger.HERE.glob("*.py") if re.search(r"Campaign\(\s*__doc__|ledger\.append\(", path.read_text())]
        self.assertGreater(len(scripts), 5)
        names = {path.stem for path in scripts} - {"campaigns"}
        self.assertEqual(names - set(ledger.HARNESS), set())


class LineTest(unittest.TestCase):
    def setUp(self):
        file = tempfile.NamedTemporaryFile(suffix=".jsonl")
        self.addCleanup(file.close)
        self.file = pathlib.Path(file.name)
        for patch in (mock.patch.object(ledger, "FILE", self.file), mock.patch("sys.argv", ["kills.py"])):
            patch.start()
            self.addCleanup(patch.stop)

    def line(self, failure=None, **also):
        """What a run that ends with this adds to the ledger."""
        silent = contextlib.redirect_stdout(io.StringIO())
        expected = contextlib.suppress(type(failure), SystemExit) if failure else contextlib.nullcontext()
        with silent, expected:
            run = campaigns.Campaign("a campaign")
            run.on_end(also.get("cleanup", lambda: None))
            with mock.patch.object(ledger, "stamp", side_effect=AssertionError("stamped at the end")), run:
                run.counts["kills"] += 3
                run.findings += also.get("findings", [])
                if failure:
                    raise failure
                run.verdict()
        lines = self.file.read_text().splitlines()
        return json.loads(lines[0]) if lines else None

    def test_one_that_held(self):
        line = self.line()
        self.assertEqual((line["campaign"], line["kills"], line["findings"]), ("kills", 3, []))
        self.assertEqual(line["source"], ledger.source("kills"))

    def test_whatever_ended_it_is_a_finding(self):
        for failure in (runs.Violation("lost"), AssertionError("in vain"), ConnectionError("reset"), TimeoutError("late"), KeyError("pid")):
            self.file.write_text("")
            self.assertEqual(self.line(failure)["findings"], [f"{type(failure).__name__}: {failure}"])

    def test_what_shows_only_when_all_is_put_away(self):
        def leaks():
            raise AssertionError("a secret in the log")

        with self.assertRaises(AssertionError):
            self.line(cleanup=leaks)
        self.assertIn("a secret in the log", self.file.read_text())

    def test_findings_of_its_own_stand_one_by_one(self):
        with self.assertRaises(SystemExit):
            self.line(findings=["one", "two"])
        self.assertEqual(json.loads(self.file.read_text())["findings"], ["one", "two"])

    def test_what_was_no_run_leaves_nothing(self):
        for failure in (unittest.SkipTest("no shim"), KeyboardInterrupt()):
            self.assertIsNone(self.line(failure))

    def test_the_short_form_leaves_nothing(self):
        with mock.patch("sys.argv", ["kills.py", "--short"]):
            self.assertIsNone(self.line(ConnectionError("reset")))


if __name__ == "__main__":
    unittest.main()
