"""Kills the server at a named point: drives the preloaded kill_shim.c of this folder, whose head lists the points."""

import os
import signal
import struct
import subprocess
import unittest

import campaigns  # first

import runs

SHIM = os.environ.get("WXPUSH_KILL_SHIM", "")
LAYOUT = struct.Struct("=q24s")
FIRED = -1


class KillPoints:
    def __init__(self, running):
        if not SHIM:
            raise unittest.SkipTest("WXPUSH_KILL_SHIM does not name the shim to preload")
        self._running = running
        self._file = running.directory / "kill-points"
        self._file.write_bytes(LAYOUT.pack(0, b""))
        shim = running.directory / "kill-shim.so"  # LD_PRELOAD takes no path with a space in it
        shim.symlink_to(SHIM)
        preload = ":".join(filter(None, (running.environment.get("LD_PRELOAD"), str(shim))))
        # The sanitizers' own runtime insists on being the first library otherwise.
        asan = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0")))
        running.environment.update(LD_PRELOAD=preload, WXPUSH_KILL_FILE=str(self._file), ASAN_OPTIONS=asan)

    def arm(self, point, passes):
        """The server dies at this pass of the point, counted from now on."""
        with open(self._file, "r+b", buffering=0) as file:  # the same file, since it is mapped
            file.write(LAYOUT.pack(0, point.encode()))
            file.seek(0)
            file.write(struct.pack("=q", passes))

    def wait(self, point, deadline):
        """Until the server died there, and of nothing else."""
        try:
            code = self._running.wait(deadline)
        except subprocess.TimeoutExpired:
            code = None
        (left,) = struct.unpack_from("=q", self._file.read_bytes())
        told = f"point {point}: {left} passes left, exit {code}"
        runs.hold(left == FIRED and code == -signal.SIGKILL, f"{told}; the log:\n{self._running.log.text()}")
