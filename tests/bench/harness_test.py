"""The arithmetic of the measurements: what is counted, what is judged, who takes part."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

import places  # first

import callgrind
import compare
import contenders
import disk_probe
import machine
import measurements
import share
import turns

DUMP = """# callgrind format
version: 1
events: Ir

ob=(1) /usr/bin/wxpush
fl=(1) ???
fn=(1) wxpush::server::answer(int)
0 100
cob=(2) /lib/x86_64-linux-gnu/libcrypto.so.3
cfn=(2) SHA1_Update
calls=2 0
0 40
+3 5

fn=(3) std::vector<wxpush::event::Field, std::allocator<int> >::push_back(int)
* 7

ob=(2)
fn=(2)
0 40

ob=(3) /lib/x86_64-linux-gnu/libc.so.6
fn=(4) malloc
0 3
"""


def profile(text):
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "callgrind.out"
        file.write_text(text)
        return callgrind.read(file)


def turn(rate, syncs=None, server_us=1.0, load_limits=False):
    disk = {"disk": {"per_second": syncs}} if syncs else {}
    made = {"rate": rate, "server_us": server_us, "load_limits": load_limits, **disk}
    return {**made, "judged": compare.judged(made)}


class PlacesTest(unittest.TestCase):
    @unittest.skipUnless(places.SEVERAL_CORES, "there is one core")
    def test_what_runs_on_any_core_is_not_kept_on_that_of_the_harness(self):
        ours = os.sched_getaffinity(0)
        self.addCleanup(os.sched_setaffinity, 0, ours)
        places.step_aside()
        asks = [sys.executable, "-c", "import os; print(sorted(os.sched_getaffinity(0)))"]
        for core, cores in ((places.ANY_CORE, sorted(ours)), (places.SERVER_CORE, [places.SERVER_CORE])):
            with self.subTest(core=core):
                told = subprocess.run([*places.on_core(core), *asks], stdout=subprocess.PIPE, text=True, check=True)
                self.assertEqual(told.stdout.strip(), str(cores))


class ShareTest(unittest.TestCase):
    def test_a_server_that_has_a_part_of_a_core_is_in_a_group_of_its_own_which_goes_with_the_measurement(self):
        asks = [sys.executable, "-c", "print(open('/proc/self/cgroup').read())"]
        group = f"wxpush-bench-{os.getpid()}"
        with share.of_a_core(0.5) as before:
            if not before:
                self.skipTest("the kernel's groups are not ours to make")
            told = subprocess.run([*before, *asks], stdout=subprocess.PIPE, text=True, check=True)
            self.assertIn(group, told.stdout)
            self.assertTrue(pathlib.Path(before[-1]).is_dir())
        self.assertFalse(pathlib.Path(before[-1]).exists())

    def test_a_directory_that_is_no_group_of_the_kernels_holds_nobody_to_anything(self):
        with tempfile.TemporaryDirectory() as directory, unittest.mock.patch.object(share, "CONTROLLERS", [pathlib.Path(directory)]):
            with share.of_a_core(0.5) as before:
                self.assertEqual(before, [])
            self.assertEqual(os.listdir(directory), [])


class MachineTest(unittest.TestCase):
    def test_the_file_system_of_a_directory(self):
        with tempfile.TemporaryDirectory() as directory:
            mounts = pathlib.Path(directory) / "mounts"
            mounts.write_text(f"/dev/vda / ext4 rw 0 0\ntmpfs {os.path.realpath(directory)} tmpfs rw 0 0\n")
            self.assertEqual(machine.file_system(directory, mounts), "tmpfs")
            self.assertEqual(machine.file_system("/", mounts), "ext4")
            mounts.write_text("proc /proc proc rw 0 0\n")
            self.assertEqual(machine.file_system(directory, mounts), "unknown")


class CallgrindTest(unittest.TestCase):
    def test_what_a_called_function_takes_is_not_its_callers_own(self):
        read = profile(DUMP)
        self.assertEqual(read.total(), 155)
        self.assertEqual(read.own["/usr/bin/wxpush", "wxpush::server::answer(int)"], 105)
        self.assertEqual(read.stage("wxpush::server::answer"), 145)
        self.assertEqual(read.parts()["libcrypto: ciphers, hashes, signatures"], 40)

    def test_names_belong_to_the_part_that_they_name_and_not_to_their_arguments(self):
        parts = {
            "std::vector<wxpush::event::Field>::push_back(wxpush::event::Field&&)": "C++ library",
            "void boost::asio::detail::run<wxpush::server::Session>(int)": "Asio",
            "wxpush::(anonymous namespace)::helper(std::string)": "ours, elsewhere",
            "wxpush::server::(anonymous namespace)::Session<int>::run() (.resume)": "our server/",
            "operator new(unsigned long)": "allocation",
            "main": "other",
        }
        for name, part in parts.items():
            self.assertEqual(callgrind.part("/usr/bin/wxpush", name), part, name)

    def test_the_difference_of_two_counts_leaves_the_start_out(self):
        few, many = {"a": 1100, "b": 7}, {"a": 2100, "b": 7, "c": 500}
        self.assertEqual(callgrind.each(callgrind.collections.Counter(few), callgrind.collections.Counter(many), 10), {"a": 100, "b": 0, "c": 50})


class JudgementTest(unittest.TestCase):
    def test_a_round_on_a_slow_disk_is_told_and_not_judged(self):
        taken = {"wxpush": [turn(30, 3000), turn(10, 1999)], "bare Beast": [turn(60), turn(61)]}
        self.assertEqual(compare.ratios(taken, "wxpush", "bare Beast"), [0.5])
        self.assertEqual(compare.ratios(taken, "wxpush", "no such row"), [])

    def test_what_the_load_limited_is_no_measure_that_flatters(self):
        told = lambda ours, floor: compare.ratios({"wxpush": [ours], "bare Beast": [floor]}, "wxpush", "bare Beast")
        floor = dict(rate=100, server_us=10.0)
        self.assertEqual(told(turn(90, server_us=20.0), turn(**floor)), [0.9])
        self.assertEqual(told(turn(90, server_us=20.0, load_limits=True), turn(**floor)), [0.9])  # at least
        self.assertEqual(told(turn(90, server_us=20.0), turn(**floor, load_limits=True)), [0.5])
        self.assertEqual(told(turn(40, server_us=10.0), turn(**floor, load_limits=True)), [0.4])  # it waits for its disk
        self.assertEqual(told(turn(90, server_us=20.0, load_limits=True), turn(**floor, load_limits=True)), [0.5])

    def test_a_load_that_has_no_core_left_limits_unless_the_server_has_none_either(self):
        self.assertTrue(turns.load_limits({"load_busy": 0.99, "server_busy": 0.7}))
        self.assertFalse(turns.load_limits({"load_busy": 0.99, "server_busy": 0.99}))
        self.assertFalse(turns.load_limits({"load_busy": 0.5, "server_busy": 0.99}))
        self.assertFalse(turns.load_limits({"load_busy": 0.99, "server_busy": 0.49}, part=0.5))

    def test_medians(self):
        self.assertEqual(measurements.median([3, 1, 2]), 2)
        self.assertEqual(measurements.median([4, 1, 2, 3]), 2.5)
        self.assertEqual(measurements.spread([1.0, 3.0, 2.0]), "2.00 (1.00 to 3.00)")

    def test_the_disks_own_figures(self):
        told = disk_probe.summary([0.001] * 98 + [0.005, 0.5])
        self.assertEqual((told["syncs"], told["per_second"], told["p50_ms"], told["p99_ms"]), (100, 1000, 1.0, 500.0))
        with tempfile.TemporaryDirectory() as directory:
            self.assertGreater(len(disk_probe.took(directory, 0.05)), 0)
            self.assertEqual(list(pathlib.Path(directory).iterdir()), [])


class RowsTest(unittest.TestCase):
    def test_a_row_is_chosen_by_its_name_or_by_how_names_begin(self):
        names = lambda words: [one.name for one in contenders.named(words)]
        self.assertEqual(names("wxpush"), ["wxpush"])
        self.assertEqual(names("nginx,bare"), ["nginx return 200", "bare Beast"])
        self.assertEqual(names("no such"), [])
        everyone = names("")
        self.assertEqual(len(everyone), len(set(everyone)))
        for one, other, _ in compare.TARGETS + compare.TARGETS_OF_NEW_CONNECTIONS:
            self.assertIn(one, everyone)
            self.assertIn(other, everyone)

    def test_only_what_is_stored_on_a_disk_is_said_to_be(self):
        for one in contenders.everyone():
            self.assertEqual("synced" in one.means, one.stores == places.DISK, one.name)


if __name__ == "__main__":
    unittest.main()
