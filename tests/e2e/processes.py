"""Which processes a process started."""

import pathlib


def children(pid):
    """Of a process: {pid: state}, zombies included."""
    return {child: state for child, (parent, state) in _all().items() if parent == pid}


def below(pid):
    """All that it started, and what those started, as far as they still run."""
    everybody = _all()
    found, new = set(), {pid}
    while new:
        new = {child for child, (parent, _) in everybody.items() if parent in new} - found
        found |= new
    return found


def is_alive(pid):
    try:
        return _stat(pid)[0] != "Z"
    except OSError:
        return False


def _all():
    """{pid: (parent, state)}"""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent, *_ = _stat(entry.name)
        except OSError:
            continue
        found[int(entry.name)] = (int(parent), state)
    return found


def _stat(pid):
    """The fields behind the name, which may hold anything."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
