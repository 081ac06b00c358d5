"""Takes events from wxpush, with Python alone: WEBHOOK_SECRET=whsec_… python3 backend.py

`application` runs under gunicorn, uWSGI or mod_wsgi as well; the server below is for small shops and for trying.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import signal
import socketserver
import sqlite3
import threading
import time
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"), validate=True)
DATABASE = os.environ.get("INBOX", "inbox.db")
LARGEST = 1024 * 1024  # as wxpush's max_body


@contextlib.contextmanager
def transaction():
    """All that is done in it is on the disk afterwards, or nothing is, and it throws."""
    with contextlib.closing(sqlite3.connect(DATABASE)) as database, database:
        database.execute("PRAGMA synchronous = EXTRA")  # with less, a power cut may undo the last commit
        yield database


with transaction() as tables:
    tables.execute("CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, order_key TEXT, body BLOB)")


def is_ours(event_id, timestamp, signatures, body):
    told = f"{event_id}.{timestamp}.".encode("latin-1") + body
    wanted = b"v1," + base64.b64encode(hmac.new(KEY, told, hashlib.sha256).digest())
    known = any(hmac.compare_digest(wanted, one) for one in signatures.encode("latin-1").split(b" "))
    return known and abs(time.time() - int(timestamp)) < 300


def answer(request):
    if (request["REQUEST_METHOD"], request["PATH_INFO"]) != ("POST", "/wechat"):
        return "404 Not Found"
    length = int(request.get("CONTENT_LENGTH") or LARGEST + 1)
    if not 0 <= length <= LARGEST:
        return "413 Content Too Large"
    body = request["wsgi.input"].read(length)  # the bytes as they came: nothing has parsed them
    names = ("HTTP_WEBHOOK_ID", "HTTP_WEBHOOK_TIMESTAMP", "HTTP_WEBHOOK_SIGNATURE")
    event_id, timestamp, signatures = (request.get(name, "") for name in names)
    if not is_ours(event_id, timestamp, signatures, body):
        return "401 Unauthorized"
    with transaction() as database:
        row = (event_id, request.get("HTTP_CE_SUBJECT"), body)
        if database.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?)", row).rowcount == 1:
            pass  # it is new: change here, in the same transaction, what it changes
    return "204 No Content"  # only now: it is on the disk


def application(request, start_response):
    start_response(answer(request), [])  # what throws is answered 500, and wxpush sends it again
    return []


class Server(socketserver.ThreadingMixIn, WSGIServer):
    """A thread a connection; at the end it waits for those that are under way."""


class Handler(WSGIRequestHandler):
    timeout = 30  # seconds of silence


if __name__ == "__main__":
    where = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "3000"))
    with make_server(*where, application, Server, Handler) as server:
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        server.serve_forever()
