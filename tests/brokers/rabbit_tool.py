"""What the tests do with RabbitMQ as its users do. Needs pika (python3-pika).

rabbit_tool.py PORT COMMAND, where COMMAND is JSON:
  {"do": "read", "queues": [NAME …]}              takes all ready messages out and prints them, a JSON object a line
  {"do": "queue", "name": NAME, "arguments": {…}, "durable": true}
  {"do": "exchange", "name": NAME, "type": "topic"}
  {"do": "bind", "queue": NAME, "exchange": NAME, "routing_key": KEY}
"""

import base64
import json
import sys
import time

import pika

NOT_FOUND = 404
WINDOW = 1000
QUIET = 0.5  # seconds; nothing more comes
PATIENCE = 60.0  # seconds, for what the queue said is there


def main():
    port, command = sys.argv[1:]
    command = json.loads(command)
    login = pika.PlainCredentials("guest", "guest")
    # A node that has just been started listens before it serves.
    patience = {"connection_attempts": 60, "retry_delay": 1}
    parameters = pika.ConnectionParameters("127.0.0.1", int(port), "/", login, heartbeat=0, **patience)
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        match command["do"]:
            case "read":
                for queue in command["queues"]:
                    read(connection.channel(), queue)
            case "queue":
                channel.queue_declare(
                    command["name"], durable=command.get("durable", True), arguments=command.get("arguments")
                )
            case "exchange":
                channel.exchange_declare(command["name"], command["type"], durable=True)
            case "bind":
                channel.queue_bind(command["queue"], command["exchange"], command["routing_key"])


def read(channel, queue):
    """Until nothing more comes: what was delivered and given back would come again in another order."""
    try:
        left = channel.queue_declare(queue, passive=True).method.message_count
    except pika.exceptions.ChannelClosedByBroker as error:
        if error.reply_code != NOT_FOUND:
            raise
        return  # whoever declares it has not come yet: nothing is there
    if left == 0:
        channel.close()
        return
    channel.basic_qos(prefetch_count=WINDOW)
    unconfirmed = 0
    heard = time.monotonic()
    for method, properties, body in channel.consume(queue, inactivity_timeout=QUIET):
        if method is None:
            if left <= 0 or time.monotonic() > heard + PATIENCE:
                break
            continue
        left, heard = left - 1, time.monotonic()
        last = method.delivery_tag
        message = {
            "headers": properties.headers,
            "body": base64.b64encode(body).decode(),
            "partition": queue,
            "persistent": properties.delivery_mode == 2,
            "message_id": properties.message_id,
        }
        print(json.dumps(message))
        unconfirmed += 1
        if unconfirmed == WINDOW // 2:
            channel.basic_ack(last, multiple=True)
            unconfirmed = 0
    if unconfirmed:
        channel.basic_ack(last, multiple=True)
    channel.cancel()
    channel.close()


if __name__ == "__main__":
    main()
