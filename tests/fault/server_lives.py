"""Lives of wxpush itself under the disk recorder, pushed to from outside: what was answered 200 is promised."""

import random
import time

import recording  # first

import server
import wechat

SHOP = wechat.App()
DAY = 86_400
HANDLER = {"name": "backend", "type": "log"}


class ServerSubject:
    asked_again = False  # real pushes are pushed again by the next life, not by the verifier

    def __init__(self, record):
        self.recording = record
        self.sizes = {"retention": 7 * DAY, "min_retention": DAY}
        self.unanswered = []
        self._made = 0
        self._running = server.Server(tls=False, store=record.root / "store", handlers=[HANDLER])

    def verify_words(self, clock):
        return f"clock={clock} retention={7 * DAY} min_retention={DAY}"

    def new_push(self):
        self._made += 1
        return wechat.push(SHOP, wechat.waybill(f"order-{self._made}"))

    def live(self, pushes, **options):
        """One life: starts, pushes first what went unanswered, then these, and stops; returns the exit code and its records."""
        running = self._running
        running.environment = self.recording.environment(**options)
        self.recording.mark(f"clock {int(time.time() * 1000)}")
        try:
            running.start()
            self._push_all([*self.unanswered, *pushes])
        except (AssertionError, AttributeError):  # it ended instead of serving, or of telling where it listens
            self.unanswered += pushes
        except OSError:  # it ended instead of answering
            pass
        if not self.unanswered:  # else it has ended, or is about to
            running.signal(server.signal.SIGTERM)
        return running.wait(), self.recording.life_over()

    def _push_all(self, pushes):
        self.unanswered = list(pushes)
        with self._running.connect() as connection:
            for push in pushes:
                self.recording.mark(f"try {push.event_id} {int(time.time() * 1000)}")
                status = connection.post(push).status
                if status != 200:
                    self.recording.mark(f"refused {push.event_id}")
                    continue
                self.recording.mark(f"stored {push.event_id} {int(time.time() * 1000)} 0")
                self.unanswered.remove(push)

    def remove(self):
        self._running.remove()


def recorded(workspace, seed, lives=None):
    """As recording.recorded: a few lives, some killed, some stopped."""
    chance = random.Random(seed)
    subject = ServerSubject(recording.Recording(workspace))
    try:
        for _ in range(lives or chance.randrange(2, 5)):
            pushes = [subject.new_push() for _ in range(chance.randrange(1, 12))]
            if chance.random() < 0.7:
                subject.live(pushes, kill_at=chance.randrange(5, 200))
            else:
                subject.live(pushes)
    finally:
        subject.remove()
    return subject
