#!/usr/bin/env python3
"""Runs clang-tidy-16 over our .cpp files in parallel.

A file that was found clean is skipped until something changes that its result hangs on: the file itself,
any header of ours that it reaches, its compile command, .clang-tidy, or the installed packages. The marks lie
in ~/.cache/wxpush-tidy, so that a fresh clone has them, too. --all ignores them.
Only with --deep: the static analyzer, which takes half of all time and on files with Beast in them does not end, and
performance-unnecessary-value-param, which at CLI11's header takes two fifths of the time of all checks.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("config", "crypto", "handlers", "server", "examples")  # --tests adds "tests"
MARKS = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "wxpush-tidy"
MARKS_DAYS = 30
DEEP_SECONDS = 300  # for one file
DEEP = "-clang-analyzer-*,-performance-unnecessary-value-param"  # what is left out otherwise
INCLUDE = re.compile(rb'^\s*#\s*include\s+(?:"|<(?=wxpush/))([^">]+)', re.MULTILINE)


def reached(path: pathlib.Path, seen: dict[pathlib.Path, bytes]) -> None:
    """Collects `path` and every header of this tree that it includes, with their contents."""
    if path in seen or not path.is_file():
        return
    seen[path] = path.read_bytes()
    for name in INCLUDE.findall(seen[path]):
        for base in (ROOT, ROOT / "include", path.parent):
            reached((base / name.decode()).resolve(), seen)


def surroundings(deep: bool) -> bytes:
    """What every result hangs on: the checks, the tool, and the libraries' versions."""
    parts = [b"deep" if deep else DEEP.encode(), (ROOT / ".clang-tidy").read_bytes(), subprocess.check_output(["clang-tidy-16", "--version"])]
    if shutil.which("dpkg-query"):
        parts.append(subprocess.check_output(["dpkg-query", "-W"]))
    return b"\0".join(parts)


def digest(source: pathlib.Path, command: str, around: bytes) -> str:
    files: dict[pathlib.Path, bytes] = {}
    reached(source, files)
    hasher = hashlib.sha256(around + b"\0" + command.replace(str(ROOT), "").encode())
    for path in sorted(files):
        hasher.update(b"\0" + str(path.relative_to(ROOT)).encode() + b"\0" + files[path])
    return hasher.hexdigest()


def tidy(build: pathlib.Path, source: pathlib.Path, deep: bool) -> tuple[int, str, float]:
    began = time.monotonic()
    command = ["clang-tidy-16", "--quiet", "-p", str(build), str(source)]
    if not deep:
        command.append(f"--checks={DEEP}")
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=DEEP_SECONDS if deep else None)
    except subprocess.TimeoutExpired:
        return 0, f"  not analysed: it took longer than {DEEP_SECONDS} s\n", time.monotonic() - began
    # stderr holds counts of suppressed warnings; it matters only where the run itself went wrong.
    output = done.stdout + (done.stderr if done.returncode and not done.stdout else "")
    return done.returncode, output, time.monotonic() - began


def forget_old_marks() -> None:
    for mark in MARKS.iterdir():
        if time.time() - mark.stat().st_mtime > MARKS_DAYS * 86400:
            mark.unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path, help="build directory with compile_commands.json")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="check files that were found clean before, too")
    parser.add_argument("--deep", action="store_true", help="with the static analyzer")
    parser.add_argument("--tests", action="store_true", help="the tests, too")
    options = parser.parse_args()
    build = options.build.resolve()
    MARKS.mkdir(parents=True, exist_ok=True)
    forget_old_marks()
    around = surroundings(options.deep)
    todo = []
    total = 0
    folders = (*FOLDERS, "tests") if options.tests else FOLDERS
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if not source.is_relative_to(ROOT) or source.relative_to(ROOT).parts[0] not in folders:
            continue
        total += 1
        mark = MARKS / digest(source, entry["command"], around)
        if options.all or not mark.exists():
            todo.append((source, mark))
        else:
            mark.touch()
    if not total:
        print("tidy: no file of ours in compile_commands.json", file=sys.stderr)
        return 1
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(tidy, build, source, options.deep): (source, mark) for source, mark in todo}
        for number, future in enumerate(concurrent.futures.as_completed(running), 1):
            source, mark = running[future]
            status, output, seconds = future.result()
            print(f"[{number}/{len(todo)}] {source.relative_to(ROOT)} ({seconds:.0f} s)", flush=True)
            if output:
                print(output, flush=True)
            if status == 0:
                mark.touch()
            else:
                failed += 1
    print(f"clang-tidy: {total} files, {total - len(todo)} unchanged, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
