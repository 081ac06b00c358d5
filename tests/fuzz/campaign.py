#!/usr/bin/env python3
"""Runs fuzz targets, one after the other, and tells how far each has come over all runs of today's source.

A target has come far enough with 10 million executions, the last million of them without new coverage (the store's: 1 million
in all). Every run is a line in tests/fault/ledger.jsonl; a change to a parser or its target starts its count anew.
"""

import argparse
import os
import pathlib
import random
import re
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests" / "fault"))
import ledger  # noqa: E402

WANTED = 10_000_000
WANTED_OF_STORE = 1_000_000
WANTED_WITHOUT_NEWS = 1_000_000
# Short inputs say as much and are read sooner.
LONGEST = {"answer": 512, "config": 512, "envelope": 512, "forwarded": 256, "json": 512, "message": 512, "outcome": 96, "push_codec": 512,
           "query": 256, "request": 768, "store": 81}
# Slow ones, whose coverage has long stood still: which input is rare need not be counted over and over, a tenth of their time.
SLOW = ("answer", "config", "store")
# What was freed is remembered a little less long, and not by whom: twice the executions. A finding is looked at by a run of its own.
SANITIZER = "malloc_context_size=0:quarantine_size_mb=4"
PROGRESS = re.compile(r"^#(\d+)\s+(\w+)\s+cov: (\d+)")
COUNTERS = re.compile(r"\((\d+) inline 8-bit counters\)|(\d+) inline 8-bit counters")


class Progress:
    """What libFuzzer says while it runs."""

    def __init__(self):
        self.executions = self.last_news = self.edges = self.edges_at_start = self.counters = 0
        self.tail = []

    def take(self, line):
        self.tail = [*self.tail[-40:], line]
        if found := COUNTERS.search(line):
            self.counters = int(found[1] or found[2])
        if found := re.match(r"stat::number_of_executed_units:\s+(\d+)", line):
            self.executions = int(found[1])
        found = PROGRESS.match(line)
        if not found:
            return
        self.executions, edges = int(found[1]), int(found[3])
        if found[2] in ("INITED", "READ"):
            self.edges = self.edges_at_start = edges
            self.last_news = self.executions
        elif edges > self.edges:
            self.edges, self.last_news = edges, self.executions


def words_for(name):
    """A dictionary, if the target has one: words that it would take long to put together."""
    words = TREE / "tests" / "fuzz" / "dictionaries" / name
    return [f"-dict={words}"] if words.exists() else []


def run(build, name, limits, seed):
    found = build / "corpus" / name
    artifacts = build / "artifacts"
    for folder in (found, artifacts):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(artifacts.glob(f"{name}-*"))
    begun = ledger.stamp(f"fuzz.{name}")  # files may change before it ends
    command = [build / "tests" / "fuzz" / f"{name}_fuzz", f"-seed={seed}", "-timeout=5", "-rss_limit_mb=2048",
               "-print_final_stats=1", f"-artifact_prefix={artifacts}/{name}-", *limits,
               *([f"-max_len={LONGEST[name]}"] if name in LONGEST else []), *(["-entropic=0"] if name in SLOW else []),
               *words_for(name), found, TREE / "tests" / "fuzz" / "corpus" / name]
    progress = Progress()
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, errors="replace",
                          env={**os.environ, "ASAN_SYMBOLIZER_PATH": "/usr/bin/llvm-symbolizer-16",
                               "ASAN_OPTIONS": ":".join(filter(None, (SANITIZER, os.environ.get("ASAN_OPTIONS"))))}) as process:
        for line in process.stderr:
            progress.take(line.rstrip("\n"))
    new = sorted(path.name for path in set(artifacts.glob(f"{name}-*")) - before)  # in build/fuzz/artifacts
    if process.returncode != 0:
        print("\n".join(progress.tail))
    findings = new or ([f"exit {process.returncode}"] if process.returncode != 0 else [])
    counts = {"executions": progress.executions, "without_news": progress.executions - progress.last_news,
              "edges": progress.edges, "new_edges": progress.edges - progress.edges_at_start, "counters": progress.counters}
    return ledger.append(f"fuzz.{name}", seed, counts, findings, begun)


def so_far(name):
    """Over all runs of today's source: executions, those since the last new coverage, edges, findings."""
    executions = without_news = edges = counters = findings = 0
    for line in ledger.runs(f"fuzz.{name}"):
        executions += line["executions"]
        without_news = line["without_news"] + (0 if line["new_edges"] else without_news)
        edges, counters = max(edges, line["edges"]), line["counters"]
        findings += len(line["findings"])
    return executions, without_news, edges, counters, findings


def tell(names):
    print(f"{'target':12} {'executions':>12} {'without news':>12} {'edges':>14} {'findings':>8}")
    for name in names:
        executions, without_news, edges, counters, findings = so_far(name)
        wanted = WANTED_OF_STORE if name == "store" else WANTED
        enough = executions >= wanted and (name == "store" or without_news >= WANTED_WITHOUT_NEWS) and not findings
        print(f"{name:12} {executions:12,} {without_news:12,} {f'{edges}/{counters}':>14} {findings:8}"
              f"  {'enough' if enough else ''}".rstrip())


def lines(names):
    """Which lines of each parser its corpora reach: those of the tree, and what this machine's runs have found beside them."""
    build = TREE / "build" / "coverage"
    for name in names:
        program = build / "tests" / "fuzz" / f"{name}_replay"
        raw, profile = build / f"{name}.profraw", build / f"{name}.profdata"
        found = TREE / "build" / "fuzz" / "corpus" / name
        folders = [TREE / "tests" / "fuzz" / "corpus" / name, *([found] if found.is_dir() and any(found.iterdir()) else [])]
        subprocess.run([program, "--only", *folders], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "LLVM_PROFILE_FILE": str(raw)})
        subprocess.run(["llvm-profdata-16", "merge", "-sparse", raw, "-o", profile], check=True)
        sources = sorted({path for pattern in ledger.PARSERS[name] for path in TREE.glob(pattern)})
        report = subprocess.run(["llvm-cov-16", "report", program, f"-instr-profile={profile}", *sources],
                                check=True, capture_output=True, text=True).stdout
        total = next(line.split() for line in report.splitlines() if line.startswith("TOTAL"))
        print(f"{name:12} {total[9]:>8} of {total[7]} lines ({len(sources)} files)", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=TREE / "build" / "fuzz")
    parser.add_argument("--seconds", type=int, default=60, help="of each target (60)")
    parser.add_argument("--executions", type=int, help="of each target, instead")
    parser.add_argument("--seed", type=int, help="of libFuzzer; another one each time")
    parser.add_argument("--tell", action="store_true", help="run nothing, tell how far all have come")
    parser.add_argument("--lines", action="store_true", help="run nothing, tell which lines of the parsers the corpora reach")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    names = [name.removesuffix("_fuzz") for name in arguments.names] or sorted(ledger.PARSERS)
    limits = [f"-runs={arguments.executions}"] if arguments.executions else [f"-max_total_time={arguments.seconds}"]
    if arguments.lines:
        return lines(names)
    found = 0
    for name in () if arguments.tell else names:
        seed = arguments.seed or random.SystemRandom().randrange(1, 2**31)
        line = run(arguments.build, name, limits, seed)
        found += len(line["findings"])
        print(f"{name}: seed {seed}, {line['executions']:,} executions, the last {line['without_news']:,} without new coverage,"
              f" {line['edges']} of {line['counters']} edges; findings: {line['findings'] or 'none'}", flush=True)
    tell(names)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
