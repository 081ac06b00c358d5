"""The tests' own WeChat agrees with the published vectors: what it builds is what WeChat would send."""

import json
import pathlib
import unittest

import wechat

VECTORS = json.loads((pathlib.Path(__file__).parents[1] / "vectors.json").read_text())


class WechatTest(unittest.TestCase):
    def test_unseals_every_vector_that_opens(self):
        opened = 0
        for vector in VECTORS:
            if not vector["decrypt_verified"]:
                continue
            with self.subTest(vector["id"]):
                message, appid = wechat.unseal(vector["encoding_aes_key"], vector["encrypt"])
                self.assertEqual((message.decode(), appid), (vector["plaintext"], vector["receive_id"]))
            opened += 1
        self.assertGreaterEqual(opened, 48)

    def test_seals_to_the_same_bytes(self):
        sealed = 0
        for vector in VECTORS:
            if not vector.get("reencrypt_verified"):
                continue
            with self.subTest(vector["id"]):
                random16 = bytes.fromhex(vector["random16_hex"])
                again = wechat.seal(
                    vector["encoding_aes_key"], vector["appid"], vector["plaintext"].encode(), random16
                )
                self.assertEqual(again, vector["encrypt"])
            sealed += 1
        self.assertGreaterEqual(sealed, 30)

    def test_signs_like_wechat(self):
        signed = 0
        for vector in VECTORS:
            strings = (vector["token"], vector["timestamp"], vector["nonce"])
            if not vector["signature_verified"]:
                continue
            with self.subTest(vector["id"]):
                if vector.get("msg_signature") and vector.get("encrypt"):
                    self.assertEqual(wechat.signature(*strings, vector["encrypt"]), vector["msg_signature"])
                if vector.get("signature"):
                    self.assertEqual(wechat.signature(*strings), vector["signature"])
            signed += 1
        self.assertGreaterEqual(signed, 50)

    def test_refuses_what_must_not_open(self):
        for vector in VECTORS:
            if vector["kind"] == "negative":
                with self.subTest(vector["id"]), self.assertRaises(ValueError):
                    wechat.unseal(vector["encoding_aes_key"], vector["encrypt"])


if __name__ == "__main__":
    unittest.main()
