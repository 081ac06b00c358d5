"""What the tests of brokers share: a broker of the test's own, and what a consumer reads from it. Import this first.

Each kind of broker is a class in a file of its own (rabbit.py, redis_streams.py, kafka_mock.py) with the members of Broker.
Everything is on loopback, on free ports, below a directory of the test's own, and goes away with the test.
"""

import abc
import os
import pathlib
import sys
import tempfile
import shutil
import typing

TESTS = pathlib.Path(__file__).resolve().parents[1]
for folder in ("e2e", "delivery"):
    sys.path.insert(0, str(TESTS / folder))

# The interpreter that has Debian's client libraries (python3-pika, python3-redis, python3-confluent-kafka).
PYTHON = "/usr/bin/python3"
# Where brokers keep their files, for figures that a disk shared with the store would spoil: /dev/shm. Else the temporary directory.
FILES = os.environ.get("WXPUSH_BROKER_FILES") or None
CONSUMERS = TESTS.parent / "examples" / "consumers"


class Received(typing.NamedTuple):
    """One message as a consumer got it; `headers` have the names that the HTTP handler's have."""

    headers: dict
    body: bytes
    partition: str  # the queue, stream or partition it came from

    @property
    def event_id(self):
        return self.headers["ce-id"]

    @property
    def order_key(self):
        return self.headers.get("ce-subject", "")


class Broker(abc.ABC):
    """A broker that can be broken in the ways brokers break."""

    name = ""  # the handler's type

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="wxpush-broker-", dir=FILES))

    def close(self):
        """Ends all processes and removes what they left."""
        shutil.rmtree(self.directory, ignore_errors=True)

    @abc.abstractmethod
    def handler(self, name, **settings):
        """The [[handler]] that hands events to this broker."""

    @abc.abstractmethod
    def start(self):
        """Starts it, or starts it again over what it kept; returns self when it can be used."""

    @abc.abstractmethod
    def kill(self):
        """As kill -9 does: nothing listens any more."""

    @abc.abstractmethod
    def pause(self):
        """It stands still: connections stay open, and nothing is answered (half-open)."""

    @abc.abstractmethod
    def resume(self):
        """It goes on."""

    @abc.abstractmethod
    def received(self):
        """All that it holds, as a list of Received, each partition's in its order."""
