"""Takes events that wxpush handed to Redis Streams, with redis-py: STREAM=wxpush:events python3 redis_streams.py

One process a stream. A second one beside it gets nothing until the first is gone, so that an order's events take effect
in their order. It may be stopped or killed at any time: what is not acknowledged comes again.
"""

import contextlib
import os
import time
import uuid

import redis

import inbox

URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
STREAM = os.environ.get("STREAM", "wxpush:events")
GROUP = os.environ.get("GROUP", "shop")
LEASE = float(os.environ.get("LEASE", "10"))  # seconds that a turn lasts unless it is renewed; more than a batch takes
TRIM_EVERY = float(os.environ.get("TRIM_EVERY", "60"))  # seconds
ME = uuid.uuid4().hex
TAKE_TURN = """
local whose = redis.call('GET', KEYS[1])
if whose and whose ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


def take(client, entries):
    for entry_id, fields in entries:
        body = fields.pop(b"body")
        inbox.take({name.decode(): value.decode() for name, value in fields.items()}, body)  # throws: it comes again
        client.xack(STREAM, GROUP, entry_id)  # only now: it is on the disk


def next_entries(client):
    """First what was handed out and never acknowledged, whoever had it: it is older than all that is new."""
    _, entries, *_ = client.xautoclaim(STREAM, GROUP, ME, min_idle_time=0, start_id="0-0", count=50)
    if not entries:
        found = client.xreadgroup(GROUP, ME, {STREAM: ">"}, count=50, block=int(LEASE * 250))
        entries = found[0][1] if found else []
    return entries


def trim(client):
    """What every group has acknowledged goes; what one of them still needs stays."""
    needed = []
    for group in client.xinfo_groups(STREAM):
        pending = client.xpending(STREAM, group["name"])
        oldest = pending["min"] if group["pending"] and pending["pending"] else group["last-delivered-id"]
        needed.append(tuple(map(int, oldest.split(b"-"))))
    client.xtrim(STREAM, minid="%d-%d" % min(needed))


def consume():
    with contextlib.closing(redis.Redis.from_url(URL, socket_timeout=LEASE + 10)) as client:
        with contextlib.suppress(redis.ResponseError):  # it is there already
            client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        is_my_turn, trim_at = client.register_script(TAKE_TURN), 0.0
        print(f"takes events from {STREAM} when it is its turn", flush=True)
        while True:
            if not is_my_turn(keys=[f"{STREAM}:{GROUP}:turn"], args=[ME, int(LEASE * 1000)]):
                time.sleep(LEASE / 10)
                continue
            take(client, next_entries(client))
            if time.monotonic() >= trim_at:
                trim(client)
                trim_at = time.monotonic() + TRIM_EVERY


while True:
    try:
        consume()
    except Exception as error:  # no Redis, a full disk, a signature of nobody's
        print(f"not now: {error!r}", flush=True)
    time.sleep(1)
