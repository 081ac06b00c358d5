"""Load for the tests: threads that post distinct pushes over keep-alive TLS and note what was acknowledged."""

import threading

import client
import wechat


class Load:
    """Posts pushes until stopped. What `acknowledged` holds was answered 200, each event id once per 200.

    A connection that breaks ends its thread when `give_up` is set, else it is opened again.
    `make_message(thread, number)` gives the bytes of the next message and must never repeat itself.
    """

    def __init__(self, server, make_message, threads=4, app=None, give_up=True, limit=None):
        self.acknowledged = []
        self.unanswered = []  # pushes sent, or about to be, when the connection broke
        self.refused = []  # (status, push) of every other answer
        self._server, self._make_message, self._give_up = server, make_message, give_up
        self._app = app or wechat.App()
        self._limit = limit  # pushes per thread
        self._stop = threading.Event()
        self._lock = threading.Condition()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(threads)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self.join()

    def join(self):
        for thread in self._threads:
            thread.join(client.DEADLINE * 3)
            assert not thread.is_alive(), "a thread of the load does not end"

    def running(self):
        return any(thread.is_alive() for thread in self._threads)

    def wait_for(self, count):
        """Until at least this many were acknowledged, or every thread has ended."""
        with self._lock:
            reached = self._lock.wait_for(
                lambda: len(self.acknowledged) >= count or not self.running(), client.DEADLINE * 3
            )
        assert reached, f"only {len(self.acknowledged)} of {count} pushes were acknowledged"

    def _run(self, thread):
        connection, number = None, 0
        while not self._stop.is_set() and number != self._limit:
            push = wechat.push(self._app, self._make_message(thread, number))
            number += 1
            try:
                connection = connection or self._server.connect()
                response = connection.post(push)
            except (OSError, ValueError):
                connection = self._broken(connection, push)
                if self._give_up:
                    break
                continue
            with self._lock:
                if response.status == 200:
                    self.acknowledged.append(push.event_id)
                else:
                    self.refused.append((response.status, push))
                self._lock.notify_all()
        if connection:
            connection.close()
        with self._lock:
            self._lock.notify_all()

    def _broken(self, connection, push):
        with self._lock:
            self.unanswered.append(push)
        if connection:
            connection.close()
