"""What the fault campaigns have shown so far: `ledger.jsonl`, one JSON object a line, one line a run.

A line: campaign, at, commit, seed, source, every count by its name, findings (accounts of what did not hold; none is good).
`source` is a digest of what the campaign's verdict depends on: the store's own code and the harness's files. A change to
either restarts the count: `total` adds up the lines of today's source alone.
"""

import datetime
import hashlib
import json
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parents[1]
FILE = HERE / "ledger.jsonl"

STORE = ("handlers/queue/*.cpp", "handlers/queue/*.h")
# Beside the store: the files of each campaign. One that is not listed here depends on its own script alone.
POWER_CUTS = (
    "tests/fault/crashes.py",
    "tests/fault/disk_*",
    "tests/fault/powercut.py",
    "tests/fault/recording.py",
    "tests/fault/server_lives.py",
    "tests/fault/store_subject*",
    "tests/fault/traces.py",
    "tests/fault/verdicts.py",
)
KILLS = ("tests/fault/campaigns.py", "tests/fault/accounts.py", "tests/fault/stored.py", "tests/delivery/ledgers.py")
HARNESS = {
    "powercut": POWER_CUTS,
    "eio": (*POWER_CUTS, "tests/fault/eio.py"),
    "bit_flips": ("tests/fault/bit_flips.py", "tests/fault/store_flips.cpp", "tests/fault/flipped_store.*"),
    "mixed_load": (*KILLS, "tests/fault/mixed_load.py", "server/*.cpp", "server/*.h", "handlers/*/*.cpp", "handlers/*/*.h"),
    "kills": (*KILLS, "tests/fault/kills.py"),
    "points": (*KILLS, "tests/fault/kill_points.py", "tests/fault/kill_shim.c", "tests/fault/points.py"),
    "full_disk": (*KILLS, "tests/fault/small_disk.py", "tests/fault/full_disk.py"),
    "slow_disk": (*KILLS, "tests/fault/fault_shim.c", "tests/fault/slow_disk.py"),
    "clock": (*KILLS, "tests/fault/fault_shim.c", "tests/delivery/clock.py"),
    "pressure": ("tests/fault/campaigns.py", "tests/fault/crowd.py", "tests/fault/pressure.py"),
    "rush": ("tests/fault/campaigns.py", "tests/fault/restarts.py", "tests/fault/wechat_sender.py", "tests/fault/rush.py"),
    "descriptors": (*KILLS, "tests/fault/descriptors.py"),
}
# What each fuzz target is about: its campaign, fuzz.NAME, depends on that and on the target, and not on the store.
JSON = ("handlers/event/json*", "handlers/event/text.*")
CRYPTO = ("crypto/primitives/base64.*", "crypto/primitives/aes256_cbc.*", "crypto/primitives/constant_time.*")
PARSERS = {
    "answer": ("handlers/sink/http_client.*", "handlers/sink/http_connection.h"),
    "base64": ("crypto/primitives/base64.*",),
    "config": ("config/*.cpp", "config/*.h"),
    "envelope": ("handlers/event/envelope.*", "handlers/event/xml_envelope.*", *JSON),
    "forwarded": ("server/forwarded_client.*", "server/connection_limits.*", "config/address.cpp"),
    "json": JSON,
    "message": ("handlers/event/*.cpp", "handlers/event/*.h"),
    "push_codec": ("crypto/wechat/*.cpp", "crypto/wechat/*.h", *CRYPTO),
    "query": ("server/http.*", "handlers/base/url.*"),
    "request": ("server/request_reader.*",),
    "store": STORE,
}


def files(campaign):
    """Patterns of what this campaign depends on."""
    if campaign.startswith("fuzz."):
        name = campaign.removeprefix("fuzz.")
        return (*PARSERS[name], f"tests/fuzz/{name}_fuzz.cpp")
    return (*STORE, *HARNESS.get(campaign, (f"tests/fault/{campaign}.py",)))


def source(campaign):
    """The digest of what this campaign depends on, as it lies in the tree now."""
    patterns = files(campaign)
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in TREE.glob(pattern)}):
        digest.update(str(path.relative_to(TREE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def commit():
    """The commit that is checked out; with a + if the tree is not quite it."""

    def git(*arguments):
        return subprocess.run(["git", "-C", TREE, *arguments], capture_output=True, text=True, timeout=20)

    try:
        name = git("rev-parse", "--short=12", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ":!tests/fault/ledger.jsonl")
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    if name.returncode != 0:
        return "unknown"
    return name.stdout.strip() + ("+" if changed.stdout.strip() else "")


def stamp(campaign):
    """What a run is a run of. To be taken when it begins, where files may change before it ends."""
    return {"commit": commit(), "source": source(campaign)}


def append(campaign, seed, counts, findings, begun=None):
    """One run: its line is written at once and as a whole, so campaigns may run side by side. Returns it."""
    line = {
        "campaign": campaign,
        "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "seed": seed,
        **(begun or stamp(campaign)),
        **counts,
        "findings": list(findings),
    }
    file = os.open(FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(file, (json.dumps(line, ensure_ascii=False) + "\n").encode())
    finally:
        os.close(file)
    return line


def runs(campaign):
    """The lines of this campaign that were made with today's source."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    found = (json.loads(line) for line in lines if line.strip())
    wanted = source(campaign)
    return [line for line in found if line["campaign"] == campaign and line["source"] == wanted]


def total(campaign):
    """The counts of those runs, added up; and how many runs and findings there were."""
    added = {"runs": 0, "findings": 0}
    for line in runs(campaign):
        added["runs"] += 1
        added["findings"] += len(line["findings"])
        for name, value in line.items():
            if name not in ("seed",) and isinstance(value, (int, float)) and not isinstance(value, bool):
                added[name] = added.get(name, 0) + value
    return added
