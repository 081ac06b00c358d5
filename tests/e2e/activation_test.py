"""Socket activation as systemd does it: the socket is another's, and pushes wait in it while no server runs."""

import pathlib
import signal
import socket
import sys
import threading
import unittest

import client
import server
import supervised
import wechat

SHOP = wechat.App()
ACTIVATE = pathlib.Path(__file__).with_name("activate.py")


class ActivationTest(server.TestCase):
    def activated(self, program=None, names="wxpush.socket", sockets=1, **options):
        """A server, not started, and the sockets that are handed to it at each start."""
        running = self.prepare(program=program, **options)
        held = [socket.create_server(("127.0.0.1", 0), backlog=128) for _ in range(sockets)]
        for one in held:
            self.addCleanup(one.close)
        running.pass_fds = tuple(one.fileno() for one in held)
        numbers = ",".join(map(str, running.pass_fds))
        running.command_prefix = [sys.executable, "-B", str(ACTIVATE), numbers, names]
        return running, held

    def port(self, held):
        return held.getsockname()[1]

    def pushed_while_nobody_serves(self, running, order):
        """A push that comes before the next server is started, which answers it 200."""
        push = wechat.push(SHOP, wechat.waybill(order))
        answers = []
        pushing = threading.Thread(target=lambda: answers.append(running.post(push).status), daemon=True)
        pushing.start()
        running.start()
        pushing.join(client.DEADLINE)
        self.assertEqual(answers, [200])
        return push

    def test_it_listens_where_it_is_told_and_not_where_the_settings_say(self):
        running, held = self.activated(sockets=2, names="push:push")
        elsewhere = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(elsewhere.close)
        running.sections["server"]["listen"] = f"127.0.0.1:{self.port(elsewhere)}"  # it would fail there
        running.start()
        self.assertEqual(
            running.status()["listening"], [f"127.0.0.1:{self.port(one)}" for one in held]
        )
        self.accepted(running, wechat.push(SHOP, wechat.waybill("order")))
        self.assertEqual(running.stop(), 0)

    def test_a_push_that_comes_between_two_servers_waits_for_the_next(self):
        running, held = self.activated()
        running.start()
        self.assertEqual(running.stop(), 0)
        push = self.pushed_while_nobody_serves(running, "between")
        self.assertEqual([event["event_id"] for event in running.events()], [push.event_id])

    def test_a_push_that_comes_after_a_crash_waits_for_the_next(self):
        running, held = self.activated()
        running.start()
        first = wechat.push(SHOP, wechat.waybill("before"))
        self.accepted(running, first)
        running.signal(signal.SIGKILL)
        running.wait()
        push = self.pushed_while_nobody_serves(running, "after")
        self.assertEqual([event["event_id"] for event in running.events()], [first.event_id, push.event_id])

    def test_sigterm_takes_pushes_while_deliveries_end(self):
        """Whoever connects would only wait for the next server otherwise."""
        running, held = self.activated()
        running.start()
        connection = running.connect()
        self.addCleanup(connection.close)
        order = [wechat.push(SHOP, wechat.waybill(f"order-{number}")) for number in range(3)]
        self.assertEqual(connection.post(order[0]).status, 200)
        running.signal(signal.SIGTERM)
        running.log.wait_for("another process takes over: pushes are taken until what is in flight is finished")
        self.accepted(running, order[1])
        response = connection.post(order[2])
        self.assertEqual((response.status, response.headers["connection"].lower()), (200, "close"))
        self.assertEqual(running.wait(), 0)
        self.assertEqual(len(running.events()), 3)

    def test_a_server_that_is_started_beside_another_waits_for_the_store(self):
        first = self.serve()
        second, _ = self.activated(store=first.store)
        second.admin_socket = second.sections["admin"]["socket"] = str(second.directory / "admin.sock")
        second.spawn()
        second.log.wait_for("waiting for the process that has the store to end")
        self.assertEqual(first.stop(), 0)
        server.wait_until(second.ready, "readiness", server.START_DEADLINE)
        second.status_at_start = second.status()
        self.accepted(second, wechat.push(SHOP, wechat.waybill("order")))

    def test_one_that_is_told_to_stop_while_it_waits_stops(self):
        first = self.serve()
        second, _ = self.activated(store=first.store)
        second.spawn()
        second.log.wait_for("waiting for the process that has the store to end")
        second.process.send_signal(signal.SIGTERM)
        self.assertEqual(second.wait(), 0)
        self.assertTrue(first.ready())

    def test_a_supervisor_uses_what_it_is_handed(self):
        running, held = self.activated(program=supervised.SUPERVISED)
        running.start()
        self.assertEqual(running.status()["listening"], [f"127.0.0.1:{self.port(held[0])}"])
        supervised.kill_worker(running)
        self.accepted(running, wechat.push(SHOP, wechat.waybill("order")))
        running.process.send_signal(signal.SIGTERM)
        self.assertEqual(running.wait(), 0)

    def test_what_is_no_listening_socket_is_refused(self):
        running = self.prepare()
        one, other = socket.socketpair()
        self.addCleanup(one.close)
        self.addCleanup(other.close)
        running.pass_fds = (one.fileno(),)
        running.command_prefix = [sys.executable, "-B", str(ACTIVATE), str(one.fileno()), "push"]
        running.spawn()
        self.assertEqual(running.wait(), 78)
        self.assertIn("no stream socket that listens", running.log.text())

    def test_what_is_meant_for_another_process_is_left_alone(self):
        running = self.prepare()
        running.environment.update(LISTEN_PID="1", LISTEN_FDS="1", LISTEN_FDNAMES="push")
        running.start()
        self.accepted(running, wechat.push(SHOP, wechat.waybill("order")))
        self.assertEqual(running.stop(), 0)


if __name__ == "__main__":
    unittest.main()
