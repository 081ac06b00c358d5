"""Nothing private in what a server shows of itself: looked for in every run of every test that drives one.

Secrets are those of its own configuration; private are the rider's name and phone and the free text that the tests put into each
message (wechat.py).
"""

import json
import pathlib

import wechat

PRIVATE = (wechat.RIDER_NAME, wechat.RIDER_PHONE, wechat.PRIVATE_TEXT)
SECRET_SETTINGS = {"token", "encoding_aes_key", "password", "secrets", "headers"}
CHUNK, LONGEST = 16 << 20, 4096  # bytes read at once; more than the longest that is hidden
LEAST_SIZE = 8  # of a secret: a shorter one may well be a part of something else


def values(setting):
    if isinstance(setting, dict):
        return [text for value in setting.values() for text in values(value)]
    if isinstance(setting, (list, tuple)):
        return [text for value in setting for text in values(value)]
    return [str(setting)]


def secrets_in(tables):
    """All secrets of [[app]] or [[handler]] tables, nested ones included."""
    found = []
    for table in tables:
        for key, value in table.items():
            if key in SECRET_SETTINGS:
                found += values(value)
            elif isinstance(value, dict):
                found += secrets_in([value])
            elif isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
                found += secrets_in(value)
    return found


def hidden(running):
    """What may be seen nowhere, as bytes; also as JSON writes it."""
    texts = [text for text in secrets_in([*running.apps, *running.handlers]) if len(text) >= LEAST_SIZE]
    texts += PRIVATE
    return {form.encode() for text in texts for form in (text, json.dumps(text)[1:-1])}


def look(running, shown, where):
    """AssertionError, without repeating it, if something hidden is shown."""
    shown = shown if isinstance(shown, bytes) else shown.encode()
    for text in hidden(running):
        at = shown.find(text)
        assert at < 0, f"{where} shows something private of {len(text)} bytes at {at}"


def look_at_file(running, path):
    """The same for a file that may be larger than memory."""
    overlap = b""
    with open(path, "rb") as file:
        while piece := file.read(CHUNK):
            look(running, overlap + piece, path.name)
            overlap = piece[-LONGEST:]


def look_at_process(running, pid):
    """The words that the process list shows."""
    look(running, pathlib.Path(f"/proc/{pid}/cmdline").read_bytes(), "the command line")
