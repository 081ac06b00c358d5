"""Nothing private in what a server shows of itself: looked for in every run of every test that drives one (server.py).

Secrets are those of its configurations, the present one and all before it: a key that was rotated away still opens what somebody
recorded. They stand there, or in files that are named there. Private are the rider's name and phone and the free text that the
tests put into each message (wechat.py), and the rider's name in the messages of `wxpush bench` and `wxpush trigger`.

Nor may their memory be written into a file: no process of the program may leave a core.
"""

import functools
import json
import os
import pathlib

import processes
import wechat

BENCH_RIDER = "测试骑手"
PRIVATE = (wechat.RIDER_NAME, wechat.RIDER_PHONE, wechat.PRIVATE_TEXT, BENCH_RIDER)
SECRET_SETTINGS = {"token", "encoding_aes_key", "password", "secrets", "headers"}
SECRET_FILES = {
    "token_file",
    "encoding_aes_key_file",
    "password_file",
    "secret_files",
    "encryption_key_file",
    "old_encryption_key_files",
    "private_key",
}
CHUNK, LONGEST = 16 << 20, 4096  # bytes read at once; more than the longest that is hidden
LEAST_SIZE = 8  # of a secret: a shorter one may well be a part of something else


def values(setting):
    if isinstance(setting, dict):
        return [text for value in setting.values() for text in values(value)]
    if isinstance(setting, (list, tuple)):
        return [text for value in setting for text in values(value)]
    return [str(setting)]


def lines_of(file):
    """What a file of a secret holds: a line, or several of which none tells what it is (PEM). Nothing if it is not there yet."""
    try:
        return [line for line in file.read_text().split("\n") if not line.startswith("-----")]
    except OSError:
        return []


def secrets_in(tables, directory):
    """All secrets of tables of settings, nested ones and those in files included."""
    found = []
    for table in tables:
        for key, value in table.items():
            if key in SECRET_SETTINGS:
                found += values(value)
            elif key in SECRET_FILES:
                found += [line for name in values(value) for line in lines_of(directory / name)]
            elif isinstance(value, dict):
                found += secrets_in([value], directory)
            elif isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
                found += secrets_in(value, directory)
    return found


def forms(texts):
    """As bytes; also as JSON writes them."""
    return {form.encode() for text in texts for form in (text, json.dumps(text)[1:-1])}


@functools.cache
def has_leak_detector(program):
    """Which has to look into the memory (server/main.cpp)."""
    return b"__lsan_" in pathlib.Path(program).read_bytes()


def limits_of(pid):
    return pathlib.Path(f"/proc/{pid}/limits").read_text()


def look_for_core(pid, words):
    program = os.fsdecode(words.split(b"\0", 1)[0])
    if pathlib.Path(program).name != "wxpush" or has_leak_detector(program):
        return
    (core,) = (line.split()[4:6] for line in limits_of(pid).splitlines() if line.startswith("Max core file size"))
    assert core == ["0", "0"], f"a process of wxpush may leave a core file: {core}"


class Hidden:
    """What may be seen nowhere of one server."""

    def __init__(self):
        self.secrets = set()
        self.private = forms(PRIVATE)

    def learn(self, tables, directory):
        """The secrets of one more configuration; its files are relative to the directory."""
        self.secrets |= forms(text for text in secrets_in(tables, directory) if len(text) >= LEAST_SIZE)

    def look(self, shown, where, revealed=False):
        """AssertionError, without repeating it, if something hidden is shown; names and phones may be if they are revealed."""
        shown = shown if isinstance(shown, bytes) else shown.encode()
        for text in self.secrets if revealed else self.secrets | self.private:
            at = shown.find(text)
            assert at < 0, f"{where} shows something private of {len(text)} bytes at {at}"

    def look_at_file(self, path):
        """The same for a file that may be larger than memory."""
        overlap = b""
        with open(path, "rb") as file:
            while piece := file.read(CHUNK):
                self.look(overlap + piece, path.name)
                overlap = piece[-LONGEST:]

    def look_at_processes(self, *pids):
        """The words that the process list shows of these and of all that they started; and whether they may leave a core."""
        for pid in {found for one in pids for found in (one, *processes.below(one))}:
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
                self.look(words, "a command line")
                look_for_core(pid, words)
            except OSError:  # it has ended
                continue
