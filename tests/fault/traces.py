"""The traces of disk_recorder.c: what a program did to its files, and in between what was promised to whom."""

import os
import struct
import typing

_HEAD = struct.Struct("<IIQQII")
_MAGIC = 0x52545857


class Record(typing.NamedTuple):
    """B a life begins (inode of the root) · C a file, D a directory was made (inode, name) · U unlinked · R renamed (data: to)
    W written · T now `offset` bytes long · S synced · F a sync failed (name: keep, drop) · M a marker (text in data)"""

    kind: str
    inode: int
    offset: int
    name: str
    data: bytes

    def words(self):
        """Of a marker."""
        return self.data.decode().split()


def read(file, at=0):
    """The records from this byte on, and where the next read has to begin."""
    with open(file, "rb") as trace:
        trace.seek(at)
        found, everything = [], trace.read()
    place = 0
    while place + _HEAD.size <= len(everything):
        magic, kind, inode, offset, name_size, data_size = _HEAD.unpack_from(everything, place)
        if magic != _MAGIC:
            raise ValueError(f"no record at byte {at + place} of {file}")
        name_at = place + _HEAD.size
        data_at = name_at + name_size
        place = data_at + data_size
        found.append(
            Record(chr(kind), inode, offset, everything[name_at:data_at].decode(), everything[data_at:place])
        )
    if place != len(everything):
        raise ValueError(f"{file} ends within a record")
    return found, at + place


def mark(file, text):
    """Says something in the trace, after everything that was done so far."""
    data = text.encode()
    trace = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(trace, _HEAD.pack(_MAGIC, ord("M"), 0, 0, 0, len(data)) + data)
    finally:
        os.close(trace)
