"""What the fault campaigns have shown so far: `ledger.jsonl`, one JSON object a line, one line a run.

A line: campaign, at, commit, seed, source, every count by its name, findings (accounts of what did not hold; none is good).
`source` is a digest of what the campaign's verdict depends on: the product's code that it is about, the store's in any case, and the
harness's files. A change to either restarts the count: `total` adds up the lines of today's source alone.
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

STORE = ("handlers/queue/*.cpp", "handlers/queue/*.h", "crypto/primitives/*", "handlers/event/event_id.*")
# Beside the store: the files of each campaign. One that is not listed here depends on its own script alone.
POWER_CUTS = (
    "tests/fault/crashes.py",
    "tests/fault/disk_*",
    "tests/fault/happenings.py",
    "tests/fault/planted.py",
    "tests/fault/powercut.py",
    "tests/fault/recording.py",
    "tests/fault/scripts.py",
    "tests/fault/server_lives.py",
    "tests/fault/store_subject*",
    "tests/fault/traces.py",
    "tests/fault/verdicts.py",
)
# The product's, where a campaign is about more than the store: what takes pushes and answers them, begins, ends and hands over (not the
# commands); and what delivers.
DOOR = ("server/*.cpp", "server/*.h", "crypto/tls/*")
DELIVERY = ("handlers/dispatch/*.cpp", "handlers/dispatch/*.h", "handlers/sink/*.cpp", "handlers/sink/*.h")
# The harness: what every run of the program judges by, what pushes and keeps account of it, and a back end with its account.
RUNS = (
    "tests/fault/campaigns.py", "tests/fault/faults.py", "tests/delivery/runs.py", "tests/e2e/server.py", "tests/e2e/client.py",
    "tests/e2e/wechat.py",
)
PUSHING = (*RUNS, *DOOR, "tests/fault/accounts.py", "tests/fault/stored.py", "tests/delivery/ledgers.py", "tests/delivery/offer.py",
           "tests/e2e/load.py")
BACK_END = (*DELIVERY, "tests/delivery/moody_backend.py")
RESTARTS = (*PUSHING, "tests/fault/restarts.py", "tests/fault/wechat_sender.cpp", "server/cli/bench_*", "tests/e2e/supervised.py")
HARNESS = {
    "powercut": (*PUSHING, *POWER_CUTS),
    "eio": (*PUSHING, *POWER_CUTS, "tests/fault/eio.py"),
    "bit_flips": (
        *RUNS, "tests/e2e/load.py", "tests/fault/bit_flips.py", "tests/fault/store_flips.cpp", "tests/fault/flipped_store.*",
        "tests/handlers/queue/sample_events.*", "server/cli/event*", "server/cli/store*",
    ),
    "mixed_load": (
        *PUSHING, *BACK_END, "tests/fault/mixed_load.py", "tests/fault/race.c", "config/*.cpp", "config/*.h", "crypto/*/*.cpp",
        "crypto/*/*.h", "server/cli/*", "handlers/*/*.cpp", "handlers/*/*.h",
    ),
    "kills": (*PUSHING, "tests/fault/kills.py"),
    "points": (
        *PUSHING, *BACK_END, "tests/fault/kill_points.py", "tests/fault/kill_shim.c", "tests/fault/points.py", "tests/e2e/checksums.py",
    ),
    "full_disk": (*PUSHING, "tests/fault/small_disk.py", "tests/fault/full_disk.py"),
    "slow_disk": (*PUSHING, "tests/fault/fault_shim.c", "server/cli/bench*", "tests/fault/slow_disk.py"),
    "clock": (*PUSHING, *BACK_END, "tests/fault/fault_shim.c", "handlers/base/*clock*", "tests/fault/clock.py", "tests/delivery/clock.py"),
    "descriptors": (*PUSHING, *BACK_END, "tests/fault/descriptors.py"),
    "pressure": (
        *PUSHING, *BACK_END, "tests/fault/fault_shim.c", "tests/fault/bounds.py", "tests/fault/crowd.py", "tests/fault/pressure.py",
        "tests/delivery/process.py",
    ),
    "restarts": RESTARTS,
    "rush": (*RESTARTS, "tests/fault/rush.py"),
    "brokers": (*PUSHING, "tests/brokers/*.[pch]*", "tests/delivery/process.py", "handlers/sink/*.*", "handlers/dispatch/*.*"),
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
    "outcome": ("handlers/sink/http_outcome.*",),
    "push_codec": ("crypto/wechat/*.cpp", "crypto/wechat/*.h", *CRYPTO),
    "query": ("server/http.*", "handlers/base/url.*"),
    "request": ("server/request_reader.*",),
    "store": (*STORE, "tests/handlers/queue/sample_events.*"),
}


def files(campaign):
    """Patterns of what this campaign depends on."""
    if campaign.startswith("fuzz."):
        name = campaign.removeprefix("fuzz.")
        return (*PARSERS[name], f"tests/fuzz/{name}_*")
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
