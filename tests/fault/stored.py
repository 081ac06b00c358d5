"""Stores that hold much before a campaign begins, by the front door or by rows written into a stopped store."""

import hashlib
import os
import pathlib
import shutil
import sqlite3
import time

import campaigns  # first

import checksums
import client
import offer
import runs
import server
import wechat

APP = wechat.App()
CONNECTIONS = 64
# Of a server over such a store, which may have been made long ago: none of it goes, and there is room for more.
KEEP = {"retention": "365d", "max_size": "64GiB"}
INSERT = """INSERT INTO event(
  id, event_id, app, appid, order_key, order_hash, received_at, body, type, kind, codec, key_number)
VALUES(?, ?, ?, ?, ?, ?, ?, ?, 'update_waybill_status', 0, 0, 0)"""


def pushed(run, count):
    """A directory with a stopped store of that many events, which came by `wxpush bench`. Made once, and kept beside the
    binary."""
    kept = pathlib.Path(server.BINARY).parent / "fault" / f"stored-{count}"
    if not (kept / "queue.db").exists():
        running = run.server(sections=campaigns.quiet()).start()
        began = time.monotonic()
        offer.offer(running, "--connections", CONNECTIONS, "--rate", "max", "--events", count, "--duration", 86400, deadline=3600)
        run.say(f"{count} events stored in {time.monotonic() - began:.0f} s, kept in {kept}")
        campaigns.stop_well(running)
        kept.parent.mkdir(parents=True, exist_ok=True)
        making = kept.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        shutil.copytree(running.store, making)
        making.rename(kept)
        running.remove()
    return kept


def lay(run, running, count):
    """So many events into the store of a server that was never started; on the disk, so that no sync of the server waits for them."""
    if count:
        shutil.copytree(pushed(run, count), running.store)
        os.sync()


def write_rows(running, count, age):
    """Rows as if so many events had been stored `age` seconds ago, none of them filed (docs/store.md, "Tables"). The server
    is stopped, and made the tables. Returns the messages."""
    messages = [wechat.waybill(f"row-{number}") for number in range(count)]
    at = int((time.time() - age) * 1000)
    database = sqlite3.connect(running.store / "queue.db", isolation_level=None)
    database.execute("PRAGMA synchronous = OFF")
    database.execute("BEGIN")
    first = 1 + database.execute("SELECT coalesce(max(id), 0) FROM event").fetchone()[0]
    rows = []
    for number, message in enumerate(messages):
        event = hashlib.sha256(APP.appid.encode() + b"\0" + message).digest()
        # The order's number is only searched by, and never 0.
        rows.append((first + number, event, APP.name, APP.appid, f"row-{number}", 1 + number, at + number, message))
    database.executemany(INSERT, rows)
    for key, value in (("next_id", first + count), ("events", count)):
        database.execute("INSERT OR REPLACE INTO meta(key, value) VALUES(?, ?)", (key, value))
    database.execute("COMMIT")
    database.close()
    checksums.write(running.store)
    return messages


def filled(run, count, age, **options):
    """A server, not started, over a store with such rows."""
    running = run.server(**options)
    running.start()
    campaigns.stop_well(running)
    return running, write_rows(running, count, age) if count else []


__all__ = ["KEEP", "client", "filled", "lay", "write_rows"]
