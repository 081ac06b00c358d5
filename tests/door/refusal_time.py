"""What a stranger can learn from the time of a refusal, over real TLS: whether pushes that are refused for different reasons are
answered after different times. `./dev door refusal_time`

The pushes go over one kept connection, one of each kind a round, in a new order each round. Two times are taken of each: until its
answer, and until that of a request sent right behind it, which waits for whatever the server still does for it. Within each round the
times of a group are ranked; if the reason does not matter, each kind is first, second, … equally often, whatever the machine does meanwhile
(Friedman's test). The same is done with a server whose codec is deliberately careless (careless_codec.py): it has to be told
apart, or the measurement shows nothing.
"""

import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "delivery"))

import runs  # noqa: E402  (found through the line above)

import wechat  # noqa: E402

CARELESS = os.environ.get("WXPUSH_CARELESS", "")
SHOP = wechat.App()
STRANGER, TOKEN_HOLDER = "who does not know the Token", "who knows the Token alone"
MESSAGE = 16_000  # bytes: more is more to be careless about
TOLD_APART = 1e-6  # how seldom chance alone may look like this
WARM_UP = 200  # rounds
MEMORY = "/dev/shm"  # a disk has its own mind; what is timed does not wait for it


def signed(change):
    """A push that is signed as it should be, and whose text was changed before it was encrypted."""
    text = bytearray(wechat.pkcs7(wechat.full_text(b"m" * MESSAGE, SHOP.appid)))
    change(text)
    encrypted = wechat.encrypt(SHOP.encoding_aes_key, bytes(text))
    return wechat.push(SHOP, b"", encrypted=encrypted, timestamp="1714112445", nonce="415670741")


def put(at, value):
    def change(text):
        text[at] = value

    return change


def badly_signed(*wrong):
    push = signed(lambda text: None)
    made = list(push.query["msg_signature"])
    for at in wrong:
        made[at] = "b" if made[at] == "a" else "a"
    push.query["msg_signature"] = "".join(made)
    return push


def groups():
    """{group: {reason: push}}: within each, nobody who sends it may learn which it was. All of one size."""
    end_of_appid = -1 - wechat.pkcs7(wechat.full_text(b"m" * MESSAGE, SHOP.appid))[-1]
    return {
        STRANGER: {
            "first character": badly_signed(0),
            "last character": badly_signed(39),
            "all characters": badly_signed(*range(40)),
        },
        TOKEN_HOLDER: {
            "no padding": signed(put(-1, 0)),
            "padding too long": signed(put(-1, 33)),
            "padding torn": signed(put(-2, 1)),
            "length beyond the end": signed(put(16, 127)),
            "another appid": signed(put(end_of_appid, ord("!"))),
        },
    }


def exchange(connection, push):
    """(until its answer, until that of the request behind it), in nanoseconds; and its answer without its date."""
    head = f"POST {push.target()} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(push.body)}\r\n\r\n"
    both = head.encode() + push.body + b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n"
    began = time.perf_counter_ns()
    connection.send(both)
    answer = connection.receive()
    answered = time.perf_counter_ns()
    connection.receive()
    return (answered - began, time.perf_counter_ns() - began), (answer.status, answer.body, sorted(answer.headers))


def measure(run, running, pushes, rounds):
    """{reason: [(until the answer, until the next one), …]} in step; the answers must be the same."""
    times = {reason: [] for reason in pushes}
    answers = set()
    order = list(pushes)
    with running.connect() as connection:
        for number in range(WARM_UP + rounds):
            run.chance.shuffle(order)
            for reason in order:
                took, answer = exchange(connection, pushes[reason])
                answers.add(json.dumps(answer, default=repr))
                if number >= WARM_UP:
                    times[reason].append(took)
    runs.hold(len(answers) == 1, f"answers differ: {answers}")
    return times


def by_chance(times):
    """Friedman's test: the probability that samples like these, taken in step, come from one and the same place."""
    kinds, rounds = len(times), len(times[0])
    ranks = [0] * kinds
    for together in zip(*times, strict=True):
        for rank, kind in enumerate(sorted(range(kinds), key=together.__getitem__)):
            ranks[kind] += rank
    middle = (kinds - 1) / 2
    square = 12 * rounds / (kinds * (kinds + 1)) * sum((total / rounds - middle) ** 2 for total in ranks)
    # Chi-square of kinds - 1 degrees of freedom, by Wilson and Hilferty's approximation.
    freedom = kinds - 1
    deviation = ((square / freedom) ** (1 / 3) - (1 - 2 / (9 * freedom))) / (2 / (9 * freedom)) ** 0.5
    return statistics.NormalDist().cdf(-deviation)


def tell(run, who, group, times):
    """Whether a group of pushes can be told apart; says so, with medians in microseconds."""
    apart = False
    for which, name in enumerate(("answer", "answer and what follows it")):
        taken = {reason: [pair[which] for pair in pairs] for reason, pairs in times.items()}
        chance = by_chance(list(taken.values()))
        medians = ", ".join(f"{reason} {statistics.median(took) / 1000:.2f}" for reason, took in taken.items())
        apart = apart or chance < TOLD_APART
        run.say(f"{who}, {group}, {name}: {medians} us; by chance {chance:.1e}")
    return apart


def look_at(run, who, store, program):
    """{group: told apart}"""
    running = run.server(sections={"server": {"threads": 1}}, store=store)
    runs.log_to_file(running, program)
    running.start()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:  # each on its own
        for thread in pathlib.Path(f"/proc/{running.process.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores[1:])
        os.sched_setaffinity(0, cores[:1])
    found = {}
    for group, pushes in groups().items():
        times = measure(run, running, pushes, run.options.rounds)
        found[group] = tell(run, who, group, times)
    os.sched_setaffinity(0, cores)
    runs.hold(running.stop() == 0, "the server did not end well")
    return found


def main():
    with runs.Run(__doc__.splitlines()[0], rounds=(10_000, 100)) as run:
        with tempfile.TemporaryDirectory(dir=None if run.short else MEMORY) as stores:
            careless = look_at(run, "careless", f"{stores}/careless", CARELESS)
            real = look_at(run, "wxpush", f"{stores}/real", runs.server.BINARY)
        if run.short:  # the answers were the same; how fast is for a quiet machine
            return
        for group, apart in real.items():
            run.judge(not apart, f"{group} learns nothing from the time of a refusal")
        run.judge(careless[TOKEN_HOLDER], f"{TOKEN_HOLDER} would from that of a careless server")
        run.verdict()


if __name__ == "__main__":
    main()
