"""A real file system that is really full: a small tmpfs in a mount namespace of the process's own. Needs root."""

import ctypes
import os
import subprocess

CLONE_NEWNS = 0x00020000


class Refused(Exception):
    """No mounts here; the text says why."""


def mount(*words):
    done = subprocess.run(["mount", *words], capture_output=True, text=True)
    if done.returncode != 0:
        raise Refused("may not mount: " + done.stderr.strip())


class SmallDisk:
    """Mounted on the directory until unmount(). Only this thread, and what it starts from now on, sees it."""

    def __init__(self, directory, mebibytes):
        self.directory = directory
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS) != 0:
            raise Refused("may not make a mount namespace: " + os.strerror(ctypes.get_errno()))
        directory.mkdir(mode=0o700, exist_ok=True)
        mount("--make-rprivate", "/")  # or the mount would be seen by the whole machine
        mount("-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", "tmpfs", str(directory))

    def resize(self, mebibytes):
        mount("-o", f"remount,size={mebibytes}m", str(self.directory))

    def fill(self):
        """To the last byte."""
        with open(self.directory / "filler", "ab", buffering=0) as filler:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while filler.write(b"x" * size):
                        pass
                except OSError:
                    continue

    def empty(self):
        (self.directory / "filler").unlink()

    def unmount(self):
        subprocess.run(["umount", "--lazy", str(self.directory)], capture_output=True)
