"""The installed package: a program outside of the tree is built against it, by CMake and by pkg-config, and runs."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

import lacking
import server

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("WXPUSH_BUILD", "")
CMAKE = os.environ.get("WXPUSH_CMAKE", "cmake")
CXX = os.environ.get("WXPUSH_CXX", "c++")
COMPILE_DEADLINE = 240.0
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]  # none from the public headers
if "g++" in pathlib.Path(CXX).name and "clang" not in CXX:
    WARNINGS.append("-Wno-missing-field-initializers")  # g++ 12 warns of {.concurrency = 8}, which is what it is for


def run(*command, **options):
    """Its output; AssertionError with all of it if it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=COMPILE_DEADLINE, **options)
    if done.returncode != 0:
        raise AssertionError(f"{shlex.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


@unittest.skipUnless(BUILD, "WXPUSH_BUILD does not name the build to install")
class InstallTest(server.TestCase):
    """Installed once, then moved, so that nothing can hang on where it was put; in a path with a space in it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="wxpush package "))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        run(CMAKE, "--install", BUILD, "--prefix", cls.folder / "first place")
        cls.prefix = (cls.folder / "first place").rename(cls.folder / "its place")
        cls.source = cls.folder / "a program"
        shutil.copytree(ROOT / "examples" / "embedded", cls.source)

    def test_what_is_installed(self):
        for name in (
            "bin/wxpush",
            "include/wxpush/receiver.h",
            "share/doc/wxpush/LICENSE",
            "share/doc/wxpush/wxpush.example.toml",
            "share/doc/wxpush/examples/embedded/main.cpp",
        ):
            self.assertTrue((self.prefix / name).is_file(), name)
        self.assertEqual(len(list(self.prefix.rglob("libwxpush.a"))), 1)
        for file in (*self.prefix.rglob("*.cmake"), *self.prefix.rglob("*.pc")):
            for place in (ROOT, BUILD, self.folder):
                # Not "/wxpush" of "include/wxpush", if that is where the sources lie.
                self.assertNotRegex(file.read_text(), r"(?<![\w.}-])" + re.escape(str(place)), file)
        run(self.prefix / "bin" / "wxpush", "--version")

    def test_each_public_header_stands_alone(self):
        flags = self.pkg_config("--cflags")
        for header in sorted((self.prefix / "include").rglob("*.h")):
            name = header.relative_to(self.prefix / "include")
            run(CXX, "-std=c++20", *WARNINGS, *flags, "-fsyntax-only", "-x", "c++", "-", input=f"#include <{name}>\n")

    def test_found_by_cmake_built_and_run(self):
        build = self.folder / "cmake build"
        given = (f"-DCMAKE_PREFIX_PATH={self.prefix}", f"-DCMAKE_CXX_COMPILER={CXX}")
        flags = f"-DCMAKE_CXX_FLAGS={' '.join(WARNINGS)}"
        run(CMAKE, "-S", self.source, "-B", build, "-G", "Ninja", *given, flags)
        run(CMAKE, "--build", build)
        self.serve_and_push(build / "embedded")

    def test_found_by_pkg_config_built_and_run(self):
        # By the other compiler where it is there: the library is C++, but not one compiler's.
        compiler = next((one for one in ("g++-12", "g++") if shutil.which(one)), CXX)
        program = self.folder / "embedded"
        flags = self.pkg_config("--static", "--cflags", "--libs")
        run(compiler, "-std=c++20", "-o", program, self.source / "main.cpp", *flags)
        self.serve_and_push(program)

    def pkg_config(self, *options):
        if not shutil.which("pkg-config"):
            lacking.tool("there is no pkg-config: ./dev setup test")
        (file,) = self.prefix.rglob("wxpush.pc")
        environment = {**os.environ, "PKG_CONFIG_PATH": str(file.parent)}
        return shlex.split(run("pkg-config", *options, "wxpush", env=environment))

    def wxpush(self, *arguments):
        return run(self.prefix / "bin" / "wxpush", *arguments)

    def serve_and_push(self, program):
        """The program under settings that `wxpush init` wrote: pushes go in, its callbacks are called, SIGTERM ends it."""
        running = self.prepare(program=[str(program)], tls=False)
        running.configuration_file().unlink(missing_ok=True)
        self.wxpush(
            "init", "--dir", running.directory, "--name", "shop", "--appid", "wx0123456789abcdef",
            "--url", "http://localhost:8080/wx/shop", "--no-tls", "--listen", "127.0.0.1:0", "--store", "store",
        )  # fmt: skip
        settings = running.configuration_file().read_text()
        settings += f'[admin]\nlisten = "127.0.0.1:0"\nsocket = "{running.admin_socket}"\n'
        running.write_configuration = lambda: running.configuration_file().write_text(settings)
        running.start()
        push = ["--app", "shop", "-c", running.configuration_file(), "--url", running.url()]
        for status in (102, 302):
            order = ["--set", "shop_order_id=A17", "--set", f"order_status={status}"]
            self.wxpush("trigger", "update_waybill_status", *order, *push)
        self.wxpush("trigger", "debug_demo", *push)
        self.wxpush("trigger", "add_express_path", *push)
        for text, count in (
            ("order A17 is now 102, rider assigned (event 1)", 1),
            ("order A17 is now 302, delivered (event 2)", 1),
            ("stored update_waybill_status, ", 2),
            ("stored debug_demo, ", 1),
            ("told the slow system of ", 4),
        ):
            server.wait_until(lambda: running.log.text().count(text) == count, text)
        self.assertNotIn("stored add_express_path", running.log.text())
        self.assertEqual(running.stop(), 0, running.log.text())


if __name__ == "__main__":
    unittest.main()
