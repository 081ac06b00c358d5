"""Power cuts at many points of a trace, and the verdict on what each leaves."""

import disk_model
import server_lives
import verdicts

_MODES = ("none", "all", "prefix", disk_model.SECTOR, disk_model.SECTOR, disk_model.PAGE)


def _points(records, count, chance, first):
    """Record numbers after which the power goes: mostly where something is promised, synced or named."""
    near = [number for number in range(first, len(records)) if records[number].kind in "MSFCDUR"]
    found = set()
    for _ in range(count):
        if chance.random() < 0.6:
            found.add(max(chance.choice(near) + chance.choice((-1, 0)), first))
        else:
            found.add(chance.randrange(first, len(records)))
    return found


def _mode_of(chance):
    """How files and directories fare: all the same way, or each its own."""
    kind = chance.random()
    if kind < 0.1:
        return lambda node: "none"
    if kind < 0.2:
        return lambda node: "all"
    if kind < 0.3:
        return lambda node: "none" if isinstance(node, disk_model.Directory) else "all"
    if kind < 0.35:
        return lambda node: "all" if isinstance(node, disk_model.Directory) else "none"
    return lambda node: chance.choice(_MODES)


class Cuts:
    """Cuts the power, asks, judges; counts what was seen. One for a whole campaign."""

    def __init__(self, workspace, chance):
        self._store = verdicts.Verifier(workspace)
        self._program = server_lives.ProgramVerifier(workspace)
        # Digests of all that were looked at; those after the first promise hold the random number of their store (its
        # incarnation), so that none of them comes up in another run, and runs add up.
        self.states, self.early = set(), set()
        self.checks = 0  # a state may be looked at again when more was promised by then
        self.promised = 0  # promises that were looked at, all checks together
        self._chance = chance
        self._asked = set()

    def look(self, disk, promises, words, asked_again=True, mode_of=None):
        """One state, by `store_subject` or, if it cannot push the events again, by wxpush. Broken if it does not keep what was promised; None if this was asked before; else the state."""
        state = disk.state(mode_of or _mode_of(self._chance), self._chance)
        name = verdicts.digest(state)
        if (name, promises.key()) in self._asked:
            return None
        self._asked.add((name, promises.key()))
        (self.states if promises.promised else self.early).add(name)
        self.checks += 1
        self.promised += len(promises.promised)
        verifier = self._store if asked_again else self._program
        try:
            verdicts.judge(promises, verifier.ask(state, words(promises.clock)), asked_again)
        except verdicts.Broken as broken:
            broken.state = state
            raise
        return state

    def walk(self, records, promises, words, points, states_each, asked_again=True, first=0):
        """Yields (state, promises) for each new state along the trace, from record `first` on.

        The state is None where it does not keep what was promised: then the Broken stands beside it."""
        disk = disk_model.Disk()
        cuts = _points(records, points, self._chance, first)
        for number, record in enumerate(records):
            if record.kind == "M":
                promises.note(record)
            else:
                disk.apply(record)
            for _ in range(states_each if number in cuts else 0):
                try:
                    state = self.look(disk, promises, words, asked_again)
                except verdicts.Broken as broken:
                    yield None, broken
                    continue
                if state is not None:
                    yield state, promises

    def close(self):
        self._store.close()
