"""Every published push that can be proved is stored; every one made to be refused is refused."""

import collections
import json
import pathlib
import unittest

import server
import wechat

VECTORS = json.loads((pathlib.Path(__file__).parents[1] / "vectors.json").read_text())
FOREIGN_APPID = (
    "v053"  # a proved push of another mini program: its app is configured with the appid it should have had
)
CONFIGURED_APPID = "wxba5fad812f8e6fb9"


def appid_of(vector):
    return CONFIGURED_APPID if vector["id"] == FOREIGN_APPID else vector["appid"]


def provable(vector):
    return vector["kind"] in ("push", "negative") and vector["token"] and vector["msg_signature"]


def positive(vector):
    return vector["kind"] == "push" and vector["id"] != FOREIGN_APPID


def body_of(vector):
    if "envelope_body" in vector:
        return vector["envelope_body"].encode()
    envelope = wechat.xml_envelope if vector["format"] == "xml" else wechat.json_envelope
    return envelope(vector["encrypt"])


class VectorsTest(server.TestCase):
    """One server with one app for each (appid, token, key) that occurs in tests/vectors.json."""

    def setUp(self):
        self.vectors = [vector for vector in VECTORS if provable(vector)]
        secrets = {(appid_of(v), v["token"], v["encoding_aes_key"]) for v in self.vectors}
        self.apps = {s: wechat.App(f"app-{number}", *s) for number, s in enumerate(sorted(secrets))}
        self.server = self.serve(apps=list(self.apps.values()))

    def app_of(self, vector):
        return self.apps[appid_of(vector), vector["token"], vector["encoding_aes_key"]]

    def push_of(self, vector):
        app = self.app_of(vector)
        query = wechat.query_of(app, vector["encrypt"], vector["timestamp"], vector["nonce"])
        self.assertEqual(query["msg_signature"], vector["msg_signature"], "our own signature is wrong")
        content_type = "text/xml" if vector["format"] == "xml" else "application/json"
        return wechat.Push(app.path(), query, body_of(vector), content_type)

    def test_positive_vectors_are_stored_and_negative_ones_refused(self):
        expected = collections.Counter()
        for vector in self.vectors:
            with self.subTest(vector["id"], note=vector["note"]):
                response = self.server.post(self.push_of(vector))
                self.assertEqual(response.status, 200 if positive(vector) else 403, response.raw)
            if positive(vector):
                expected[
                    self.app_of(vector).name, wechat.event_id(vector["appid"], vector["plaintext"].encode())
                ] = 1
        self.assertGreaterEqual(len(expected), 25)
        stored = collections.Counter((event["app"], event["event_id"]) for event in self.server.events())
        self.assertEqual(stored, expected)

    def test_official_push_is_stored_with_its_message(self):
        official = next(vector for vector in self.vectors if vector["id"] == "v001")
        self.assertEqual(self.server.post(self.push_of(official)).status, 200)
        (event,) = self.server.events()
        self.assertEqual(event["body"], json.loads(official["plaintext"]))


if __name__ == "__main__":
    unittest.main()
