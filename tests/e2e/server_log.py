"""What a server writes on its standard output, as it comes."""

import json
import threading
import time

import client


class Log:
    """The lines of one process; read by a thread of its own, so that the process never blocks on its log."""

    def __init__(self, pipe):
        self._lines = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe):
        with pipe:
            for line in pipe:
                with self._changed:
                    self._lines.append(line.decode(errors="replace").rstrip("\n"))
                    self._changed.notify_all()

    def join(self):
        self._thread.join(client.DEADLINE)

    def text(self):
        with self._changed:
            return "\n".join(self._lines)

    def entries(self, message=None):
        """The lines that are JSON objects; only those with this message, if given."""
        found = []
        for line in self.text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and message in (None, entry.get("message")):
                found.append(entry)
        return found

    def wait_for(self, message, count=1, deadline=client.DEADLINE):
        """The entries with this message, as soon as there are `count` of them."""
        end = time.monotonic() + deadline
        while len(found := self.entries(message)) < count:
            with self._changed:
                if time.monotonic() > end:
                    raise AssertionError(
                        f"{len(found)} of {count} lines {message!r} in:\n" + "\n".join(self._lines)
                    )
                self._changed.wait(0.1)
        return found
