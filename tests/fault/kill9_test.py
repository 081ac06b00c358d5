"""20 x kill -9 under load: nothing that was acknowledged is lost, nothing is stored twice."""

import collections
import random
import unittest

import faults
import load
import wechat

ROUNDS = 20
SEED = random.randrange(1 << 32)


class Kill9Test(faults.TestCase):
    def test_twenty_times(self):
        chance = random.Random(SEED)
        running = self.prepare()
        acknowledged, unanswered = set(), []
        for round_number in range(ROUNDS):
            running.start()
            # WeChat's next try of what got no answer: stored by then or not, it is acknowledged now.
            for push in unanswered:
                self.accepted(running, push)
                acknowledged.add(push.event_id)
            make = lambda thread, number: wechat.waybill(f"{round_number}-{thread}-{number}")
            with load.Load(running, make) as pushing:
                pushing.wait_for(chance.randrange(1, 60))
                running.kill()
            acknowledged.update(pushing.acknowledged)
            unanswered = pushing.unanswered
            self.assertEqual(pushing.refused, [])
        running.start()
        stored = collections.Counter(event["event_id"] for event in running.events())
        self.assertEqual(acknowledged - set(stored), set(), f"acknowledged and lost (seed {SEED})")
        self.assertEqual(
            [event for event, count in stored.items() if count > 1], [], f"stored twice (seed {SEED})"
        )
        self.assertGreater(len(acknowledged), ROUNDS)
        ids = [event["id"] for event in running.events()]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(running.stop(), 0)


if __name__ == "__main__":
    unittest.main()
