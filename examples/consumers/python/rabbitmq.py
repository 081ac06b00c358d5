"""Takes events that wxpush handed to RabbitMQ, with pika: QUEUE=wxpush python3 rabbitmq.py

One process a queue. wxpush made the queue with x-single-active-consumer, so a second process beside it gets nothing
until the first is gone, and an order's events take effect in their order. It may be stopped or killed at any time: what
is not acknowledged comes again.
"""

import os
import time

import pika

import inbox

# Several, with commas between, are the nodes of a cluster.
URLS = os.environ.get("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2F?heartbeat=10").split(",")
QUEUE = os.environ.get("QUEUE", "wxpush")


def take(channel, method, properties, body):
    # What cannot be stored now is tried until it is, and all that comes after it waits: given back, it would come again
    # behind them.
    while True:
        try:
            inbox.take(properties.headers, body)
            break
        except Exception as error:  # a full disk, a signature of nobody's
            print(f"not now: {error!r}", flush=True)
            channel.connection.sleep(1)  # which answers heartbeats
    channel.basic_ack(method.delivery_tag)  # only now: it is on the disk


def consume():
    with pika.BlockingConnection([pika.URLParameters(url) for url in URLS]) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=50)
        channel.basic_consume(QUEUE, take)
        print(f"takes events from {QUEUE}", flush=True)
        channel.start_consuming()


while True:
    try:
        consume()
    except Exception as error:  # no broker, no queue yet
        print(f"not now: {error!r}", flush=True)
    time.sleep(1)
