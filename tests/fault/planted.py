"""Defects that are planted, by the recorder in the program or by leaving something out of what it recorded. The campaign has
to find each, or it proves nothing."""

LOCK = "store/LOCK"
LOG = "store/queue.db-wal"
NO_LOG = b"log " + b"0" * 16  # what is written into LOCK before the log is cut off (log_witness.cpp)


def without_start_syncs(records):
    """As if a start did not sync what it recovered: nothing is synced from its begin to the first push."""
    starting, lives = False, 0
    for record in records:
        if record.kind == "B":
            starting, lives = lives > 0, lives + 1
        elif record.kind == "M" and record.words()[0] == "try":
            starting = False
        if not (starting and record.kind == "S"):
            yield record


def without_directory_syncs(records):
    directories = {record.inode for record in records if record.kind in "BD"}
    return (record for record in records if not (record.kind == "S" and record.inode in directories))


def _inode(records, name):
    """Of the file that was made under this name, first; -1 of none."""
    return next((record.inode for record in records if record.kind == "C" and record.name == name), -1)


def length_before_log(records):
    """As if how long the log is were written into LOCK, and synced, before the log itself is synced."""
    lock, log = _inode(records, LOCK), _inode(records, LOG)
    made = []
    for record in records:
        length = record.kind == "W" and record.inode == lock and record.data.startswith(b"log ")
        if not length or record.data.startswith(NO_LOG):
            made.append(record)
            continue
        at = len(made)
        while at > 0 and not (made[at - 1].kind == "S" and made[at - 1].inode == log):
            at -= 1
        at = max(at - 1, 0)
        made[at:at] = [record, record._replace(kind="S", offset=0, data=b"")]
    return made


def length_stays_when_log_goes(records):
    """As if a start or an end cut the log off without writing into LOCK, and syncing, that it may be empty."""
    lock, leaves_out = _inode(records, LOCK), False
    for record in records:
        if record.inode == lock and record.kind == "W" and record.data.startswith(NO_LOG):
            leaves_out = True
        elif record.inode == lock and record.kind == "S" and leaves_out:
            leaves_out = False
        else:
            yield record


def erasures_answered_early(records):
    """As if somebody who asks for an event to be erased were answered at once."""
    for record in records:
        early = record.kind == "M" and record.words()[0] == "erasing"
        if early:
            yield record
        yield record._replace(data=record.data.replace(b"erasing", b"erased")) if early else record


CORRUPT = ("malformed", "disk I/O error", "integrity_check")  # SQLite's words for a database
CUT_OFF = "the end of its log is missing"  # as the start says it
# (what the account of it must contain, one of these; how it is recorded; what becomes of the trace)
DEFECTS = {
    "synchronous=NORMAL": (("lost:",), {"plant": "NORMAL"}, iter),
    "synchronous=OFF": (CORRUPT, {"plant": "OFF"}, iter),
    "a start that syncs nothing": (("lost:", CUT_OFF), {}, without_start_syncs),
    "directories not synced": (("lost:",), {}, without_directory_syncs),
    "LOCK says how long the log is before that is synced": ((CUT_OFF,), {}, length_before_log),
    "LOCK does not say that the log may be empty": ((CUT_OFF,), {}, length_stays_when_log_goes),
}
# Of what the store alone does in the traces.
OF_THE_STORE = {"an erasure that is answered before it is durable": (("erased events are there again",), {}, erasures_answered_early)}
