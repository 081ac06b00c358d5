"""A rush: a server with little processor time stands still for some seconds, under pushes whose senders give up after 5 s and come
again at once. Afterwards it serves those who still wait, and not the many who have gone: soon no first try fails."""

import os
import signal
import threading
import time

from campaigns import Campaign, quiet, runs, stop_well  # first

import restarts

PERIOD = 0.05  # seconds, in each of which the server runs for its share
SERVED_AGAIN = 10.0  # seconds after it went on, from when on no first try fails


class Share:
    """Lets a process run for a part of the time only, as on a machine that others have, too."""

    def __init__(self, pid, share):
        self._pid, self._share = pid, share
        self._standing = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._deal, daemon=True)
        self._thread.start()

    def _deal(self):
        while not self._over.wait(PERIOD * (1 - self._share)):
            if self._standing.is_set():
                continue
            os.kill(self._pid, signal.SIGCONT)
            time.sleep(PERIOD * self._share)
            os.kill(self._pid, signal.SIGSTOP)

    def stand_still(self, seconds):
        """Returns when it went on."""
        self._standing.set()
        time.sleep(seconds)
        self._standing.clear()
        return time.monotonic()

    def end(self):
        self._over.set()
        self._thread.join()
        os.kill(self._pid, signal.SIGCONT)


def main():
    run = Campaign(__doc__, rate=(200.0, 50.0), share=(0.3, 0.5), stall=(6.0, 1.0), before=(3.0, 1.0), after=(30.0, 4.0))
    options = run.options
    with run:
        # One address stands for the many of WeChat.
        running = run.server(sections=quiet(server={"max_connections_per_address": 20000}))
        running.start()
        sending = restarts.Sending(running, options.rate, 0.0, "rush")
        run.on_end(sending.kill)
        share = Share(running.process.pid, options.share)
        try:
            time.sleep(options.before)
            went_on = share.stand_still(options.stall)
            time.sleep(options.after)
        finally:
            share.end()
        lines = sending.end()
        failed = [line for line in lines if line.failed]
        exhausted = [line for line in lines if not line.answered]
        again = max((line.began for line in failed), default=went_on) - went_on
        for second in range(-int(options.stall + options.before), int(options.after), 2):
            begun = [line for line in lines if second <= line.began - went_on < second + 2]
            slow = sum(1 for line in begun if line.failed)
            run.say(f"{second:+} s: {len(begun)} pushes began, first tries failed {slow}, exhausted {sum(not l.answered for l in begun)}")
        results = {result: int(running.metric("wxpush_tls_handshakes_total", result=result)) for result in ("ok", "failed", "gone")}
        run.counts.update(pushes=len(lines), first_tries_failed=len(failed), exhausted=len(exhausted))
        run.figures = {"last_failed_began": round(again, 1), **{f"handshakes_{name}": count for name, count in results.items()}}
        run.say(f"{len(lines)} pushes, first tries failed {len(failed)}, exhausted {len(exhausted)}; handshakes {results}")
        run.judge(again <= SERVED_AGAIN, f"the last push whose first try failed began {again:.1f} s after the server went on")
        runs.hold(any(line.began > went_on and line.answered for line in lines), "who came after the rush was never answered")
        restarts.check_stored(running, lines)
        stop_well(running)
        run.verdict()


if __name__ == "__main__":
    main()
