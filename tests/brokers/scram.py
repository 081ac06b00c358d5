"""The server's side of a login by SCRAM (RFC 5802, RFC 7677), as a generator of what it says; it is sent what the client says."""

import base64
import hashlib
import hmac

ROUNDS = 4096
SALT = b"the salt of the tests"


def fields(message):
    return dict(part.split("=", 1) for part in message.split(","))


def server(digest, users, lie=False):
    """PermissionError: the client does not know the password. `lie`: nor does the server, which a client has to notice."""
    sign = lambda key, told: hmac.new(key, told.encode(), digest).digest()
    client_first = (yield b"").decode().removeprefix("n,,")
    told = fields(client_first)
    first = f"r={told['r']}-and-ours,s={base64.b64encode(SALT).decode()},i={ROUNDS}"
    client_final = (yield first.encode()).decode()
    without_proof, _, proof = client_final.rpartition(",p=")
    everything = ",".join((client_first, first, without_proof))
    password = users.get(told["n"], "")
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), SALT, ROUNDS)
    stored = hashlib.new(digest, sign(salted, "Client Key")).digest()
    key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), sign(stored, everything)))
    if not password or hashlib.new(digest, key).digest() != stored:
        raise PermissionError("unknown user")
    verifier = sign(sign(salted, "Server Key"), everything)
    if lie:
        verifier = bytes(len(verifier))
    yield b"v=" + base64.b64encode(verifier)
