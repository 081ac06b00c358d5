"""Instructions for a push, counted by callgrind: a figure that a noisy machine does not change.

Two ways. `path`: the protocol alone (push_path_bench: parse, verify, decrypt, read, seal the reply), the same to the
instruction each time. `server`: the whole program under a load over TLS, with socket, store and answer, by the part of the
program where the instructions lie; it moves by a few percent with how many events come to share a commit, which is told. Both are
differences of two counts of pushes, so that starting and connecting are not in them. What the kernel does is not counted.

`--keep` adds both to instructions.jsonl, which is committed with a change that is about speed.
"""

import os
import pathlib
import re
import shutil
import subprocess

import places  # first

import callgrind
import contenders
import measurements
import runs
import server
import turns

KEPT = pathlib.Path(__file__).resolve().with_name("instructions.jsonl")
PUSH_PATH = os.environ.get("WXPUSH_PUSH_PATH_BENCH", "")
# Inclusive: a stage holds what the stages below it in the program take.
STAGES = [
    ("wxpush::server::RequestReader::feed", "read the request"),
    ("wxpush::server::PushEndpoint::accept", "decide about it, of that:"),
    ("wxpush::event::read_envelope", "  the envelope"),
    ("wxpush::crypto::PushCodec::open", "  verify and decrypt"),
    ("wxpush::event::read_message", "  read the event"),
    ("wxpush::event::make_event_id", "  its id"),
    ("wxpush::event::reply_object", "  the reply's message"),
    ("wxpush::crypto::PushCodec::seal", "  sealing the reply"),
    ("wxpush::server::to_wire", "the answer's bytes"),
    ("wxpush::server::PushReporter::answered", "report: metrics and log"),
    ("wxpush::queue::StoreQueue::append", "hand it to the writer"),
    ("wxpush::queue::Writer::turn(", "the writer's turns, of that:"),
    ("wxpush::queue::Writer::sort_out(", "  whether it is known"),
    ("wxpush::queue::Writer::commit(", "  transactions, of that:"),
    ("wxpush::queue::EventTable::insert(", "    the row"),
    ("wxpush::queue::Checkpointer::run(", "  checkpoints"),
]


def stripped(run, program):
    """Without debug information, which Debian 12's valgrind cannot read of clang 16; the names stay."""
    copy = run.directory / pathlib.Path(program).name
    subprocess.run(["strip", "-g", "-o", copy, program], check=True, timeout=120)
    return copy


def count_path(run, pushes):
    """The protocol alone: a profile."""
    out = run.directory / f"path-{pushes}"
    words = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", stripped(run, PUSH_PATH), str(pushes)]
    result = subprocess.run(words, capture_output=True, text=True, timeout=600)
    runs.hold(result.returncode == 0, result.stdout + result.stderr)
    return callgrind.read(out)


PATIENT = {"handshake_timeout": "60s", "header_timeout": "60s", "request_deadline": "4900ms"}


class UnderCallgrind(contenders.WxPush):
    """wxpush, which counts nothing until it is told to."""

    first_answer = 120.0

    def __init__(self, program):
        super().__init__(sections={"server": PATIENT})
        self.program = program

    def command(self, place):
        words = super().command(place)
        self.out = place.directory / "callgrind.out"
        tool = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={self.out}"]
        return [*tool, self.program, *words[1:]]


def control(running, *words):
    command = ["callgrind_control", *words, str(running.process.pid)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    runs.hold(result.returncode == 0 and "OK" in result.stdout, f"{words}: {result.stdout}{result.stderr}")


def commits(running):
    """(commits, events in them) so far."""
    connection = turns.client.Connection(str(running.place.directory / "admin.sock"))
    with connection:
        text = connection.exchange("GET", "/metrics").body.decode()
    value = lambda name: float(re.search(rf"^wxpush_commit_events_{name} (\S+)", text, re.MULTILINE)[1])
    return value("count"), value("sum")


def count_server(run):
    """The whole program: (profile of few pushes, of many, events a commit among the many)."""
    options = run.options
    contender = UnderCallgrind(stripped(run, server.BINARY))
    push = lambda count: turns.offer(
        running, 600, connections=options.connections, more=("--events", count)
    )
    with turns.serving(contender, run.certificate) as running:
        push(options.few)  # so that what is made at its first use is there
        control(running, "-i", "on")
        control(running, "-z")
        profiles, before = [], (0, 0)
        for number, count in enumerate((options.few, options.many), 1):
            before = commits(running)
            told = push(count)
            runs.hold(told["acknowledged"] == count, f"not all were acknowledged: {told}")
            after = commits(running)
            control(running, "-d")
            profiles.append(callgrind.read(f"{contender.out}.{number}"))
        return *profiles, (after[1] - before[1]) / max(1, after[0] - before[0])


def tell(run, kind, few, many, more, **beside):
    """Tables of one way of counting, and its line."""
    parts = callgrind.each(few.parts(), many.parts(), more)
    stages = [(told, (many.stage(name) - few.stage(name)) / more) for name, told in STAGES]
    total = (many.total() - few.total()) / more
    known = [(told, value) for told, value in stages if value >= 1]
    run.show(f"{kind}: {total:.0f} instructions a push, by where they lie", ("", "instructions", "share"), [
        (name, f"{value:.0f}", f"{100 * value / total:.1f} %")
        for name, value in sorted(parts.items(), key=lambda item: -item[1])
        if round(value)
    ])
    run.show(f"{kind}: by stage, each with all that it calls", ("", "instructions"), [
        (told, f"{value:.0f}") for told, value in known
    ])
    kept = {"way": kind, "pushes": more, "instructions": round(total), **beside}
    kept["parts"] = {name: round(value) for name, value in parts.items() if round(value)}
    kept["stages"] = {told.strip(): round(value) for told, value in known}
    run.note("instructions", **kept)
    if run.options.keep:
        run.keep(KEPT, "instructions", **kept)


def main():
    run = measurements.Measurement(
        __doc__, ways=("path,server", "path,server"), few=(500, 100), many=(4500, 300), connections=(8, 4), keep=(0, 0)
    )
    with run:
        runs.hold(shutil.which("callgrind_control"), "no valgrind here: ./dev setup bench")
        run.certificate = turns.Certificate(run)
        options = run.options
        more = options.many - options.few
        if "path" in options.ways:
            tell(run, "path", count_path(run, options.few), count_path(run, options.many), more)
        if "server" in options.ways:
            few, many, together = count_server(run)
            run.say(f"{together:.1f} events a commit")
            tell(run, "server", few, many, more, events_a_commit=round(together, 1))


if __name__ == "__main__":
    main()
