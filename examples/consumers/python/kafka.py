"""Takes events from a Kafka topic, each once: KAFKA=127.0.0.1:9092 WEBHOOK_SECRET=whsec_… python3 kafka.py

Needs confluent-kafka (Debian: python3-confluent-kafka). Several of it, with a database in common, share the partitions.
Without WEBHOOK_SECRET signatures are not looked at: then whoever may write to the topic can make events up.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import signal
import sqlite3
import sys

import confluent_kafka

SECRET = os.environ.get("WEBHOOK_SECRET", "")
DATABASE = os.environ.get("INBOX", "inbox.db")


def is_ours(headers, body):
    """No age is asked for, as of an HTTP request: a message may have waited in Kafka for days."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"), validate=True)
    told = b"%s.%s." % (headers.get("webhook-id", b""), headers.get("webhook-timestamp", b"")) + body
    wanted = b"v1," + base64.b64encode(hmac.new(key, told, hashlib.sha256).digest())
    signatures = headers.get("webhook-signature", b"").split(b" ")
    return any(hmac.compare_digest(wanted, one) for one in signatures)


def store(messages):
    """All of them are on the disk afterwards, or none is, and it throws."""
    with contextlib.closing(sqlite3.connect(DATABASE)) as database, database:
        database.execute("PRAGMA synchronous = EXTRA")  # with less, a power cut may undo the last commit
        database.execute("CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY, order_key TEXT, body BLOB)")
        for message in messages:
            headers, body = dict(message.headers() or []), message.value() or b""
            if SECRET and not is_ours(headers, body):  # passed over, it would be lost if the secret is wrong here
                sys.exit(f"not signed by us: {message.topic()}/{message.partition()} at {message.offset()}")
            row = (headers["ce-id"].decode(), message.key().decode(), body)
            if database.execute("INSERT OR IGNORE INTO event VALUES (?, ?, ?)", row).rowcount == 1:
                pass  # it is new: change here, in the same transaction, what it changes


def main():
    settings = {"bootstrap.servers": os.environ.get("KAFKA", "127.0.0.1:9092"), "group.id": "shop"}
    consumer = confluent_kafka.Consumer(
        {**settings, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([os.environ.get("TOPIC", "wxpush-events")])
    ending = []
    signal.signal(signal.SIGTERM, lambda *_: ending.append(True))
    with contextlib.closing(consumer):  # so that others take over its partitions at once
        while not ending:
            found = consumer.consume(500, timeout=1.0)
            for error in filter(None, (message.error() for message in found)):
                print(error, file=sys.stderr)
            if messages := [message for message in found if not message.error()]:
                store(messages)
                try:
                    consumer.commit(asynchronous=False)  # only now: they are on the disk
                except confluent_kafka.KafkaException as error:
                    print(error, file=sys.stderr)  # they come again, to us or to another, and are known


if __name__ == "__main__":
    main()
