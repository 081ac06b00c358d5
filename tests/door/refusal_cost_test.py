"""Refusing costs the same number of instructions, whatever was wrong: counted by callgrind, so it is the same on every run."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import lacking

PROGRAM = os.environ.get("WXPUSH_REFUSAL_COST", "")
# Of the instructions of one refusal. What is left is moves of a few bytes more or less, and which cause is noted down.
CODEC, ENDPOINT = 0.005, 0.01
GROUPS = {"bad_signature": ("signature: ",), "not_for_us": ("padding: ", "length: ", "appid: ")}


def counted():
    """{(way, reason): instructions}, by callgrind's own dumps."""
    with tempfile.TemporaryDirectory(prefix="wxpush-cost-") as directory:
        program = f"{directory}/refusal_cost"  # Debian 12's valgrind cannot read the debug information of clang 16
        subprocess.run(["strip", "-o", program, PROGRAM], check=True, timeout=30)
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out", program, "count"]
        subprocess.run(command, check=True, capture_output=True, timeout=110)
        counts = {}
        for dump in pathlib.Path(directory).glob("out*"):
            text = dump.read_text()
            label = re.search(r"^desc: Trigger: Client Request: (\w+)/(.+)$", text, re.MULTILINE)
            total = re.search(r"^(?:totals|summary): (\d+)", text, re.MULTILINE)
            if label and total:
                counts[label[1], label[2]] = int(total[1])
        return counts


class RefusalCostTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("valgrind"):
            lacking.tool("no valgrind here: ./dev setup test")
        if not PROGRAM:
            raise unittest.SkipTest("WXPUSH_REFUSAL_COST does not name the program to count")
        cls.counts = counted()

    def spread(self, way, group):
        """By how much the dearest reason is dearer than the cheapest, as a share."""
        costs = {reason: cost for (its, reason), cost in self.counts.items() if its == way and reason.startswith(GROUPS[group])}
        self.assertGreaterEqual(len(costs), 3, self.counts)
        cheapest, dearest = min(costs.values()), max(costs.values())
        return (dearest - cheapest) / cheapest, sorted(costs.items(), key=lambda item: item[1])

    def test_a_wrong_signature_costs_the_same_wherever_it_is_wrong(self):
        for way in ("codec", "endpoint"):
            share, costs = self.spread(way, "bad_signature")
            self.assertLessEqual(share, CODEC, costs)

    def test_what_is_signed_and_not_for_us_costs_the_same_whatever_it_decrypts_to(self):
        for way, most in (("codec", CODEC), ("endpoint", ENDPOINT)):
            share, costs = self.spread(way, "not_for_us")
            self.assertLessEqual(share, most, costs)

    def test_a_careless_look_shows_in_the_same_count(self):
        for group in GROUPS:
            share, costs = self.spread("careless", group)
            self.assertGreater(share, CODEC, costs)


if __name__ == "__main__":
    unittest.main()
