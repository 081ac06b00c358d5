#!/usr/bin/env python3
"""not_run.py FILE: which tests of ctest's --output-junit were not run or only in part, and why, a line each; nothing if all were."""

import sys
import xml.etree.ElementTree

TOLD = "not run here: "  # as tests/e2e/lacking.py writes it


def reasons(case):
    told = [line.partition(TOLD)[2] for line in (case.findtext("system-out") or "").splitlines() if TOLD in line]
    skipped = case.find("skipped")
    return list(dict.fromkeys(told)) or ([skipped.get("message")] if skipped is not None else [])


for case in xml.etree.ElementTree.parse(sys.argv[1]).iter("testcase"):
    for reason in reasons(case):
        print(f"NOT RUN: {case.get('name')}: {reason}")
