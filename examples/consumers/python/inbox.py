"""What the consumers beside this file share: is an event ours, and was it here before.

Secrets come from WEBHOOK_SECRET (several with blanks between; none: nothing is verified), the inbox's path from INBOX.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import sqlite3

KEYS = [
    base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    for secret in os.environ.get("WEBHOOK_SECRET", "").split()
]
DATABASE = os.environ.get("INBOX", "inbox.db")


@contextlib.contextmanager
def transaction():
    """All that is done in it is on the disk afterwards, or nothing is, and it throws."""
    with contextlib.closing(sqlite3.connect(DATABASE)) as database, database:
        database.execute("PRAGMA synchronous = EXTRA")  # with less, a power cut may undo the last commit
        yield database


with transaction() as tables:
    tables.execute("CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, order_key TEXT, body BLOB)")


def is_ours(headers, body):
    """By signature alone: a message may have lain in the broker for days, so its age tells nothing."""
    told = f"{headers['ce-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = [b"v1," + base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()) for key in KEYS]
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return not KEYS or any(hmac.compare_digest(a, b) for a in wanted for b in given)


def take(headers, body):
    """When this returns, the event and what it changes are on the disk, once. What throws is to come again."""
    if not is_ours(headers, body):
        raise ValueError(f"event {headers['ce-id']}: none of the secrets made its signature")
    with transaction() as database:
        row = (headers["ce-id"], headers.get("ce-subject"), body)
        if database.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?)", row).rowcount == 1:
            pass  # it is new: change here, in the same transaction, what it changes
