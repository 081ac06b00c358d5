"""What a recorded store lives through: the steps of `store_subject drive`, drawn by chance."""

MINUTE = 60_000  # milliseconds


class Script:
    """Makes the steps of one life after the other: pushes old and new, marks, erasures, time that passes, space that is short."""

    def __init__(self, chance):
        self._chance, self.pushed = chance, 0
        self._open = 0  # pushed from here on in the life before: answered or not

    def life(self, steps):
        """Pushes first what the life before may have left unanswered, as WeChat does."""
        made, began = [], self.pushed
        if self.pushed > self._open:
            made.append(f"push {self._open + 1} {self.pushed}")
        for _ in range(steps):
            made += self._step()
        self._open = began
        return made

    def _step(self):
        kind = self._chance.random()
        if kind < 0.52 or self.pushed == 0:
            first, self.pushed = self.pushed + 1, self.pushed + self._chance.randrange(1, 9)
            return [f"push {first} {self.pushed}"]
        if kind < 0.62:
            first = self._chance.randrange(1, self.pushed + 1)
            return [f"push {first} {min(self.pushed, first + self._chance.randrange(10))}"]
        if kind < 0.67:
            return ["list"]
        if kind < 0.76:
            return [f"settle behind={self._chance.choice((0, 0, 3))}"]
        if kind < 0.81:  # mostly of what this life was pushed, which is all that it can find
            first = max(1, self.pushed - self._chance.randrange(10))
            return [f"erase {first} {first + self._chance.randrange(3)} undelivered={self._chance.randrange(2)}"]
        if kind < 0.90:
            return [f"pass {self._chance.choice((150, 1100, 61_000))}"]
        if kind < 0.97:
            return [f"pass {self._chance.randrange(20, 100) * MINUTE}"]
        return ["space low", "pass 6000", "space high", "pass 2000"]


def keys_of_lives(chance, lives):
    """Of each life the keys that seal its bodies, the newest first: none, one, or one more than the life before had."""
    keys, found = chance.choice(("", "", "1")), []
    for _ in range(lives):
        found.append(keys)
        if chance.random() < 0.25:
            keys = str(len(keys) + 1) + keys
    return found


def sizes(chance):
    """Of a store in which everything happens soon."""
    return {
        "salt": chance.randrange(1 << 30),
        "recent_ids": chance.choice((8, 16, 32)),
        "generation_ids": chance.choice((12, 24, 48)),
        "wal_pages": chance.choice((16, 24, 48, 96)),
        "filing_rows": chance.choice((2, 4, 16)),
        "batch": chance.choice((3, 8, 512)),
        "retention": 7200,
        "min_retention": 1200,
    }
