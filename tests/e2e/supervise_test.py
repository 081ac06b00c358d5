"""serve --supervise: the listening socket outlives its workers, and no push is refused while one takes another's place."""

import json
import os
import pathlib
import shutil
import signal
import unittest

import backend
import client
import server
import supervised
import wechat

SHOP = wechat.App()


class SuperviseTest(server.TestCase):
    def serve_supervised(self, **options):
        return supervised.prepare(self, **options).start()

    def push(self, running, order):
        """As WeChat does, with three tries: what a dying worker had accepted just now is cut off."""
        push = wechat.push(SHOP, wechat.waybill(order))
        for tries_left in (2, 1, 0):
            try:
                self.accepted(running, push)
                return push.event_id
            except OSError:
                if tries_left == 0:
                    raise

    def stored(self, running):
        return [event["event_id"] for event in running.events()]

    def test_a_killed_worker_is_followed_and_the_address_stays(self):
        running = self.serve_supervised()
        pushed = [self.push(running, "before")]
        first = running.status()["pid"]
        self.assertNotEqual(first, running.process.pid)
        for number in range(3):
            worker = running.status()["pid"]
            os.kill(worker, signal.SIGKILL)
            # At once: it waits in the socket's queue until the next worker takes it.
            pushed.append(self.push(running, f"order-{number}"))
            supervised.wait_for_another(running, worker)
        self.assertEqual(running.status()["listening"], running.status_at_start["listening"])
        self.assertEqual(self.stored(running), pushed)
        self.assertEqual(running.stop(), 0)
        ends = [entry["how"] for entry in running.log.entries("a worker ended")]
        self.assertEqual(ends, ["signal 9"] * 3 + ["exit 0"])

    def test_a_worker_that_drained_by_itself_is_followed_too(self):
        running = self.serve_supervised()
        before = running.status()["pid"]
        os.kill(before, signal.SIGTERM)
        self.push(running, "order")
        self.assertNotEqual(supervised.wait_for_another(running, before), before)
        self.assertEqual(running.stop(), 0)

    def test_sigusr2_puts_a_fresh_worker_in_the_old_ones_place(self):
        running = self.serve_supervised()
        connection = running.connect()
        self.addCleanup(connection.close)
        order = [wechat.push(SHOP, wechat.waybill(f"order-{number}")) for number in range(3)]
        self.assertEqual(connection.post(order[0]).status, 200)
        before = running.status()["pid"]
        running.signal(signal.SIGUSR2)
        running.log.wait_for("another process takes over: pushes are taken until what is in flight is finished")
        # What is kept alive learns from its next answer that it is the last; who comes anew is served.
        response = connection.post(order[1])
        self.assertEqual((response.status, response.headers["connection"].lower()), (200, "close"))
        self.assertTrue(connection.closed())
        self.accepted(running, order[2])
        after = supervised.wait_for_another(running, before)
        supervised.wait_until_alone(running, after)
        self.assertFalse(supervised.is_alive(before))
        self.assertEqual(self.stored(running), [push.event_id for push in order])
        self.assertEqual(running.stop(), 0)

    def test_the_program_now_on_the_disk_is_started(self):
        running = supervised.prepare(self)
        program = running.directory / "wxpush"
        shutil.copy(server.BINARY, program)
        running.program = [str(program), *supervised.SUPERVISED[1:]]
        running.start()
        newer = running.directory / "newer"
        shutil.copy(server.BINARY, newer)
        newer.replace(program)  # as a package manager does
        _, after = supervised.replace(running)
        self.assertEqual(os.readlink(f"/proc/{after}/exe"), str(program))
        self.assertTrue(os.readlink(f"/proc/{running.process.pid}/exe").endswith("(deleted)"))
        self.assertEqual(running.stop(), 0)

    def test_a_replacement_asked_for_during_another_follows_it(self):
        running = self.serve_supervised()
        before = running.status()["pid"]
        running.signal(signal.SIGUSR2)
        running.log.wait_for("a worker starts", 2)  # and has not even read its settings
        running.signal(signal.SIGUSR2)
        last = running.log.wait_for("a worker starts", 3)[-1]["worker"]
        server.wait_until(lambda: supervised.worker(running) == last, "the last worker")
        supervised.wait_until_alone(running, last)
        self.assertNotEqual(last, before)
        self.push(running, "order")
        self.assertEqual(running.stop(), 0)

    def test_settings_that_are_wrong_leave_the_old_worker_where_it_is(self):
        running = self.serve_supervised()
        before = running.status()["pid"]
        running.configuration_file().write_text("[server]\nlisten = 5\n")
        running.signal(signal.SIGUSR2)
        server.wait_until(lambda: "the old one goes on" in running.log.text(), "a line about it")
        self.assertIn("(exit 78)", running.log.text())
        self.assertEqual(json.loads(running.admin("/api/v1/status").body)["pid"], before)
        running.write_configuration()
        self.push(running, "order")
        self.assertNotEqual(supervised.replace(running)[1], before)

    def test_a_handler_that_is_gone_with_events_waiting_is_refused_beside_the_old_worker(self):
        down = {**server.LOG_HANDLER, "name": "backend", "type": "http", "allow_private": True}
        down["url"] = f"http://127.0.0.1:{backend.free_port()}/"
        running = self.serve_supervised(handlers=[down])
        self.push(running, "order")
        before = running.status()["pid"]
        running.handlers = [server.LOG_HANDLER]
        running.write_configuration()
        running.signal(signal.SIGUSR2)
        server.wait_until(lambda: "the old one goes on" in running.log.text(), "a line about it")
        self.assertIn("handler backend is gone from the settings", running.log.text())
        self.assertEqual(running.status()["pid"], before)

    def test_settings_that_are_wrong_after_a_crash_end_it_with_78(self):
        running = self.serve_supervised()
        running.configuration_file().write_text("[server]\nlisten = 5\n")
        os.kill(running.status()["pid"], signal.SIGKILL)
        self.assertEqual(running.wait(), 78)

    def test_settings_that_are_wrong_at_the_start_are_told_as_ever(self):
        running = supervised.prepare(self, sections={"server": {"threads": -5}})
        running.spawn()
        self.assertEqual(running.wait(), 78)
        self.assertIn("threads", running.log.text())

    def test_sighup_reaches_the_worker(self):
        running = self.serve_supervised()
        running.signal(signal.SIGHUP)
        running.log.wait_for("the settings were reloaded")
        self.assertEqual(running.stop(), 0)

    def test_sigterm_finishes_what_is_in_flight_and_leaves_nobody(self):
        running = self.serve_supervised()
        worker = running.status()["pid"]
        push = wechat.push(SHOP, wechat.waybill("in flight"))
        connection = running.connect()
        self.addCleanup(connection.close)
        connection.request("POST", push.target(), [("Content-Length", str(len(push.body))), ("Expect", "100-continue")])
        self.assertEqual(connection.receive().status, 100)
        running.signal(signal.SIGTERM)
        server.wait_until(lambda: running.admin("/readyz").status == 503, "readiness taken away")
        with self.assertRaises(OSError):  # nobody is to wait for a server that does not come again
            running.post(push)
        connection.send(push.body)
        self.assertEqual(connection.receive().status, 200)
        self.assertEqual(running.wait(), 0)
        self.assertFalse(supervised.is_alive(worker))

    def test_a_second_signal_stops_at_once(self):
        running = self.serve_supervised(sections={"server": {"drain": "60s", "request_deadline": "4s"}})
        connection = running.connect()
        self.addCleanup(connection.close)
        connection.send(b"POST /wx/shop HTTP/1.1\r\n")
        server.wait_until(lambda: running.status()["connections"] == 1, "the connection")
        running.signal(signal.SIGTERM)
        server.wait_until(lambda: running.admin("/readyz").status == 503, "readiness taken away")
        running.signal(signal.SIGTERM)
        self.assertEqual(running.wait(3.5 * client.PATIENCE), 0)

    def test_a_supervisor_that_is_killed_takes_its_worker_along(self):
        running = self.serve_supervised()
        worker = running.status()["pid"]
        event = self.push(running, "order")
        running.kill()
        server.wait_until(lambda: not supervised.is_alive(worker), "the worker's end")
        running.start()
        self.assertEqual(self.stored(running), [event])

    def test_a_unix_socket_is_held_as_well_and_goes_at_the_end(self):
        running = supervised.prepare(self, tls=False)
        path = running.directory / "push.sock"
        running.sections["server"]["listen"] = f"unix:{path}"
        running.start()
        number = path.stat().st_ino
        supervised.kill_worker(running)
        supervised.replace(running)
        self.assertEqual(path.stat().st_ino, number)
        push = wechat.push(SHOP, wechat.waybill("order"))
        with client.Connection(str(path)) as connection:
            self.assertEqual(connection.post(push).status, 200)
        self.assertEqual(running.stop(), 0)
        self.assertFalse(path.exists())

    def test_nothing_adds_up_over_many_restarts(self):
        running = self.serve_supervised()
        supervised.replace(running)  # by now what is made once is made
        supervisor, worker = running.process.pid, running.status()["pid"]
        held, open_here = supervised.settled_files(supervisor), supervised.settled_files(worker)
        for _ in range(3):
            supervised.replace(running)
            supervised.kill_worker(running)
        worker = running.status()["pid"]
        self.assertEqual(supervised.settled_files(supervisor), held)
        self.assertEqual(supervised.settled_files(worker), open_here)
        self.assertEqual(set(supervised.children(supervisor)), {worker})
        environment = pathlib.Path(f"/proc/{worker}/environ").read_bytes().decode().split("\0")
        self.assertEqual([line for line in environment if line.startswith("LISTEN_FDS")], ["LISTEN_FDS=2"])

    def test_both_write_one_log_in_the_format_that_is_set(self):
        running = self.serve_supervised()
        supervised.replace(running)
        self.assertEqual(running.stop(), 0)
        lines = running.log.text().splitlines()
        self.assertEqual(len(running.log.entries()), len(lines), running.log.text())
        self.assertTrue(running.log.entries("the worker serves"))
        self.assertTrue(running.log.entries("serving"))

    def test_health_is_no_while_no_worker_runs(self):
        running = self.serve_supervised()
        self.assertEqual(running.run("health").returncode, 0)
        worker = running.status()["pid"]
        self.addCleanup(os.kill, worker, signal.SIGCONT)
        os.kill(worker, signal.SIGSTOP)  # nobody answers
        self.assertEqual(running.run("health").returncode, 69)


if __name__ == "__main__":
    unittest.main()
