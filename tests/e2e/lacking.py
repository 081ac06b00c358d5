"""What a test cannot do here: it is skipped, and says why, so that `./dev test` can repeat it at its end (scripts/not_run.py)."""

import os
import unittest

TOLD = "not run here: "  # stands before the reason
INSISTED = os.environ.get("WXPUSH_NO_SKIP") == "1"  # .ci/run: everything can be had


def tell(what):
    print(TOLD + what, flush=True)


def tool(what):
    """For lack of a program, or of the way to where it comes from. Where that can be had it is a failure."""
    if INSISTED:
        raise AssertionError(f"{what}, and nothing may be skipped for that here (WXPUSH_NO_SKIP)")
    tell(what)
    raise unittest.SkipTest(what)


def right(what):
    """For lack of a right that nobody can install: to mount, to trace."""
    tell(what)
    raise unittest.SkipTest(what)
