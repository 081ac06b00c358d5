"""What is measured: wxpush, the floor, and what people would use instead. Each is started alone, for one turn.

A contender says what its answer of 200 means, which `turns.start` believes only after it looked.
"""

import dataclasses
import json
import os
import pathlib
import shutil
import subprocess

import places  # first

import configuration
import node_modules
import server
import wechat

APP = wechat.App()
BARE_BEAST = os.environ.get("WXPUSH_BARE_BEAST", "")
PYTHON = "/usr/bin/python3"  # Debian's, whatever else is called python3: the packages are for that one
MOST_CONNECTIONS = 20_000
NOT_HERE = "not here: ./dev setup rivals"


@dataclasses.dataclass
class Place:
    """Where one turn of one contender runs."""

    directory: pathlib.Path  # its own; on the disk or in memory
    port: int
    certificate: pathlib.Path
    private_key: pathlib.Path


class Contender:
    name = ""
    means = "nothing"  # what a 200 says about the push
    proves = False  # refuses a push whose signature is wrong
    stores = ""  # places.DISK or MEMORY, if it stores
    first_answer = 30.0  # seconds from its start
    core = places.SERVER_CORE

    def missing(self):
        """Why it cannot take part here; empty if it can. May build it, once."""
        return ""

    def command(self, place):
        raise NotImplementedError

    def environment(self, place):
        return {"TOKEN": APP.token, "ENCODING_AES_KEY": APP.encoding_aes_key, "APPID": APP.appid}

    def stored(self, place):
        """What is on its disk, as bytes that hold the events' messages."""
        return b""


class WxPush(Contender):
    proves = True

    def __init__(self, stores=places.DISK, log_level="warning", apps=(APP,), sections=None, handlers=()):
        self.stores = stores
        self.means = f"stored and synced ({stores})" if stores == places.DISK else "stored in memory (tmpfs)"
        self.name = "wxpush" + (" tmpfs" if stores == places.MEMORY else "") + (" with log" if log_level == "info" else "")
        self._level = log_level
        self._apps = apps
        self._sections = sections or {}
        self._handlers = handlers

    def missing(self):
        if not places.STORES[places.MEMORY].is_dir() and self.stores == places.MEMORY:
            return f"no {places.STORES[places.MEMORY]} here"
        return "" if server.BINARY else "WXPUSH_BINARY does not name the program"

    def command(self, place):
        sections = {
            "server": {
                "listen": f"127.0.0.1:{place.port}",
                "threads": 1,
                "certificate": place.certificate,
                "private_key": place.private_key,
                "max_connections": MOST_CONNECTIONS,
                "max_connections_per_address": MOST_CONNECTIONS,
            },
            "admin": {"listen": "127.0.0.1:0", "socket": str(place.directory / "admin.sock")},
            "store": {"path": place.directory / "store"},
            "log": {"level": self._level},
        }
        for name, entries in self._sections.items():
            sections[name].update(entries)
        file = place.directory / "wxpush.toml"
        file.write_text(configuration.text(sections, [app.settings() for app in self._apps], self._handlers))
        return [server.BINARY, "serve", "-c", file]

    def stored(self, place):
        return b"".join(path.read_bytes() for path in sorted((place.directory / "store").glob("queue.db*")))


class BareBeast(Contender):
    name = "bare Beast"
    means = "read"

    def missing(self):
        return "" if BARE_BEAST else "WXPUSH_BARE_BEAST does not name the program"

    def command(self, place):
        return [BARE_BEAST, str(place.port), place.certificate, place.private_key]


class Nginx(Contender):
    name = "nginx return 200"
    means = "read"
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

    def missing(self):
        return "" if self.program else NOT_HERE

    def command(self, place):
        text = (places.RIVALS / "nginx.conf").read_text()
        words = {"PORT": place.port, "CERTIFICATE": place.certificate, "PRIVATE_KEY": place.private_key}
        for word, value in {**words, "DIRECTORY": place.directory}.items():
            text = text.replace(word, str(value))
        (place.directory / "nginx.conf").write_text(text)
        return [self.program, "-p", place.directory, "-c", place.directory / "nginx.conf"]


class Go(Contender):
    name = "Go net/http"
    means = "verified, decrypted"
    proves = True

    def missing(self):
        if not shutil.which("go"):
            return NOT_HERE
        source = places.RIVALS / "go" / "main.go"
        self._program = places.BUILT / "go-rival"
        if self._program.exists() and self._program.stat().st_mtime > source.stat().st_mtime:
            return ""
        places.BUILT.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "GO111MODULE": "off", "CGO_ENABLED": "0", "GOCACHE": str(places.BUILT / "go-cache")}
        words = ["go", "build", "-o", self._program, source]
        subprocess.run(words, check=True, env=environment, timeout=300)
        return ""

    def command(self, place):
        return [self._program, str(place.port), place.certificate, place.private_key]


class Node(Contender):
    proves = True

    def __init__(self, stores=""):
        self.stores = stores
        self.name = "Node fastify" + (" fdatasync" if stores else "") + (" tmpfs" if stores == places.MEMORY else "")
        self.means = "stored and synced (disk)" if stores == places.DISK else "verified, decrypted"
        if stores == places.MEMORY:
            self.means = "stored in memory (tmpfs)"

    def missing(self):
        source = places.RIVALS / "node"
        try:
            modules = node_modules.of(source)
        except Exception as reason:  # unittest.SkipTest: no node, no npm, or no registry
            return f"{NOT_HERE} ({reason})"
        # The program beside its modules, where Node looks for them.
        self._program = modules.parent / "server.js"
        shutil.copy(source / "server.js", self._program)
        return ""

    def command(self, place):
        return ["node", self._program, str(place.port), place.certificate, place.private_key]

    def environment(self, place):
        common = {**super().environment(place), "NODE_ENV": "production"}
        return {**common, "STORE": str(place.directory / "events")} if self.stores else common

    def stored(self, place):
        return (place.directory / "events").read_bytes() if self.stores else b""


class Python(Contender):
    name = "Python aiohttp"
    means = "verified, decrypted"
    proves = True

    def missing(self):
        words = [PYTHON, "-c", "import aiohttp, cryptography, uvloop"]
        try:
            return NOT_HERE if subprocess.run(words, capture_output=True, timeout=60).returncode else ""
        except OSError:
            return NOT_HERE

    def command(self, place):
        source = places.RIVALS / "python" / "server.py"
        return [PYTHON, "-B", source, str(place.port), place.certificate, place.private_key]


class Webhook(Contender):
    name = "webhook /bin/true"
    means = "a command has ended"

    def missing(self):
        return "" if shutil.which("webhook") else NOT_HERE

    def command(self, place):
        hooks = json.loads((places.RIVALS / "webhook.json").read_text())
        file = place.directory / "hooks.json"
        file.write_text(json.dumps(hooks))
        words = ["webhook", "-hooks", file, "-ip", "127.0.0.1", "-port", str(place.port), "-urlprefix", "wx"]
        return [*words, "-secure", "-cert", place.certificate, "-key", place.private_key, "-tls-min-version", "1.3"]


def everyone():
    return [
        WxPush(),
        WxPush(places.MEMORY),
        WxPush(log_level="info"),
        BareBeast(),
        Nginx(),
        Go(),
        Node(),
        Node(places.DISK),
        Node(places.MEMORY),
        Python(),
        Webhook(),
    ]


def named(words):
    """Those that are called one of these words, separated by commas, or else begin with it; all if there are no words."""
    found = []
    for word in words.lower().split(","):
        called = [one for one in everyone() if one.name.lower() == word.strip()]
        found += called or [one for one in everyone() if one.name.lower().startswith(word.strip())]
    return found
