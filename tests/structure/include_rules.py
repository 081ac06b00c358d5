"""Who may include what: the layers of this tree, and the few files where each library appears.

docs/architecture.md draws the same picture. A rule is changed here first, with a reason, and then used.
"""
import fnmatch
import pathlib
import re

# Folder → the other folders of ours that its files may include.
BELOW_QUEUE = {"handlers/event", "handlers/base", "crypto/primitives"}
BELOW_SERVER = BELOW_QUEUE | {"config", "crypto/tls", "handlers/queue", "handlers/dispatch", "handlers/sink"}
LAYERS = {
    "crypto/primitives": set(),
    "crypto/tls": {"crypto/primitives"},
    "crypto/wechat": {"crypto/primitives"},
    "config": {"crypto/primitives", "handlers/base"},
    "handlers/base": {"crypto/primitives"},
    "handlers/event": {"handlers/base", "crypto/primitives"},
    "handlers/queue": BELOW_QUEUE,
    "handlers/sink": BELOW_QUEUE | {"handlers/queue", "crypto/tls"},
    "handlers/dispatch": BELOW_QUEUE | {"handlers/queue", "handlers/sink"},
    "server": BELOW_SERVER | {"include/wxpush"},
    "server/cli": BELOW_SERVER | {"crypto/wechat", "server"},
    # What users of the library see: nothing of ours but itself. Included as they do it, in <>.
    "include/wxpush": set(),
    "examples": {"include/wxpush"},
}

# Single files that may reach further: (pattern, folder).
EXCEPTIONS = [
    ("server/main.cpp", "server/cli"),
    # The push codec belongs to the endpoint that decides about pushes, and to the apps' keys it decides with.
    ("server/push_endpoint.*", "crypto/wechat"),
    ("server/apps.*", "crypto/wechat"),
    ("server/reply_sealer.*", "crypto/wechat"),
    # The one table from an error, the codec's included, to what is answered and counted.
    ("server/verdict.*", "crypto/wechat"),
]

# Library (beginning of what stands in <>) → the only files that include it. Beast and SSL cost a compiler 20 s and 1 GB a
# file; RapidJSON has traps that one file knows; the others are replaceable as long as they stay in their place.
LIBRARIES = {
    "rapidjson/": ["handlers/event/json.cpp"],
    "sqlite3.h": ["handlers/queue/*.cpp", "handlers/queue/sqlite.h", "handlers/queue/vfs*.h"],
    "toml++/": ["config/*.cpp"],
    "CLI/": ["server/cli/*.cpp"],
    "spdlog/": ["server/logger.cpp"],
    "prometheus/": ["server/metrics*.cpp"],
    "openssl/": ["crypto/primitives/*.cpp", "crypto/tls/*"],
    "boost/asio/ssl": ["crypto/tls/*", "server/session.*", "server/listener.*", "server/cli/http_client.cpp",
                       "server/cli/bench*.cpp", "handlers/sink/http_client.cpp", "handlers/sink/http_connection.h"],
    "boost/beast": ["server/session*.cpp", "server/request_reader.cpp", "server/cli/http_client.cpp", "server/cli/bench*.cpp",
                    "handlers/sink/http_client.cpp", "handlers/sink/http_connection.h"],
    "amqp": ["handlers/sink/amqp_connection.cpp"],
    "hiredis/": ["handlers/sink/redis_connection.cpp"],
    "librdkafka/": ["handlers/sink/kafka_library.h"],
    "doctest/": [],
}

# Of other people's, a public header includes what is listed here; the rest is the standard library.
PUBLIC_LIBRARIES = {"include/wxpush/coroutine.h": {"boost/asio/awaitable.hpp"}}

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def folder_of(path: str) -> str | None:
    """The layer that a file belongs to: the longest folder in LAYERS above it."""
    parts = path.split("/")[:-1]
    while parts and "/".join(parts) not in LAYERS:
        parts.pop()
    return "/".join(parts) or None


def any_match(path: str, patterns: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def wrong_own(root: pathlib.Path, path: str, included: str) -> str | None:
    """What is wrong with `path` including our own `included`; None if nothing is."""
    if not (root / included).is_file():
        return "no such file from the root of the tree"
    here, there = folder_of(path), folder_of(included)
    if here == there or any(fnmatch.fnmatchcase(path, pattern) and there == folder for pattern, folder in EXCEPTIONS):
        return None
    if there is None or there not in LAYERS[here or ""]:
        return f"{here} may not know {there or 'a folder outside the layers'}"
    return None


def wrong_library(path: str, included: str) -> str | None:
    if folder_of(path) == "include/wxpush" and "/" in included and included not in PUBLIC_LIBRARIES.get(path, set()):
        return "a public header brings nothing of other people's along"
    for library, files in LIBRARIES.items():
        if included.startswith(library) and not any_match(path, files):
            return f"{library} is for {', '.join(files) or 'tests'} only"
    return None


def sources(root: pathlib.Path) -> list[str]:
    """Every source file of the product, from the root; a file outside the layers is one, too, so that none escapes."""
    tops = sorted({layer.split("/")[0] for layer in LAYERS})
    return [str(file.relative_to(root)) for top in tops for file in sorted((root / top).rglob("*"))
            if file.suffix in (".h", ".cpp")]


def violations(root: pathlib.Path) -> list[str]:
    """One line each: `file: includes what: why not`."""
    found = []
    for path in sources(root):
        if folder_of(path) is None:
            found.append(f"{path}: lies in no layer")
            continue
        for own, library in INCLUDE.findall((root / path).read_text(encoding="utf-8")):
            if library.startswith("wxpush/"):
                own = f"include/{library}"
            why = wrong_own(root, path, own) if own else wrong_library(path, library)
            if why:
                found.append(f"{path}: includes {own or library}: {why}")
    return found
