"""Takes events that wxpush handed to Kafka, with confluent-kafka: TOPIC=wxpush-events python3 kafka.py

Several of one GROUP share the topic's partitions; an order is in one of them, so its events take effect in their order.
What they keep must be in common (here one file). It may be stopped or killed at any time: what is not committed comes
again, to it or to another of its group.
"""

import contextlib
import os
import signal
import sys
import time

import confluent_kafka

import inbox

BROKERS = os.environ.get("KAFKA", "127.0.0.1:9092")  # one or several, with commas between
TOPIC = os.environ.get("TOPIC", "wxpush-events")
SETTINGS = {
    "bootstrap.servers": BROKERS,
    "group.id": os.environ.get("GROUP", "shop"),
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",  # a new group begins with what is there
}


def take(message):
    if message.error():
        raise confluent_kafka.KafkaException(message.error())
    headers = {name: value.decode() for name, value in message.headers()}
    inbox.take(headers, message.value() or b"")  # throws: it is not committed, and comes again


def consume():
    with contextlib.closing(confluent_kafka.Consumer(SETTINGS)) as consumer:
        consumer.subscribe([TOPIC])
        print(f"takes events from {TOPIC}", flush=True)
        while True:
            messages = consumer.consume(100, timeout=1)
            for message in messages:
                take(message)
            if messages:
                consumer.commit(asynchronous=False)  # only now: they are on the disk


signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # it leaves its group, and others go on with its partitions at once
while True:
    try:
        consume()
    except Exception as error:  # no broker, no topic yet, a full disk, a signature of nobody's
        print(f"not now: {error!r}", flush=True)
    time.sleep(1)
