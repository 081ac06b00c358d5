"""The handler of type redis against a Redis of its own: each event once in its stream, in order, whatever breaks."""

import json
import time
import unittest
import urllib.parse

import broker  # first

import backend
import client
import held_answers
import redis_client
import redis_streams
import server
import wechat

SHOP = wechat.App()
STREAM = "wxpush:events"
QUICK = {"retry_min": "10ms", "retry_max": "100ms"}
IMPATIENT = {"timeout": "300ms", **QUICK}
UNAVAILABLE = 69  # exit code
STATUSES = (101, 102, 201, 202, 301, 302)
# What a handler of type redis needs to be allowed to do, and to see (docs/queues.md, "Settings of Redis that matter").
RIGHTS = (
    "-@all +ping +select +multi +exec +discard +evalsha +script|load +xadd +get +set +wait"
    " +config|get +xinfo|stream +xinfo|groups"
)


class RedisCase(server.TestCase):
    def redis(self, **options):
        one = redis_streams.RedisBroker(**options)
        self.addCleanup(one.close)
        return one

    def started(self, **options):
        return self.redis(**options).start()

    def serve_to(self, redis, **settings):
        return self.serve(handlers=[redis.handler("queue", **{**QUICK, **settings})])

    def push(self, running, *messages):
        with running.connect() as connection:
            for message in messages:
                self.assertEqual(connection.post(wechat.push(SHOP, message)).status, 200)

    def push_order(self, running, statuses, order="order"):
        self.push(running, *(wechat.waybill(order, status) for status in statuses))

    def status(self, running):
        (handler,) = running.status()["handlers"]
        return handler

    def settled(self, running):
        server.wait_until(lambda: self.status(running)["pending"] == 0, "nothing pending")

    def fails_with(self, running, error):
        server.wait_until(lambda: error in (self.status(running)["last_error"] or ""), f"the error {error!r}")

    def told(self, redis, order="order"):
        """The statuses of an order as they stand in the streams."""
        bodies = [json.loads(one.body) for one in redis.received()]
        return [body["order_status"] for body in bodies if body["shop_order_id"] == order]

    def check(self, running):
        """(exit code, what it says)"""
        result = running.run("check", "--connect")
        return result.returncode, result.stdout

    def warned(self, running, part):
        """Waits for a warning at the start or later."""
        why = lambda: [line["why"] for line in running.log.entries("a broker promises less than it may seem")]
        server.wait_until(lambda: any(part in one for one in why()), f"a warning of {part!r}")


class EntryTest(RedisCase):
    def test_the_message_as_it_came_and_about_it_in_fields(self):
        redis = self.started()
        secrets = [backend.new_secret(), backend.new_secret()]
        running = self.serve_to(redis, secrets=secrets)
        message = wechat.waybill("wxpush-test-单 1", 302)
        self.push(running, message)
        self.settled(running)
        (one,) = redis.received()
        self.assertEqual((one.partition, one.body), (STREAM, message))
        event_id = wechat.event_id(SHOP.appid, message)
        (event,) = running.events()
        self.assertEqual(urllib.parse.unquote(one.headers.pop("ce-subject")), event["order_key"])
        self.assertLess(abs(time.time() - int(one.headers["webhook-timestamp"])), 60)
        for secret in secrets:
            self.assertTrue(backend.signed(one, secret))
        self.assertFalse(backend.signed(one, backend.new_secret()))
        for name in ("webhook-timestamp", "webhook-signature"):
            del one.headers[name]
        self.assertEqual(
            one.headers,
            {
                "content-type": "application/json",
                "webhook-id": event_id,
                "ce-specversion": "1.0",
                "ce-id": event_id,
                "ce-source": f"/wx/{SHOP.appid}",
                "ce-type": "com.weixin.update_waybill_status",
                "ce-time": "2024-04-26T06:20:40.000Z",
                "wxpush-app": "shop",
                "wxpush-attempt": "1",
                "wxpush-test": "1",
            },
        )

    def test_marks_and_bytes_that_are_no_text(self):
        redis = self.started()
        running = self.serve_to(redis)
        messages = [
            wechat.waybill("order", 202, action_time=1714112440),
            wechat.waybill("order", 102, action_time=1714112400),  # stale
            wechat.waybill("order", 202, action_time=1714112440, padding="other bytes"),  # repeats the first
            b"\x00\xff\r\n",
        ]
        self.push(running, *messages)
        self.settled(running)
        found = {one.body: one.headers for one in redis.received()}
        self.assertCountEqual(found, messages)
        stale, repeat, binary = (found[message] for message in messages[1:])
        self.assertEqual(stale["wxpush-stale"], "1")
        self.assertEqual(repeat["wxpush-repeat-of"], "1")
        self.assertNotIn("wxpush-stale", found[messages[0]])
        self.assertEqual(binary["content-type"], "application/octet-stream")
        self.assertNotIn("ce-subject", binary)

    def test_an_order_is_in_one_partition_and_in_its_order(self):
        redis = self.started()
        running = self.serve_to(redis, partitions=4, stream="wx")
        orders = [f"order-{number}" for number in range(24)]
        for status in STATUSES:
            self.push(running, *(wechat.waybill(order, status) for order in orders))
        self.settled(running)
        received = redis.received()
        self.assertEqual({one.partition for one in received}, {f"wx.{number}" for number in range(4)})
        for order in orders:
            self.assertEqual(self.told(redis, order), list(STATUSES))
        where = {(one.order_key, one.partition) for one in received}
        self.assertEqual(len(where), len(orders))

    def test_over_a_unix_socket_and_into_another_database(self):
        redis = self.started(unix=True)
        running = self.serve_to(redis, database=3, stream="elsewhere")
        self.push(running, wechat.waybill("order"))
        self.settled(running)
        self.assertEqual(redis.received(), [])
        with redis.client() as connection:
            connection.call("SELECT", 3)
            self.assertEqual(connection.call("XLEN", "elsewhere"), 1)


class OnceTest(RedisCase):
    def test_an_event_whose_answer_a_crash_cut_off_is_not_added_again(self):
        redis = self.started()
        between = held_answers.HeldAnswers(redis.port)
        self.addCleanup(between.close)
        running = self.serve_to(redis, hosts=[f"127.0.0.1:{between.port}"])
        self.push(running, wechat.waybill("before"))
        self.settled(running)
        between.hold()
        self.push(running, wechat.waybill("order"))
        server.wait_until(lambda: redis.call("XLEN", STREAM) == 2, "the entry")
        running.kill()
        between.release()
        running.start()
        self.settled(running)
        self.assertEqual(self.told(redis), [102])
        self.assertEqual(redis.call("XLEN", STREAM), 2)

    def test_an_event_that_is_sent_again_after_its_time_out_is_not_added_again(self):
        redis = self.started()
        running = self.serve_to(redis, **IMPATIENT)
        self.push(running, wechat.waybill("before"))
        self.settled(running)
        redis.pause()
        self.push(running, wechat.waybill("order"))
        self.fails_with(running, "no confirmation within 300 ms")
        redis.resume()
        self.settled(running)
        self.assertEqual(self.told(redis), [102])
        scripts = redis.call("INFO", "commandstats").decode().split("cmdstat_evalsha:calls=")[1].split(",")[0]
        self.assertGreaterEqual(int(scripts), 3, "it was not sent again")

    def test_what_an_operator_replays_is_an_entry_of_its_own(self):
        redis = self.started()
        running = self.serve_to(redis)
        self.push(running, wechat.waybill("order"))
        self.settled(running)
        for number in (1, 2):
            self.assertEqual(running.run("events", "replay", "1", "--handler", "queue").returncode, 0)
            server.wait_until(lambda: redis.call("XLEN", STREAM) == number + 1, "one more entry")
        self.settled(running)
        received = redis.received()
        self.assertEqual([one.headers.get("wxpush-replay") for one in received], [None, "1", "2"])
        self.assertEqual(len({one.event_id for one in received}), 1)

    def test_an_event_is_known_for_a_while_only(self):
        redis = self.started()
        running = self.serve_to(redis, seen_for="5m")
        message = wechat.waybill("order")
        self.push(running, message)
        self.settled(running)
        key = f"{STREAM}:seen:{wechat.event_id(SHOP.appid, message)}"
        ((entry_id, _),) = redis.entries(STREAM)
        self.assertEqual(redis.call("GET", key).decode(), entry_id)
        self.assertIn(redis.call("TTL", key), range(1, 301))


class OutageTest(RedisCase):
    def test_down_at_the_start_and_in_between_loses_nothing_and_keeps_the_order(self):
        redis = self.redis()
        running = self.serve_to(redis)
        self.push_order(running, STATUSES[:2])
        self.fails_with(running, "no connection: Connection refused")
        redis.start()
        self.settled(running)
        redis.kill()
        self.push_order(running, STATUSES[2:4])
        self.fails_with(running, "Connection refused")
        redis.start()  # over what it kept
        self.settled(running)
        self.push_order(running, STATUSES[4:])
        self.settled(running)
        self.assertEqual(self.told(redis), list(STATUSES))

    def test_one_that_stands_still_is_named_and_caught_up_with(self):
        redis = self.started()
        running = self.serve_to(redis, **IMPATIENT)
        self.push_order(running, STATUSES[:1])
        self.settled(running)
        redis.pause()
        self.push_order(running, STATUSES[1:])
        self.fails_with(running, "no confirmation within 300 ms")
        self.fails_with(running, "no answer within 300 ms")  # the next connection is not answered, either
        code, told = self.check(running)
        self.assertEqual(code, UNAVAILABLE)
        self.assertIn("ERROR    no answer within 300 ms", told)
        redis.resume()
        self.settled(running)
        self.assertEqual(self.told(redis), list(STATUSES))

    def test_one_that_stands_still_does_not_hold_up_the_end(self):
        redis = self.started()
        running = self.prepare(
            handlers=[redis.handler("queue", timeout="60s")], sections={"server": {"drain": "300ms"}}
        ).start()
        running.log.wait_for("connected to a broker")
        redis.pause()
        self.push(running, wechat.waybill("order"))
        self.assertEqual(running.stop(), 0)
        running.spawn()  # its thread is in the middle of connecting now
        server.wait_until(running.ready, "readiness", server.START_DEADLINE)
        self.assertEqual(running.stop(), 0)
        redis.resume()
        running.start()
        self.settled(running)
        self.assertEqual(self.told(redis), [102])

    def test_a_replica_takes_nothing_until_it_is_promoted(self):
        redis = self.started()
        running = self.serve_to(redis)
        self.push_order(running, STATUSES[:1])
        self.settled(running)
        redis.call("REPLICAOF", "127.0.0.1", backend.free_port())
        self.push_order(running, STATUSES[1:])
        self.fails_with(running, f"XADD to {STREAM}: READONLY")
        redis.call("REPLICAOF", "NO", "ONE")
        self.settled(running)
        self.assertEqual(self.told(redis), list(STATUSES))

    def test_scripts_that_were_flushed_are_loaded_again(self):
        redis = self.started()
        running = self.serve_to(redis)
        for status in STATUSES[:3]:
            self.push_order(running, [status])
            self.settled(running)
            redis.call("SCRIPT", "FLUSH")
        self.push_order(running, STATUSES[3:])
        self.settled(running)
        self.assertEqual(self.told(redis), list(STATUSES))

    def test_another_stream_after_a_reload(self):
        redis = self.started()
        running = self.serve_to(redis)
        self.push_order(running, STATUSES[:2])
        self.settled(running)
        redis.pause()
        self.push_order(running, STATUSES[2:4])
        running.handlers[0]["stream"] = "other"
        running.write_configuration()
        self.assertEqual(running.run("reload").returncode, 0)
        redis.resume()
        self.push_order(running, STATUSES[4:])
        self.settled(running)
        statuses = lambda stream: [json.loads(fields["body"])["order_status"] for _, fields in redis.entries(stream)]
        # What Redis got before the change of it, and was not heard of any more, is in both.
        self.assertEqual(statuses("other"), list(STATUSES[2:]))
        self.assertEqual(statuses(STREAM)[:2], list(STATUSES[:2]))
        self.assertLessEqual(set(statuses(STREAM)[2:]), {STATUSES[2]})


class AccessTest(RedisCase):
    def assert_refused(self, redis, running, error):
        self.push(running, wechat.waybill("order"))
        self.fails_with(running, error)
        code, told = self.check(running)
        self.assertEqual(code, UNAVAILABLE)
        self.assertIn(f"ERROR    {error}", told)
        self.assertEqual((redis.call("KEYS", "*"), self.status(running)["pending"]), ([], 1))

    def test_a_password(self):
        redis = self.started(requirepass="hunter2")
        running = self.serve_to(redis)
        self.push(running, wechat.waybill("order"))
        self.settled(running)
        self.assertEqual(self.told(redis), [102])
        stranger = self.serve_to(redis, password="hunter3")
        self.push(stranger, wechat.waybill("other"))
        self.fails_with(stranger, "login: WRONGPASS")
        code, told = self.check(stranger)
        self.assertEqual(code, UNAVAILABLE)
        self.assertIn("ERROR    login: WRONGPASS", told)
        self.assertNotIn("hunter", told + stranger.log.text())
        self.assertEqual(self.told(redis, "other"), [])

    def test_a_user_who_may_do_what_is_needed_and_nothing_else(self):
        redis = self.started(users=[f"app on >secret ~{STREAM}* {RIGHTS}"])
        running = self.serve_to(redis, user="app", password="secret")
        self.push(running, wechat.waybill("order"))
        self.settled(running)
        self.assertEqual(self.told(redis), [102])
        code, told = self.check(running)
        self.assertEqual(code, 0)
        self.assertIn(f"good     may add to stream {STREAM}", told)
        self.assertNotIn("WARNING", told)

    def test_a_user_without_a_password(self):
        redis = self.started(users=["default off", f"app on nopass ~* {RIGHTS}"])
        running = self.serve_to(redis, user="app")
        self.push(running, wechat.waybill("order"))
        self.settled(running)

    def test_a_user_who_may_see_nothing_is_told_so(self):
        redis = self.started(users=[f"app on >secret ~* {RIGHTS} -config|get -xinfo|stream -xinfo|groups -multi"])
        running = self.serve_to(redis, user="app", password="secret")
        self.push(running, wechat.waybill("order"))
        self.settled(running)
        self.warned(running, "Redis' settings cannot be seen (NOPERM")
        self.warned(running, "whether streams are trimmed before they are read cannot be seen (NOPERM")
        self.warned(running, "whether we may add cannot be seen (NOPERM")
        self.assertEqual(len(redis.received()), 1)

    def test_a_user_who_may_not_add(self):
        redis = self.started(users=[f"app on >secret ~* {RIGHTS} -xadd"])
        running = self.serve_to(redis, user="app", password="secret")
        self.assert_refused(redis, running, f"XADD to {STREAM}: NOPERM")

    def test_a_user_who_may_not_add_to_this_stream(self):
        redis = self.started(users=[f"app on >secret ~other {RIGHTS}"])
        running = self.serve_to(redis, user="app", password="secret")
        self.assert_refused(redis, running, f"XADD to {STREAM}: NOPERM")

    def test_a_user_who_may_not_add_to_one_of_the_partitions(self):
        keys = " ".join(f"~{STREAM}.{number}*" for number in range(3))
        redis = self.started(users=[f"app on >secret {keys} {RIGHTS}"])
        code, told = self.check(self.serve_to(redis, user="app", password="secret", partitions=4))
        self.assertEqual(code, UNAVAILABLE)
        self.assertIn(f"ERROR    XADD to {STREAM}.3: NOPERM", told)
        code, told = self.check(self.serve_to(redis, user="app", password="secret", partitions=3))
        self.assertEqual(code, 0)
        self.assertIn(f"good     may add to streams {STREAM}.0 to 2", told)

    def test_what_may_not_be_noted_is_not_added_again_and_again(self):
        redis = self.started(users=[f"app on >secret ~* {RIGHTS}"])
        running = self.serve_to(redis, user="app", password="secret")
        self.push_order(running, STATUSES[:1])
        self.settled(running)
        redis.call("ACL", "SETUSER", "app", "-set")  # while it is connected
        self.push_order(running, STATUSES[1:2])
        server.wait_until(lambda: self.status(running)["failures"] >= 3, "several attempts")
        self.assertIn("user executing the script can't run this command", self.status(running)["last_error"])
        self.assertEqual(self.told(redis), list(STATUSES[:1]))
        redis.call("ACL", "SETUSER", "app", "+set")
        self.settled(running)
        self.assertEqual(self.told(redis), list(STATUSES[:2]))

    def test_a_redis_that_does_not_know_the_login_does_not_repeat_the_password_to_us(self):
        redis = self.started(rename_command='AUTH ""')
        running = self.serve_to(redis, user="app", password="hunter2")
        self.assert_refused(redis, running, "login: ERR unknown command 'AUTH'")
        for command in (["status"], ["check", "--connect"], ["dlq", "list"]):
            self.assertNotIn("hunter2", running.run(*command).stdout)
        self.assertNotIn("hunter2", running.log.text())

    def test_a_key_that_is_no_stream(self):
        redis = self.started()
        redis.call("SET", STREAM, "something else")
        running = self.serve_to(redis)
        self.push(running, wechat.waybill("order"))
        self.fails_with(running, f"{STREAM} is no stream")
        redis.call("DEL", STREAM)
        self.settled(running)
        self.assertEqual(self.told(redis), [102])

    def test_what_is_no_redis(self):
        other = backend.Backend()
        self.addCleanup(other.close)
        redis = self.redis()
        running = self.serve_to(redis, hosts=[f"127.0.0.1:{other.port}"])
        self.push(running, wechat.waybill("order"))
        self.fails_with(running, "Protocol error")


class PromiseTest(RedisCase):
    def test_one_that_may_throw_streams_away_gets_nothing(self):
        redis = self.started(maxmemory="100mb", maxmemory_policy="allkeys-lru")
        running = self.serve_to(redis)
        self.push(running, wechat.waybill("order"))
        self.fails_with(running, "maxmemory-policy is allkeys-lru: Redis throws whole streams away")
        code, told = self.check(running)
        self.assertEqual(code, UNAVAILABLE)
        self.assertIn("ERROR    maxmemory-policy is allkeys-lru", told)
        self.assertEqual(redis.call("KEYS", "*"), [])
        redis.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self.settled(running)
        self.assertEqual(self.told(redis), [102])

    def test_one_that_is_full_is_named_and_gets_the_events_once_there_is_room(self):
        redis = self.started()
        running = self.serve_to(redis)
        self.push_order(running, STATUSES[:1])
        self.settled(running)
        redis.call("CONFIG", "SET", "maxmemory", "1")
        self.push_order(running, STATUSES[1:])
        self.fails_with(running, "OOM command not allowed")
        self.assertEqual(self.told(redis), list(STATUSES[:1]))
        self.assertEqual(self.check(running)[0], UNAVAILABLE)
        running.restart()  # it finds a Redis that was full before
        self.fails_with(running, f"XADD to {STREAM}: OOM")
        redis.call("CONFIG", "SET", "maxmemory", "0")
        self.settled(running)
        self.assertEqual(self.told(redis), list(STATUSES))

    def test_a_confirmation_that_is_worth_less_is_told_at_the_start_and_by_check(self):
        for settings, warning in (
            ({"appendfsync": "everysec"}, "appendfsync is everysec"),
            ({"appendonly": "no"}, "appendonly is off"),
            ({"no_appendfsync_on_rewrite": "yes"}, "no-appendfsync-on-rewrite is yes"),
            ({"maxmemory_policy": "volatile-ttl"}, "maxmemory-policy is volatile-ttl"),
        ):
            with self.subTest(warning):
                redis = self.started(**settings)
                running = self.serve_to(redis)
                self.warned(running, warning)
                code, told = self.check(running)
                self.assertEqual(code, 0)
                self.assertIn(f"WARNING  {warning}", told)

    def test_a_stream_that_was_trimmed_before_a_group_read_it(self):
        redis = self.started()
        with redis.client() as connection:
            for _ in range(4):
                connection.call("XADD", STREAM, "*", "name", "value")
            connection.call("XGROUP", "CREATE", STREAM, "slow", "0")
            connection.call("XGROUP", "CREATE", STREAM, "quick", "0")
            connection.call("XREADGROUP", "GROUP", "quick", "one", "STREAMS", STREAM, ">")
            connection.call("XREADGROUP", "GROUP", "slow", "one", "COUNT", "1", "STREAMS", STREAM, ">")
            connection.call("XTRIM", STREAM, "MAXLEN", "1")
        running = self.serve_to(redis)
        self.warned(running, f"removed from stream {STREAM} that group slow never read")
        code, told = self.check(running)
        self.assertEqual(code, 0)
        self.assertIn("group slow never read", told)
        self.assertNotIn("quick", told + running.log.text())


    def test_a_stream_that_was_trimmed_before_a_group_read_anything(self):
        redis = self.started()
        with redis.client() as connection:
            connection.call("XGROUP", "CREATE", STREAM, "slow", "0", "MKSTREAM")
            for _ in range(4):
                connection.call("XADD", STREAM, "*", "name", "value")
            running = self.serve_to(redis)
            self.assertNotIn("slow", self.check(running)[1])
            connection.call("XTRIM", STREAM, "MAXLEN", "1")
            self.assertIn("group slow has read nothing yet", self.check(running)[1])
            running.restart()
            self.warned(running, f"removed from stream {STREAM}, and group slow has read nothing yet")
            # From its first reading on Redis knows its place, and what it missed is as if it had been made after that.
            connection.call("XREADGROUP", "GROUP", "slow", "one", "STREAMS", STREAM, ">")
            self.assertNotIn("slow", self.check(running)[1])


class ReplicaTest(RedisCase):
    def follower(self, redis):
        return self.redis(replicaof=f"127.0.0.1 {redis.port}", repl_diskless_sync_delay="0")

    def replicas(self, redis):
        return redis.statistics("replication")["connected_slaves"]

    def test_an_event_is_done_once_a_replica_has_it(self):
        redis = self.started(repl_diskless_sync_delay="0")
        running = self.serve_to(redis, replicas=1, **IMPATIENT)
        self.push_order(running, STATUSES[:2])
        self.fails_with(running, "only 0 of 1 replicas have it")
        self.assertEqual(self.told(redis), list(STATUSES[:1]))  # it has it, the replicas have not
        replica = self.follower(redis).start()
        self.settled(running)
        self.push_order(running, STATUSES[2:])
        self.settled(running)
        for one in (redis, replica):
            self.assertEqual(self.told(one), list(STATUSES))

    def test_what_another_connection_added_is_waited_for_as_well(self):
        redis = self.started(repl_diskless_sync_delay="0")
        replica = self.follower(redis).start()
        server.wait_until(lambda: "state=online" in redis.call("INFO", "replication").decode(), "the replica")
        running = self.serve_to(redis, replicas=1, **IMPATIENT)
        self.push_order(running, STATUSES[:1])
        self.settled(running)
        replica.pause()
        self.push_order(running, STATUSES[1:2])
        self.fails_with(running, "only 0 of 1 replicas have it")
        running.restart()
        before = self.status(running)["failures"]
        server.wait_until(lambda: self.status(running)["failures"] > before, "another attempt")
        self.assertEqual(self.status(running)["pending"], 1)
        replica.resume()
        self.settled(running)
        self.assertEqual(self.told(replica), list(STATUSES[:2]))


if __name__ == "__main__":
    unittest.main()
