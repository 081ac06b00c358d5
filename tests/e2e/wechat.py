"""WeChat's side of the push protocol, written from docs/protocol.md and sharing no code with the product.

A push is built the way WeChat builds it: message -> 16 random bytes | length | message | appid -> PKCS#7 with
blocks of 32 -> AES-256-CBC -> base64 -> envelope, with msg_signature over the sorted token, timestamp, nonce and
Encrypt. Every layer can be made wrong on purpose, so that the tests can send what must be refused.
"""

import base64
import ctypes
import dataclasses
import hashlib
import json
import secrets
import struct
import time
import urllib.parse

FIXED_FROM_USER = "oWeChatTeamFixedOpenid000000"  # the same for every delivery event (docs/protocol.md)
RIDER_NAME = "骑手张三丰"
RIDER_PHONE = "13900001234"
PRIVATE_TEXT = "请放在门卫王大妈处"

_libcrypto = ctypes.CDLL("libcrypto.so.3")
_libcrypto.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
_libcrypto.EVP_aes_256_cbc.restype = ctypes.c_void_p


def aes_256_cbc(key, data, *, encrypt):
    """AES-256-CBC without the library's own padding; the IV is the key's first half, as WeChat has it."""
    context = ctypes.c_void_p(_libcrypto.EVP_CIPHER_CTX_new())
    cipher = ctypes.c_void_p(_libcrypto.EVP_aes_256_cbc())
    out = ctypes.create_string_buffer(len(data) + 16)
    written = ctypes.c_int(0)
    try:
        ok = _libcrypto.EVP_CipherInit_ex(context, cipher, None, key, key[:16], int(encrypt))
        ok = ok and _libcrypto.EVP_CIPHER_CTX_set_padding(context, 0)
        ok = ok and _libcrypto.EVP_CipherUpdate(context, out, ctypes.byref(written), data, len(data))
    finally:
        _libcrypto.EVP_CIPHER_CTX_free(context)
    if not ok or written.value != len(data):
        raise ValueError("AES failed: the input is no multiple of 16 bytes")
    return out.raw[: len(data)]


def aes_key(encoding_aes_key):
    """43 characters to 32 bytes; the last two of the 258 bits carry nothing, and may be set."""
    return base64.b64decode(encoding_aes_key + "=")


def pkcs7(data, block=32):
    count = block - len(data) % block
    return data + bytes([count]) * count


def full_text(message, appid, random16=None, length=None):
    """What is padded and encrypted. `length` overrides the length field, for lies."""
    declared = len(message) if length is None else length
    return (random16 or secrets.token_bytes(16)) + struct.pack(">I", declared) + message + appid.encode()


def encrypt(encoding_aes_key, padded):
    return base64.b64encode(aes_256_cbc(aes_key(encoding_aes_key), padded, encrypt=True)).decode()


def seal(encoding_aes_key, appid, message, random16=None):
    return encrypt(encoding_aes_key, pkcs7(full_text(message, appid, random16)))


def unseal(encoding_aes_key, encrypted):
    """Ciphertext to (message, appid); raises ValueError if anything about it is wrong."""
    text = aes_256_cbc(aes_key(encoding_aes_key), base64.b64decode(encrypted, validate=True), encrypt=False)
    count = text[-1] if text else 0
    if not 1 <= count <= 32 or text[-count:] != bytes([count]) * count:
        raise ValueError("wrong padding")
    text = text[:-count]
    if len(text) < 20:
        raise ValueError("too short")
    (length,) = struct.unpack(">I", text[16:20])
    if 20 + length > len(text):
        raise ValueError("the length lies")
    return text[20 : 20 + length], text[20 + length :].decode()


def signature(*strings):
    """`signature` of (token, timestamp, nonce); `msg_signature` with Encrypt as the fourth."""
    return hashlib.sha1("".join(sorted(strings)).encode()).hexdigest()


def event_id(appid, message):
    return hashlib.sha256(appid.encode() + b"\0" + message).hexdigest()


@dataclasses.dataclass
class App:
    """One mini program, as both sides know it. `name` is the product's, the rest is in WeChat's console."""

    name: str = "shop"
    appid: str = "wx0123456789abcdef"
    token: str = "tokenOfShop"
    encoding_aes_key: str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"

    def path(self):
        return "/wx/" + self.name

    def settings(self):
        return dataclasses.asdict(self)


@dataclasses.dataclass
class Push:
    """One POST of WeChat, ready to be sent, or to be spoilt before."""

    path: str
    query: dict
    body: bytes
    content_type: str = "application/json"
    event_id: str = ""

    def target(self):
        return self.path + "?" + urllib.parse.urlencode(self.query)


def query_of(app, encrypted, timestamp=None, nonce=None):
    timestamp = timestamp or str(int(time.time()))
    nonce = nonce or str(secrets.randbelow(10**9))
    return {
        "signature": signature(app.token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": FIXED_FROM_USER,
        "encrypt_type": "aes",
        "msg_signature": signature(app.token, timestamp, nonce, encrypted),
    }


def json_envelope(encrypted, **others):
    return json.dumps({"ToUserName": "gh_97417a04a28d", **others, "Encrypt": encrypted}).encode()


def xml_envelope(encrypted, others=""):
    return (
        "<xml><ToUserName><![CDATA[gh_97417a04a28d]]></ToUserName>"
        f"{others}<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    ).encode()


def push(app, message, *, encrypted=None, body=None, timestamp=None, nonce=None):
    """A secure-mode push of `message`; `encrypted` or `body` replace what would be made from it."""
    encrypted = encrypted or seal(app.encoding_aes_key, app.appid, message)
    query = query_of(app, encrypted, timestamp, nonce)
    return Push(app.path(), query, body or json_envelope(encrypted), event_id=event_id(app.appid, message))


def waybill(order, status=102, **fields):
    """An update_waybill_status message as docs/protocol.md describes it, private parts included."""
    message = {
        "ToUserName": "gh_97417a04a28d",
        "FromUserName": FIXED_FROM_USER,
        "CreateTime": 1714112445,
        "MsgType": "event",
        "Event": "update_waybill_status",
        "shopid": "test_shop_id",
        "shop_order_id": order,
        "shop_no": "12345",
        "waybill_id": "waybill-" + order,
        "action_time": 1714112440,
        "order_status": status,
        "action_msg": PRIVATE_TEXT,
        "agent": {"name": RIDER_NAME, "phone": RIDER_PHONE, "reach_time": 1714113000},
    }
    message.update(fields)
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def open_reply(app, body):
    """A sealed reply to the object in it; AssertionError if WeChat would not take it."""
    reply = json.loads(body)
    assert set(reply) == {"Encrypt", "MsgSignature", "TimeStamp", "Nonce"}, sorted(reply)
    assert type(reply["TimeStamp"]) is int and type(reply["Nonce"]) is str, reply
    expected = signature(app.token, str(reply["TimeStamp"]), reply["Nonce"], reply["Encrypt"])
    assert (
        reply["MsgSignature"] == expected
    ), "MsgSignature does not cover the reply's own TimeStamp and Nonce"
    message, appid = unseal(app.encoding_aes_key, reply["Encrypt"])
    assert appid == app.appid, appid
    assert len(base64.b64decode(reply["Encrypt"])) % 32 == 0, "padded to blocks other than 32"
    return json.loads(message)
