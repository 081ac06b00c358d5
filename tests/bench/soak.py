"""Memory where events leave as fast as they come: a load at `--rate` for longer than `store.retention`, and ten million events beyond it.

Within the first hour, the shortest retention there is, memory grows by the filters of the ids that are kept (docs/store.md, "Memory");
from then on it is to stay as it is. Two hours in all, at a rate that leaves a machine to its other work: no figure here is a speed.
"""

import places  # first

import measurements
import memory
import turns

RETENTION = 3600  # seconds; the settings take no less
SETTINGS = {"retention": "1h", "min_retention": "1h"}
# A generation of ids goes when its youngest event may, so that memory swings by what one takes.
ONE_GENERATION_MIB = 2**19 * memory.BYTES_OF_AN_ID / 2**20
GROWN_MIB = memory.GROWN_MIB + ONE_GENERATION_MIB


def main():
    run = measurements.Measurement(__doc__, rate=(4_000, 500), beyond=(10_000_000, 2_000))
    with run:
        run.certificate = turns.Certificate(run)
        filling = 2 if run.options.short else RETENTION * 1.1
        rate, seconds = run.options.rate, round(filling + run.options.beyond / run.options.rate)
        samples, told = memory.soak(run, rate * seconds, seconds * 2, SETTINGS, connections=8, rate=rate)
        flat = [(at, mib) for at, mib in samples.taken if at >= filling]
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
