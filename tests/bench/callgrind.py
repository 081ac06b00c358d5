"""Reads what valgrind's callgrind wrote: instructions by function and library, and by part of the program.

The format: https://valgrind.org/docs/manual/cl-format.html. Of it: names that are abbreviated as (N), costs of a line, and
the line after `calls=`, which is what the called function took, and belongs to nobody's own cost.
"""

import collections
import re

# Where an instruction belongs, by the library it lies in; what lies in the program itself, by its namespace.
LIBRARIES = [
    ("libcrypto", "libcrypto: ciphers, hashes, signatures"),
    ("libssl", "libssl: TLS records and state"),
    ("libsqlite3", "SQLite"),
    ("libstdc++", "C++ library"),
    ("libspdlog", "the log's formatting"),
    ("libfmt", "the log's formatting"),
    ("libprometheus", "metrics"),
]
ALLOCATION = re.compile(r"^_?_?(int_)?(malloc|free|calloc|realloc|memalign|posix_memalign|operator (new|delete)|tcache|unlink_chunk)")
NAMESPACES = [
    ("wxpush::crypto", "our crypto/"),
    ("wxpush::event", "our handlers/event/"),
    ("wxpush::queue", "our handlers/queue/"),
    ("wxpush::server", "our server/"),
    ("wxpush", "ours, elsewhere"),
    ("boost::asio", "Asio"),
    ("boost::beast", "Beast"),
    ("rapidjson", "RapidJSON"),
    ("fmt", "the log's formatting"),
    ("spdlog", "the log's formatting"),
    ("prometheus", "metrics"),
    ("std", "C++ library"),
]


def owner(name):
    """A demangled name without its arguments and result: what is called, "a::b::c"."""
    text = name.replace("(anonymous namespace)", "{}").replace("operator()", "operator").replace("'lambda", "lambda")
    depth, kept = 0, []
    for character in text:
        depth += character == "<"
        if not depth:
            kept.append(character)
        depth -= character == ">" and depth > 0
    words = "".join(kept).split("(")[0].split()
    return words[-1] if words else name


def part(library, function):
    """The part of the program that a function belongs to."""
    file = library.rsplit("/", 1)[-1]
    if ALLOCATION.match(function):
        return "allocation"
    for prefix, told in LIBRARIES:
        if file.startswith(prefix):
            return told
    if file.startswith(("libc.", "libc-", "libm", "ld-", "vgpreload")):
        return "C library"
    called = owner(function)
    for namespace, told in NAMESPACES:
        if called == namespace or called.startswith(namespace + "::"):
            return told
    return "other"


class Profile:
    """Of one dump: `own[(library, function)]`, and `whole[function]` with all that it called."""

    def __init__(self):
        self.own = collections.Counter()
        self.whole = collections.Counter()

    def total(self):
        return sum(self.own.values())

    def parts(self):
        found = collections.Counter()
        for (library, function), cost in self.own.items():
            found[part(library, function)] += cost
        return found

    def stage(self, prefix):
        """What functions whose names begin so took, with all that they called."""
        return sum(cost for function, cost in self.whole.items() if function.startswith(prefix))


class Reader:
    COST = re.compile(r"^[+\-*]?\d*\s+(\d+)")
    NAME = re.compile(r"\((\d+)\)(?: (.*))?")

    def __init__(self):
        self._names = {}
        self._library = self._function = ""
        self._called = False
        self.profile = Profile()

    def _name(self, kind, text):
        number, name = self.NAME.match(text).groups()
        if name is not None:
            self._names[kind, number] = name
        return self._names[kind, number]

    def line(self, text):
        key, separator, value = text.partition("=")
        if separator and key in ("ob", "fn", "cob", "cfn"):
            name = self._name(key[-2:], value)
            if key == "ob":
                self._library = name
            elif key == "fn":
                self._function = name
        elif separator and key == "calls":
            self._called = True
        elif cost := self.COST.match(text):
            self._add(int(cost[1]))

    def _add(self, cost):
        self.profile.whole[self._function] += cost
        if not self._called:
            self.profile.own[self._library, self._function] += cost
        self._called = False


def read(path):
    reader = Reader()
    with open(path, errors="replace") as lines:
        for line in lines:
            reader.line(line.rstrip("\n"))
    return reader.profile


def each(before, after, count):
    """What one of `count` more things took: the difference of two profiles' counters, divided."""
    return {name: (after[name] - before[name]) / count for name in {*before, *after}}
