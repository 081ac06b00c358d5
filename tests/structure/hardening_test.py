"""What the release program is linked and compiled with, looked up in the program itself; and what it does to its own memory."""

import os
import pathlib
import pwd
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import lacking  # noqa: E402  (found through the line above)
import server  # noqa: E402
import supervised  # noqa: E402

ET_DYN = 3
PT_GNU_STACK, PT_GNU_RELRO, PT_GNU_PROPERTY, PT_DYNAMIC = 0x6474E551, 0x6474E552, 0x6474E553, 2
X86_FEATURE_1_AND, SHADOW_STACK = 0xC0000002, 2
DT_FLAGS, DF_BIND_NOW = 30, 8
EXECUTABLE = 1
ENDBR64 = bytes.fromhex("f30f1efa")


class Program:
    """A 64-bit ELF file, little-endian."""

    def __init__(self, path):
        self.bytes = pathlib.Path(path).read_bytes()
        assert self.bytes[:6] == b"\x7fELF\x02\x01"
        self.type, self.machine = struct.unpack_from("<HH", self.bytes, 16)
        (offset,) = struct.unpack_from("<Q", self.bytes, 32)
        size, count = struct.unpack_from("<HH", self.bytes, 54)
        # (type, flags, offset, -, -, file size)
        self.segments = [struct.unpack_from("<IIQQQQ", self.bytes, offset + i * size) for i in range(count)]

    def segment(self, kind):
        return next((one for one in self.segments if one[0] == kind), None)

    def dynamic(self):
        _, _, offset, _, _, size = self.segment(PT_DYNAMIC)
        return dict(struct.iter_unpack("<QQ", self.bytes[offset : offset + size]))

    def control_flow(self):
        """What the whole program, its static parts included, is marked for (x86-64 psABI, "Program Property")."""
        for kind, _, offset, _, _, size in self.segments:
            if kind != PT_GNU_PROPERTY:
                continue
            name, described, _ = struct.unpack_from("<III", self.bytes, offset)
            at, end = offset + 12 + name, offset + 12 + name + described
            while at < end:
                what, length = struct.unpack_from("<II", self.bytes, at)
                if what == X86_FEATURE_1_AND:
                    return struct.unpack_from("<I", self.bytes, at + 8)[0]
                at += 8 + (length + 7) // 8 * 8
        return 0

    def imports(self, name):
        return b"\0" + name.encode() + b"\0" in self.bytes


class HardeningTest(unittest.TestCase):
    def setUp(self):
        if not server.BINARY:
            self.skipTest("WXPUSH_BINARY does not name the program to test")
        self.program = Program(server.BINARY)

    def test_it_is_placed_at_random(self):
        self.assertEqual(self.program.type, ET_DYN)

    def test_what_the_loader_filled_in_is_read_only_from_the_start(self):
        self.assertIsNotNone(self.program.segment(PT_GNU_RELRO))
        self.assertTrue(self.program.dynamic()[DT_FLAGS] & DF_BIND_NOW)

    def test_no_stack_is_executable_and_no_segment_writable_and_executable(self):
        self.assertEqual(self.program.segment(PT_GNU_STACK)[1] & EXECUTABLE, 0)
        for kind, flags, *_ in self.program.segments:
            self.assertNotEqual(flags & 3, 3, f"segment of type {kind:#x}")

    def test_stacks_are_guarded_and_copies_are_checked(self):
        self.assertTrue(self.program.imports("__stack_chk_fail"))
        self.assertTrue(self.program.imports("__memcpy_chk"))

    @unittest.skipUnless(os.uname().machine == "x86_64", "of x86-64 alone")
    def test_control_flow_is_enforceable(self):
        # Every function that a pointer may lead to begins with it.
        self.assertGreater(self.program.bytes.count(ENDBR64), 1000)
        self.assertEqual(self.program.control_flow() & SHADOW_STACK, SHADOW_STACK)


class MemoryTest(server.TestCase):
    def is_private(self, pid):
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +0 +0 ")
        # What belongs to a process whose memory is private is root's.
        self.assertEqual(os.stat(f"/proc/{pid}/environ").st_uid, 0)

    def test_neither_a_server_nor_its_supervisor_can_be_looked_into(self):
        if os.geteuid() != 0:
            lacking.right("only root can start a server as somebody else")
        running = self.prepare()
        program = running.directory / "wxpush"
        shutil.copy(server.BINARY, program)  # where everybody may start it
        running.program = [str(program), *supervised.SUPERVISED[1:]]
        running.write_configuration()
        nobody = pwd.getpwnam("nobody")
        for path in (running.directory, *running.directory.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        running.command_prefix = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
        running.start()
        worker = running.status()["pid"]
        self.assertNotEqual(worker, running.process.pid)
        for pid in (running.process.pid, worker):
            self.assertIn(f"Uid:\t{nobody.pw_uid}\t", pathlib.Path(f"/proc/{pid}/status").read_text())
            self.is_private(pid)
        running.process.send_signal(signal.SIGTERM)
        self.assertEqual(running.wait(), 0)

    def test_no_core_file_and_no_look_from_outside(self):
        if not server.BINARY:
            self.skipTest("WXPUSH_BINARY does not name the program to test")
        with tempfile.TemporaryDirectory() as directory:
            program, fifo = os.path.join(directory, "wxpush"), os.path.join(directory, "token")
            shutil.copy(server.BINARY, program)
            os.chmod(directory, 0o755)
            os.mkfifo(fifo, 0o644)
            user = "nobody" if os.geteuid() == 0 else None
            words = ["verify", "--token-file", fifo, "--encoding-aes-key-file", fifo]
            words += ["--appid", "wx1", "--timestamp", "1", "--nonce", "1", "--msg-signature", "1", "--encrypt", "1"]
            process = subprocess.Popen([program, *words], user=user, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                writer = os.open(fifo, os.O_WRONLY)  # it stands at reading the token until this is closed
                self.is_private(process.pid)
                os.close(writer)
            finally:
                process.kill()
                process.communicate()


if __name__ == "__main__":
    unittest.main()
