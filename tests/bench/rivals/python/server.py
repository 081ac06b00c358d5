"""What a Python team would write first: aiohttp and cryptography, on uvloop. It verifies and decrypts a push, reads the event,
and answers "success". Nothing is stored.

    server.py PORT CERTIFICATE PRIVATE_KEY, with TOKEN, ENCODING_AES_KEY and APPID in the environment
"""

import base64
import hashlib
import hmac
import json
import os
import ssl
import sys

import uvloop
from aiohttp import web
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

TOKEN = os.environ["TOKEN"]
APPID = os.environ["APPID"].encode()
KEY = base64.b64decode(os.environ["ENCODING_AES_KEY"] + "=")
CIPHER = Cipher(algorithms.AES(KEY), modes.CBC(KEY[:16]))


def is_signed(query, encrypt):
    parts = sorted((TOKEN, query["timestamp"], query["nonce"], encrypt))
    expected = hashlib.sha1("".join(parts).encode()).hexdigest()
    return hmac.compare_digest(expected, query["msg_signature"])


def open_push(encrypt):
    decryptor = CIPHER.decryptor()
    text = decryptor.update(base64.b64decode(encrypt)) + decryptor.finalize()
    end = len(text) - text[-1]
    length = int.from_bytes(text[16:20], "big")
    if not 1 <= text[-1] <= 32 or text[20 + length : end] != APPID:
        raise ValueError("not sealed for us")
    return json.loads(text[20 : 20 + length])


async def push(request):
    try:
        encrypt = (await request.json())["Encrypt"]
        if not is_signed(request.query, encrypt):
            return web.Response(status=403, text="forbidden")
        open_push(encrypt)
    except (KeyError, TypeError, ValueError, IndexError):
        return web.Response(status=403, text="forbidden")
    return web.Response(text="success")


def main():
    port, certificate, private_key = sys.argv[1:]
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    tls.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE  # the client's first: AES-128, as the others
    tls.load_cert_chain(certificate, private_key)
    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/wx/shop", push)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=int(port), ssl_context=tls, access_log=None, print=None, keepalive_timeout=75)


if __name__ == "__main__":
    main()
