"""A load by `wxpush bench` at a server of these runs."""

import json

import runs  # first


def offer(running, *words, deadline, may_fail=False):
    """What it told. Every push was acknowledged, unless some may fail."""
    certificate = str(running.sections["server"]["certificate"])
    common = ("bench", "--deliver", "--format", "json", "--url", running.url(), "--ca-file", certificate)
    result = running.run(*common, *map(str, words), deadline=deadline)
    well = result.stdout if may_fail else result.returncode == 0
    runs.hold(well, f"bench: exit {result.returncode}: {result.stdout}{result.stderr}")
    return json.loads(result.stdout)
