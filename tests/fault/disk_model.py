"""A disk beneath a page cache: what a trace made durable, what it merely wrote, and what a power cut may leave of that.

The model knows no file system; it takes each at its word and nothing more. Without a sync of the file, each sector of what
was written, and the file's size, may be on the disk or not, each for itself and in any order; without a sync of the
directory, so may each name. A sector is written as a whole. A sync of a file makes nothing of its name durable.

After a sync that failed: `drop` takes what was not synced out of the cache; `keep` leaves it readable, marked clean, so that
no later sync writes it, only a later write to the same page does. Names stay as they were, unsynced.
"""

import pathlib

SECTOR = 512
PAGE = 4096
FORGOTTEN = ("reserve",)  # holds nothing but space


class File:
    def __init__(self):
        self.durable = bytearray()
        self.current = bytearray()  # as programs read it
        self.pending = []  # (offset, bytes) written, or (size, None), in order, since the last sync
        self._clean_but_lost = False

    def write(self, offset, data):
        _put(self.current, offset, data)
        self.pending.append((offset, data))

    def resize(self, size):
        _resize(self.current, size)
        self.pending.append((size, None))

    def sync(self):
        self.durable = self.all_written()
        self.pending = []

    def fail(self, how):
        if how == "drop":
            self.current = bytearray(self.durable)
        else:
            self._clean_but_lost = True
        self.pending = []

    def all_written(self):
        """If everything that is still to be written were."""
        if not self._clean_but_lost:
            return bytearray(self.current)
        content = bytearray(self.durable)
        for offset, data in self.pending:
            if data is None:
                _resize(content, offset)
                continue
            # The cache writes pages: with it goes what the page holds besides.
            first, end = offset // PAGE * PAGE, min(-(-(offset + len(data)) // PAGE) * PAGE, len(self.current))
            _put(content, first, self.current[first:end])
        _resize(content, len(self.current))
        return content

    def after_power_cut(self, mode, chance):
        """mode: none, all, prefix (in order, the last one torn), or the size of the sectors that are there or not."""
        if mode == "none" or not self.pending:
            return bytes(self.durable)
        if mode == "all":
            return bytes(self.all_written())
        fill = chance.choice((bytes, bytes, chance.randbytes))  # what lies where nothing was written: zeros, or anything
        content = bytearray(self.durable)
        kept = _prefix(self.pending, chance) if mode == "prefix" else _sectors(self.pending, mode, chance)
        for offset, data in kept:
            if data is None:
                _resize(content, offset)
            else:
                _put(content, offset, data, fill)
        # Longer than what came through, or no longer than it was.
        longer = len(self.current) > len(content)
        other = len(self.current) if longer else min(len(content), len(self.durable))
        _resize(content, chance.choice((len(content), len(content), other)), fill)
        return bytes(content)


class Directory:
    def __init__(self):
        self.durable = {}
        self.current = {}
        self.pending = []  # (name, File or Directory or None)

    def set(self, name, node):
        self.pending.append((name, node))
        _name(self.current, name, node)

    def sync(self):
        self.durable = dict(self.current)
        self.pending = []

    def fail(self, how):
        pass

    def after_power_cut(self, mode, chance):
        if mode == "none":
            return dict(self.durable)
        if mode == "all":
            return dict(self.current)
        kept = dict(self.durable)
        end = chance.randrange(len(self.pending) + 1) if mode == "prefix" else len(self.pending)
        gone = set() if mode == "prefix" else {name for name, _ in self.pending if chance.random() < 0.5}
        for name, node in self.pending[:end]:
            if name not in gone:
                _name(kept, name, node)
        return kept


class Disk:
    """Follows a trace, record by record."""

    def __init__(self):
        self.root = Directory()
        self._nodes = {}  # by inode

    def apply(self, record):
        kind = record.kind
        if kind == "W":
            self._nodes[record.inode].write(record.offset, record.data)
        elif kind == "S":
            self._nodes[record.inode].sync()
        elif kind == "T":
            self._nodes[record.inode].resize(record.offset)
        elif kind == "F":
            self._nodes[record.inode].fail(record.name)
        elif kind == "B":
            self._nodes.setdefault(record.inode, self.root)
        elif kind in "CD":
            node = File() if kind == "C" else Directory()
            self._nodes[record.inode] = node
            self._set(record.name, node)
        elif kind == "U":
            self._set(record.name, None)
        elif kind == "R":
            directory, name = self._place(record.name)
            self._set(record.data.decode(), directory.current[name])
            directory.set(name, None)

    def _place(self, path):
        *above, name = path.split("/")
        directory = self.root
        for part in above:
            directory = directory.current[part]
        return directory, name

    def _set(self, path, node):
        directory, name = self._place(path)
        directory.set(name, node)

    def state(self, mode_of, chance):
        """{path: content, None for a directory} after a power cut now; `mode_of(node)`: how each fares."""
        found = {}

        def look(directory, prefix):
            for name, node in sorted(directory.after_power_cut(mode_of(directory), chance).items()):
                path = prefix + name
                if isinstance(node, Directory):
                    found[path] = None
                    look(node, path + "/")
                else:
                    found[path] = b"" if name in FORGOTTEN else node.after_power_cut(mode_of(node), chance)

        look(self.root, "")
        return found

    def put(self, inode, place, directory=None):
        """Makes the real file, which lies below `place`, what the model says it is."""
        for name, node in (directory or self.root).current.items():
            if isinstance(node, Directory):
                self.put(inode, place / name, node)
            elif node is self._nodes[inode]:
                (place / name).write_bytes(node.current)

    def difference(self, directory):
        """What is not in the directory as the model has it, or None: the recorder must have missed something."""

        def look(model, real):
            names = {path.name for path in real.iterdir() if not path.name.endswith("-shm")}
            if names != set(model.current):
                return f"{real} holds {sorted(names)}, not {sorted(model.current)}"
            for name, node in model.current.items():
                found = look(node, real / name) if isinstance(node, Directory) else _unlike(node, real / name)
                if found:
                    return found
            return None

        return look(self.root, pathlib.Path(directory))


def _unlike(file, real):
    same = real.stat().st_size == len(file.current)
    if same and (real.name in FORGOTTEN or real.read_bytes() == file.current):
        return None
    return f"{real} is not what was written to it"


def _name(names, name, node):
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def _resize(content, size, fill=bytes):
    del content[size:]
    content.extend(fill(size - len(content)))


def _put(content, offset, data, fill=bytes):
    if offset > len(content):
        _resize(content, offset, fill)
    content[offset : offset + len(data)] = data


def _prefix(pending, chance):
    cut = chance.randrange(len(pending))
    yield from pending[:cut]
    offset, data = pending[cut]
    if data is None:
        return
    torn = (offset + chance.randrange(len(data) + 1)) // SECTOR * SECTOR
    if torn > offset:
        yield offset, data[: torn - offset]


def _sectors(pending, size, chance):
    """Each sector is as it was after one of the writes that touched it, mostly the last, or none."""
    last = {}  # sector: the last write that reached the disk
    resizes = sum(1 for _, data in pending if data is None)
    resized = chance.choice((resizes, chance.randrange(resizes + 1)))  # these keep their order
    ordered = chance.random() < 0.5  # nothing that followed a lost change of size came through either
    for number, (offset, data) in enumerate(pending):
        if data is None:
            resized -= 1
            if resized >= 0:
                yield offset, None
            elif ordered:
                return
            continue
        at = offset
        while at < offset + len(data):
            end = min((at // size + 1) * size, offset + len(data))
            sector = at // size
            if sector not in last:
                last[sector] = chance.choice((-1, len(pending), len(pending), chance.randrange(len(pending))))
            if number <= last[sector]:
                yield at, data[at - offset : end - offset]
            at = end
