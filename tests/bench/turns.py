"""One turn of one contender: started alone, looked at whether it does what it says, warmed up, loaded, stopped."""

import contextlib
import json
import shutil
import subprocess
import tempfile
import time

import places  # first

import backend
import client
import configuration
import contenders
import disk_probe
import machine
import process
import runs
import server
import wechat

PROBE_SECONDS = 0.5
PREPARED_PER_SECOND = 100_000  # pushes: more than any contender answers on one core
ENOUGH_OF_A_CORE = 0.95  # a load that takes more is what limits, if the server takes less


class Certificate:
    """The pair that everybody uses, in a directory that goes away with the run; and a configuration for the load."""

    def __init__(self, run):
        self.directory = run.directory
        self.file, self.key = configuration.make_certificate(self.directory)
        self.tls = server.ssl.create_default_context(cafile=self.file)
        listen = {"listen": "127.0.0.1:1", "certificate": self.file, "private_key": self.key}
        sections = {"server": listen, "store": {"path": self.directory / "unused"}}
        self.settings = self.directory / "load.toml"
        self.settings.write_text(configuration.text(sections, [contenders.APP.settings()], ()))


class Running:
    """A contender that serves. `close` ends it and removes what it wrote."""

    def __init__(self, contender, certificate, store=None, before=()):
        self.contender, self.certificate = contender, certificate
        where = places.STORES[contender.stores or places.DISK]
        where.mkdir(parents=True, exist_ok=True)
        directory = store or places.pathlib.Path(tempfile.mkdtemp(prefix="wxpush-bench-", dir=where))
        self._kept = store is not None
        self.place = contenders.Place(directory, backend.free_port(), certificate.file, certificate.key)
        words = [*places.on_core(contender.core), *before, *contender.command(self.place)]
        environment = {**places.os.environ, **contender.environment(self.place)}
        self._log = open(directory / "log", "ab")
        self._began = time.monotonic()
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, env=environment
        )
        self.ready_after = None

    def connect(self):
        return client.Connection(("127.0.0.1", self.place.port), self.certificate.tls)

    def post(self, push):
        with self.connect() as connection:
            return connection.post(push)

    def wait(self):
        """Until it takes connections."""

        def looks():
            code = self.process.poll()
            runs.hold(code is None, f"{self.contender.name} ended with {code}: {self.log()}")
            try:
                self.connect().close()
            except OSError:
                return False
            self.ready_after = time.monotonic() - self._began
            return True

        server.wait_until(looks, f"{self.contender.name} to listen", self.contender.first_answer)

    def log(self):
        return (self.place.directory / "log").read_text(errors="replace")[-2000:]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(client.DEADLINE)
            except subprocess.TimeoutExpired:
                self.kill()
        self._log.close()
        if not self._kept:
            shutil.rmtree(self.place.directory, ignore_errors=True)

    # Does it do what its row says? -------------------------------------------------------------------------------

    def look(self):
        """A push is taken, a forged one refused, the first is on the disk: each if the contender says so."""
        contender, app = self.contender, contenders.APP
        message = wechat.waybill(f"look-{time.time_ns()}")
        good, forged = wechat.push(app, message), wechat.push(app, message)
        forged.query["msg_signature"] = wechat.signature("another token")
        answer = self.post(good)
        runs.hold(answer.status == 200, f"{contender.name} answers a push with {answer.status}: {answer.body!r}")
        refused = self.post(forged).status != 200
        runs.hold(refused == contender.proves, f"{contender.name}: a forged push refused: {refused}")
        is_there = message in contender.stored(self.place)
        runs.hold(is_there == bool(contender.stores), f"{contender.name}: a push is stored: {is_there}")


@contextlib.contextmanager
def serving(contender, certificate, store=None, before=()):
    running = Running(contender, certificate, store, before)
    try:
        running.wait()
        yield running
    finally:
        running.close()


def offer(running, seconds, connections=64, rate="max", more=(), begun=lambda: None, core=places.LOAD_CORE):
    """A load by `wxpush bench`: what it told. `begun` is called when its clock starts."""
    certificate = running.certificate
    words = [server.BINARY, "bench", "-c", certificate.settings, "--app", contenders.APP.name, "--format", "json"]
    words += ["--url", f"https://127.0.0.1:{running.place.port}/wx/shop", "--ca-file", certificate.file]
    words += ["--connections", connections, "--duration", seconds, "--rate", rate, *more]
    words = [*places.on_core(core), *map(str, words)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            first = process.stderr.readline()
            begun()
            told, errors = process.communicate(timeout=seconds + client.DEADLINE * 15)
        except BaseException:  # also when this is told to end: the load would go on for as long as it was to
            process.kill()
            raise
    runs.hold(told, f"bench: exit {process.returncode}: {first}{errors}")
    return json.loads(told)


def measure(running, seconds, more=(), **options):
    """A load that was sealed before, and what it took of the processors."""
    watch = []
    begun = lambda: watch.append(machine.Watch(running.process.pid))
    prepared = int(seconds * PREPARED_PER_SECOND)
    told = offer(running, seconds, more=("--prepared", prepared, *more), begun=begun, **options)
    runs.hold(told["acknowledged"] > 0, f"{running.contender.name} acknowledged nothing: {told['failures']}")
    load = told["generator_processor_seconds"]
    used = watch[0].stop(load)
    took, count = told["seconds"], max(1, told["acknowledged"])
    return {
        "rate": round(told["acknowledged_per_second"]),
        "acknowledged": told["acknowledged"],
        "seconds": round(took, 3),
        "latency_ms": told["latency_ms"],
        "failures": told["failures"],
        "protocol": told["protocol"],
        "server_us": round(1e6 * used["server"] / count, 2),
        "load_us": round(1e6 * load / count, 2),
        "server_busy": round(used["server"] / took, 3),
        "load_busy": round(load / took, 3),
        "others_busy": round(used["others"] / took, 3),
    }


def resident_kib(running):
    return process.memory(running.process.pid)["VmRSS"] // process.KIB


def load_limits(turn, part=1.0):
    """Whether the load was what limited, and not the server, which has this part of a core: then the row is worth more than it shows."""
    return turn["load_busy"] >= ENOUGH_OF_A_CORE and turn["server_busy"] < ENOUGH_OF_A_CORE * part


def beside_the_disk(contender, running, seconds, **options):
    """A load, with what the disk does by itself just before and just after, if the contender stores on it."""
    probed = contender.stores == places.DISK
    probe = min(PROBE_SECONDS, seconds / 4)
    syncs = disk_probe.took(running.place.directory, probe) if probed else []
    turn = measure(running, seconds, **options)
    if probed:
        syncs += disk_probe.took(running.place.directory, probe)
        turn["disk"] = disk_probe.summary(syncs)
    return turn


def take(contender, certificate, seconds, warm, before=(), **options):
    """The whole turn; `before` are words before the contender's command."""
    with serving(contender, certificate, before=before) as running:
        running.look()
        if warm:
            offer(running, warm, **options)
        turn = beside_the_disk(contender, running, seconds, **options)
        turn["resident_kib"] = resident_kib(running)
        return turn
