"""Copies of the lanes with one defect planted in each: the simulation must find every one of them.

planted_defects.py SOURCE_DIRECTORY NUMBER OUTPUT: writes defect NUMBER (from 1). Without arguments: prints how many there are.
"""

import pathlib
import sys

LANES, RETRY = "handlers/dispatch/lanes.cpp", "handlers/dispatch/retry_policy.cpp"

# What would go wrong; the file; what stands there; what stands there instead.
DEFECTS = [
    ("what is settled above the cursor is offered again after a start", LANES,
     "if (passed_.erase(id) != 0) return;", "passed_.erase(id);"),
    ("after a crash listed events overtake earlier ones that are not listed", LANES,
     "if (catching_up() || loaded_", "if (loaded_"),
    ("one more at once than allowed", LANES,
     "in_flight_.size() >= settings_.concurrency", "in_flight_.size() > settings_.concurrency"),
    ("an event dropped from memory is not read back", LANES,
     "lane.last = lane.items.back().id - 1;", "lane.last = lane.items.back().id;"),
    ("only the first page of parked events is read back", LANES,
     "lane.more_parked = ids.size() >= wanted.limit;", "lane.more_parked = false;"),
    ("parked events are read back before they are on the disk", LANES,
     "if (lane.parked_with <= committed_)", "if (lane.parked_with < ~committed_)"),
    ("the cursor goes past what is still in flight", LANES,
     "window_.empty() ? read_through_ : window_.front().id - 1", "read_through_"),
    ("a new event overtakes the parked ones of its lane", LANES,
     "if (lane.more_parked || lane.items.size() >= room)", "if (lane.items.size() >= room)"),
    ("a failed event is marked as delivered", LANES,
     "decision.dead ? EventPlace::dead : EventPlace::retry", "EventPlace::settled"),
    ("the row of a retry stays behind after its delivery", LANES,
     "change(key, head, EventPlace::settled, was_listed);", "change(key, head, EventPlace::settled, false);"),
    ("after a step of the clock a retry waits for days", LANES,
     "std::clamp(retry.due - wall, milliseconds(0), settings_.retry.retry_max)", "milliseconds(retry.due - wall)"),
    ("marks that are not durable yet are not bounded", LANES,
     "in_flight_.size() + changes_.size() + taken_changes_", "in_flight_.size() + changes_.size()"),
    ("parked events are read back again and again", LANES,
     "return Wanted{key, lane.last, settings_.lane_items};", "return Wanted{key, 0, settings_.lane_items};"),
    ("a requeued event takes the place of the one in flight", LANES,
     "const bool stays = lane.busy || failed_before(lane);", "const bool stays = false;"),
    ("two events of one lane at once", LANES,
     "if (lane.busy || lane.ready || lane.loading || lane.held()) return;", "if (lane.ready || lane.loading || lane.held()) return;"),
    ("the cursor stops at the first gap", LANES,
     "while (!window_.empty() && window_.front().closed)", "if (!window_.empty() && window_.front().closed)"),
    ("events beyond a lane's bound are forgotten", LANES,
     "    lane.more_parked = true;\n    return;", "    return;"),
    ("a requeued dead letter of a held lane is never offered", LANES,
     "    if (!lane.waiting) go_on(key, lane);\n    return true;", "    return true;"),
    ("parked events are read back while rows among them are changing", LANES,
     "item.id > lane->second.last)", "false)"),
    ("what is dropped from memory is forgotten", LANES,
     "    lane.items.pop_back();\n    lane.more_parked = true;\n", "    lane.items.pop_back();\n"),
    ("an event is given up while it is being offered", LANES,
     "if (lane.busy || lane.held() || lane.items.empty()) continue;", "if (lane.held() || lane.items.empty()) continue;"),
    ("what is given up keeps its row among those that wait", LANES,
     "change(key, item, EventPlace::dead, item.listed, {}, error);",
     "change(key, item, EventPlace::dead, false, {}, error);"),
    ("an outage counts against the events", RETRY,
     "(failure.blame == Blame::handler && event.others_well)", "true"),
    ("a handler may put an event off for ever", RETRY,
     "std::min(*failure.retry_after, settings.retry_max)", "*failure.retry_after"),
]


def main():
    if len(sys.argv) == 1:
        print(len(DEFECTS))
        return
    source, number, output = pathlib.Path(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    what, file, right, wrong = DEFECTS[number - 1]
    text = {name: (source / name).read_text() for name in (LANES, RETRY)}
    if text[file].count(right) != 1:
        sys.exit(f"planted_defects.py: defect {number} ({what}): not once in {file}: {right}")
    text[file] = text[file].replace(right, wrong)
    output.write_text(f"// Defect {number}: {what}.\n{text[LANES]}\n{text[RETRY]}")


main()
