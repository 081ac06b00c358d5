"""nginx as docker/nginx.conf sets it up, started for a test on a free port of the loopback."""

import pathlib
import re
import shutil
import subprocess

import backend
import client
import lacking
import server

CONFIGURATION = pathlib.Path(__file__).resolve().parents[2] / "docker" / "nginx.conf"
PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def _replace(text, what, by):
    changed, times = re.subn(what, by, text, flags=re.MULTILINE)
    assert times == 1, f"docker/nginx.conf has {times} of {what}"
    return changed


class Nginx:
    """In front of a running server; the files it needs lie in that server's folder."""

    def __init__(self, running):
        if not PROGRAM:
            lacking.tool("no nginx here: ./dev setup test")
        self.directory = running.directory / "nginx"
        self.directory.mkdir()
        self.port = backend.free_port()
        self.log = self.directory / "access.log"
        certificate, key = server.configuration.make_certificate(self.directory)
        listening = running.status_at_start["listening"][0]
        folders = "".join(f"    {name}_temp_path {self.directory}/{name};\n" for name in TEMPORARY)
        text = CONFIGURATION.read_text()
        text = _replace(text, r"^pid .*;", f"pid {self.directory}/pid;\ndaemon off;\nmaster_process off;")
        text = _replace(text, r"^error_log .*;", f"error_log {self.directory}/error.log crit;")
        text = _replace(text, r"access_log .*;", f"access_log {self.log} pushes;\n{folders}")
        text = _replace(text, r"^ +server wxpush:8080 ", f"        server {listening} ")
        text = _replace(text, r"listen 8443 ssl;", f"listen 127.0.0.1:{self.port} ssl;")
        text = _replace(text, r"ssl_certificate /.*;", f"ssl_certificate {certificate};")
        text = _replace(text, r"ssl_certificate_key /.*;", f"ssl_certificate_key {key};")
        (self.directory / "nginx.conf").write_text(text)
        self.tls = server.ssl.create_default_context(cafile=certificate)
        self.process = None

    def start(self):
        command = [PROGRAM, "-p", self.directory, "-c", self.directory / "nginx.conf"]
        with open(self.directory / "output", "wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        server.wait_until(self._listens, "nginx listening")
        return self

    def _listens(self):
        assert self.process.poll() is None, (self.directory / "output").read_text()
        try:
            self.connect().close()
        except OSError:
            return False
        return True

    def connect(self, deadline=client.DEADLINE):
        return client.Connection(("127.0.0.1", self.port), self.tls, deadline)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def requests(self):
        """[(path, status, status of wxpush or None)] of every request that nginx saw, so far."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        found = [re.search(r" (\S+) (\d+) [\d.]+s upstream=\S+ upstream_status=(\S+)", line) for line in lines]
        return [(one[1], int(one[2]), int(one[3]) if one[3].isdigit() else None) for one in found]
