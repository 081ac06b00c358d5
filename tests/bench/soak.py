"""Memory where events leave as fast as they come: a load at `--rate` for longer than `store.retention`, and ten million events beyond it.

Within the first hour, the shortest retention there is, memory grows by the filters of the ids that are kept (docs/store.md, "Memory");
from then on it is to stay as it is. Two hours in all, at a rate that leaves a machine to its other work: no figure here is a speed.
"""

import places  # first

import contenders
import measurements
import memory
import runs
import turns

RETENTION = 3600  # seconds; the settings take no less
# A generation of ids goes when its youngest event may, so that memory swings by what one takes.
ONE_GENERATION_MIB = 2**19 * memory.BYTES_OF_AN_ID / 2**20
GROWN_MIB = memory.GROWN_MIB + ONE_GENERATION_MIB


def soak(run, filling, seconds):
    contender = contenders.WxPush(sections={"store": {"retention": "1h", "min_retention": "1h", "max_size": "1TiB"}})
    events = run.options.rate * seconds
    with turns.serving(contender, run.certificate) as running:
        with memory.Samples(running) as samples:
            more = ("--events", events)
            told = turns.offer(running, seconds * 2, connections=8, rate=run.options.rate, more=more)
    runs.hold(told["acknowledged"] >= events, f"not all were acknowledged: {told}")
    return [(at, mib) for at, mib in samples.taken if at >= filling], told


def main():
    run = measurements.Measurement(__doc__, rate=(4_000, 500), beyond=(10_000_000, 2_000))
    with run:
        run.certificate = turns.Certificate(run)
        filling = 2 if run.options.short else RETENTION * 1.1
        flat, told = soak(run, filling, round(filling + run.options.beyond / run.options.rate))
        fifth = len(flat) // 5 + 1
        early, late = (max(mib for _, mib in part) for part in (flat[:fifth], flat[-fifth:]))
        run.judge(
            late - early <= GROWN_MIB,
            f"{run.options.beyond} events after {filling:.0f} s of filling, at {told['acknowledged_per_second']:.0f}/s:"
            f" {early:.1f} MiB in the first fifth, {late:.1f} MiB in the last, wanted at most {GROWN_MIB:.0f} more",
        )
        run.note("soak", memory=[[round(at), round(mib, 1)] for at, mib in flat[:: max(1, len(flat) // 200)]])
        run.verdict()


if __name__ == "__main__":
    main()
