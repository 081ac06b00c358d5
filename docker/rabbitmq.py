"""Starts RabbitMQ in the container of compose.queue.yml, with the users whose passwords lie in /run/secrets.

RabbitMQ takes the definitions over at each start: a changed password is in force after a restart.
"""

import base64
import hashlib
import json
import os
import pathlib

DEFINITIONS = pathlib.Path("/run/rabbitmq/definitions.json")
QUEUES = r"^wxpush(\..*)?$"
# What each user may declare, write to and read.
RIGHTS = {
    "wxpush": {"configure": QUEUES, "write": r"^amq\.default$", "read": "^$"},
    "consumer": {"configure": "^$", "write": "^$", "read": QUEUES},
}
# docs/queues.md, "Settings of RabbitMQ that matter"
POLICY = {"delivery-limit": 1_000_000, "max-length": 1_000_000, "overflow": "reject-publish"}


def hashed(password):
    salt = os.urandom(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password).digest()).decode()


def user(name):
    password = pathlib.Path(f"/run/secrets/rabbitmq_{name}").read_bytes().strip()
    algorithm = "rabbit_password_hashing_sha256"
    return {"name": name, "password_hash": hashed(password), "hashing_algorithm": algorithm, "tags": ""}


def main():
    definitions = {
        "vhosts": [{"name": "/"}],
        "users": [user(name) for name in RIGHTS],
        "permissions": [{"user": name, "vhost": "/", **rights} for name, rights in RIGHTS.items()],
        "policies": [
            {"vhost": "/", "name": "wxpush", "pattern": QUEUES, "apply-to": "queues", "definition": POLICY}
        ],
    }
    os.umask(0o077)
    DEFINITIONS.write_text(json.dumps(definitions))
    os.execv("/usr/lib/rabbitmq/bin/rabbitmq-server", ["rabbitmq-server"])


if __name__ == "__main__":
    main()
