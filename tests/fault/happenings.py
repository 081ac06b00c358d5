"""What happened in the recorded lives, counted: a campaign proves nothing about what its traces do not contain."""

import pathlib
import shutil
import sqlite3

FROM_RECORDS = ("restarts", "recoveries", "checkpoints", "erased", "restored", "owed")
FROM_STORES = ("filed", "indexes_dropped", "pruned", "ids_kept", "keys_retired")
_LOOKS = {
    "filed": "SELECT value FROM meta WHERE key = 'filed_through'",
    "indexes_dropped": "SELECT coalesce(max(number), 0) - count(*) FROM generation",
    "pruned": "SELECT coalesce((SELECT value FROM meta WHERE key = 'next_id'), 1) - 1 - (SELECT count(*) FROM event)",
    "ids_kept": "SELECT count(*) FROM erased",
    "keys_retired": "SELECT count(*) FROM body_key WHERE retired_at IS NOT NULL",
}


def in_records(records):
    """restarts; recoveries: of these over a log that held something; checkpoints between commits, so none of a start or an
    end; events erased because somebody asked; backups restored; events that the cursor passed and that are still owed."""
    found, erased = dict.fromkeys(FROM_RECORDS, 0), set()
    database = log = None
    log_size = lives = 0
    written_back = False
    for record in records:
        if record.kind == "B":
            lives += 1
            found["restarts"] += lives > 1
            found["recoveries"] += log_size > 0
        elif record.kind == "C" and record.name == "store/queue.db":
            database = record.inode
        elif record.kind == "C" and record.name == "store/queue.db-wal":
            log, log_size = record.inode, 0
        elif record.kind == "S" and record.inode == database and log is not None:
            written_back = True
        elif record.kind == "T" and record.inode == log:
            log_size, written_back = record.offset, False
        elif record.kind == "W" and record.inode == log:
            found["checkpoints"] += written_back
            log_size, written_back = max(log_size, record.offset + len(record.data)), False
        elif record.kind == "M" and record.words()[0] == "erased":
            erased.add(record.words()[1])
        elif record.kind == "M" and record.words()[0] == "restored":
            found["restored"] += 1
        elif record.kind == "M" and record.words()[0] == "owe":
            found["owed"] += 1
    found["erased"] = len(erased)
    return found


def in_store(directory, workspace):
    """filed: ids, indexes_dropped: whole generations of them; pruned: events that went after their retention or for want of
    space; ids_kept of those that went early; keys_retired: what they sealed was sealed anew. Looks at a copy."""
    if not (directory / "queue.db").exists():  # killed so early
        return dict.fromkeys(FROM_STORES, 0)
    copy = pathlib.Path(workspace) / "looked-at"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(directory, copy, ignore=shutil.ignore_patterns("*-shm", "LOCK", "reserve"))
    database = sqlite3.connect(copy / "queue.db")
    try:
        return {name: (database.execute(query).fetchone() or (0,))[0] for name, query in _LOOKS.items()}
    except sqlite3.Error:  # killed before its first table
        return dict.fromkeys(FROM_STORES, 0)
    finally:
        database.close()


class Happenings:
    """Over all traces of a run."""

    def __init__(self):
        self.counts = dict.fromkeys((*FROM_RECORDS, *FROM_STORES), 0)

    def note(self, recording):
        """What one trace holds, and the store that it left."""
        found = in_records(recording.records)
        found.update(in_store(recording.root / "store", recording.root.parent))
        # What went before a backup was taken is in no record.
        found["pruned"] = 0 if found["restored"] else max(0, found["pruned"] - found["erased"])
        for name, count in found.items():
            self.counts[name] += count

    def missing(self):
        return [name for name, count in self.counts.items() if count == 0]
