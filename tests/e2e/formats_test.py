"""Pushes in unusual forms are stored as they are and acknowledged; and what the acknowledgement says."""

import json
import re
import time
import unittest

import server
import wechat

NO_OBJECT = (b"success", b"")


class FormatsTest(server.TestCase):
    def setUp(self):
        self.app = wechat.App()
        self.server = self.serve()

    def stored_after(self, push):
        """Posts it; returns the answer and the one event that is stored then."""
        response = self.accepted(self.server, push)
        (event,) = self.server.events()
        self.assertEqual(event["event_id"], push.event_id, "not the bytes that were sent")
        return response, event

    def test_xml_envelope(self):
        message = wechat.waybill("order")
        encrypted = wechat.seal(self.app.encoding_aes_key, self.app.appid, message)
        push = wechat.push(self.app, message, encrypted=encrypted, body=wechat.xml_envelope(encrypted))
        push.content_type = "text/xml"
        response, event = self.stored_after(push)
        self.assertEqual(event["body"], json.loads(message))
        # The answer follows the format: the same four parts, as XML.
        parts = dict(re.findall(r"<(\w+)>(?:<!\[CDATA\[)?([^<\]]+)(?:\]\]>)?</\1>", response.body.decode()))
        self.assertEqual(set(parts), {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"})
        expected = wechat.signature(self.app.token, parts["TimeStamp"], parts["Nonce"], parts["Encrypt"])
        self.assertEqual(parts["MsgSignature"], expected)

    def test_xml_message_in_xml_envelope(self):
        message = b"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><MsgType><![CDATA[event]]></MsgType></xml>"
        encrypted = wechat.seal(self.app.encoding_aes_key, self.app.appid, message)
        push = wechat.push(self.app, message, encrypted=encrypted, body=wechat.xml_envelope(encrypted))
        response, event = self.stored_after(push)
        self.assertIn(response.body, NO_OBJECT)
        self.assertEqual((event["body"], event["type"]), (message.decode(), None))

    def test_compatible_mode_body_is_taken_for_what_is_encrypted_in_it(self):
        message = wechat.waybill("order")
        encrypted = wechat.seal(self.app.encoding_aes_key, self.app.appid, message)
        lies = json.loads(wechat.waybill("not what was signed"))
        for name, body in {
            "json": wechat.json_envelope(
                encrypted, **{key: lies[key] for key in lies if key != "ToUserName"}
            ),
            "xml": wechat.xml_envelope(
                encrypted, others="<Event><![CDATA[lies]]></Event><Content>x</Content>"
            ),
        }.items():
            with self.subTest(name):
                _, event = self.stored_after(wechat.push(self.app, message, encrypted=encrypted, body=body))
                self.assertEqual(event["body"], json.loads(message))

    def test_the_first_byte_decides_not_the_content_type(self):
        for content_type in ("text/xml", "text/plain", "application/x-www-form-urlencoded", ""):
            with self.subTest(content_type):
                push = wechat.push(self.app, wechat.waybill("order"))
                push.content_type = content_type
                self.stored_after(push)

    def test_byte_order_mark_and_space_before_the_envelope(self):
        for before in (b"\xef\xbb\xbf", b" \r\n\t"):
            push = wechat.push(self.app, wechat.waybill("order"))
            push.body = before + push.body
            self.stored_after(push)

    def test_unreadable_messages_are_stored_as_they_are(self):
        unreadable = {
            "broken JSON": b'{"ToUserName": "gh_1", "FromUserName": :mycreate"}',
            "empty": b"",
            "plain text": "你好".encode(),
            "nested too deep": b"[" * 100_000,
        }
        for name, message in unreadable.items():
            with self.subTest(name):
                response = self.accepted(self.server, wechat.push(self.app, message))
                self.assertIn(response.body, NO_OBJECT)
                event = self.server.events()[-1]
                self.assertEqual(event["event_id"], wechat.event_id(self.app.appid, message))
                self.assertEqual((event["body"], event["type"]), (message.decode(), None))
        self.assertEqual(len(self.server.events()), len(unreadable))

    def test_bytes_that_are_no_utf_8_are_stored(self):
        push = wechat.push(self.app, b'{"Event":"\xff\xfe"}')
        self.stored_after(push)

    def test_byte_order_mark_in_the_message(self):
        message = b"\xef\xbb\xbf" + wechat.waybill("order")
        _, event = self.stored_after(wechat.push(self.app, message))
        self.assertEqual(event["type"], "update_waybill_status")

    def test_unknown_event(self):
        message = json.dumps(
            {"MsgType": "event", "Event": "Never_Heard_Of", "FromUserName": "o1", "CreateTime": 7}
        ).encode()
        response, event = self.stored_after(wechat.push(self.app, message))
        self.assertIn(response.body, NO_OBJECT)
        self.assertEqual((event["type"], event["body"]), ("never_heard_of", json.loads(message)))

    def test_numbers_as_strings_and_the_events_case_are_no_obstacle(self):
        message = wechat.waybill(
            "order", order_status="302", action_time="1714112440", Event="Update_Waybill_STATUS", agent=None
        )
        response, event = self.stored_after(wechat.push(self.app, message))
        self.assertEqual(event["type"], "update_waybill_status")
        self.assertEqual(wechat.open_reply(self.app, response.body)["resultcode"], 0)


class ReplyTest(server.TestCase):
    def test_the_documented_object_sealed_for_wechat(self):
        running, app = self.serve(), wechat.App()
        message = wechat.waybill("order")
        before = int(time.time())
        first = running.post(wechat.push(app, message))
        second = running.post(wechat.push(app, message))
        reply, sent = wechat.open_reply(app, first.body), json.loads(message)
        create_time = reply.pop("CreateTime")
        self.assertEqual(
            reply,
            {
                "ToUserName": sent["FromUserName"],
                "FromUserName": sent["ToUserName"],
                "MsgType": "event",
                "Event": "update_waybill_status",
                "resultcode": 0,
                "resultmsg": "OK",
            },
        )
        self.assertIs(type(create_time), int)
        envelope, again = json.loads(first.body), json.loads(second.body)
        self.assertTrue(before <= envelope["TimeStamp"] <= int(time.time()))
        self.assertTrue(envelope["Nonce"].isdigit())
        self.assertNotEqual(envelope["Nonce"], again["Nonce"], "a nonce is fresh")
        self.assertIn("json", first.headers["content-type"])

    def test_reply_is_set_for_each_app_and_event(self):
        apps = [wechat.App("plain"), wechat.App("silent"), wechat.App("mixed")]
        settings = [app.settings() for app in apps]
        settings[0]["reply"], settings[1]["reply"] = "success", "empty"
        settings[2]["reply"] = {"update_waybill_status": "success"}
        running = self.serve(apps=settings)
        bodies = [self.accepted(running, wechat.push(app, wechat.waybill(app.name))).body for app in apps]
        self.assertEqual(bodies, [b"success", b"", b"success"])


if __name__ == "__main__":
    unittest.main()
