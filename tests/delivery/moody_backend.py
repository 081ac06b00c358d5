"""A back end with moods, as a process of its own: what it answers is drawn from its seed, what came stands in its ledger.

The ledger has a line for each request, written before the answer, so it outlives a kill -9 of this process:
monotonic seconds, what became of it (200, 400, 500, 503, reset, withheld), event_id, attempt, order, status, signed (1 or 0).
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import random
import time

NEVER = 3600.0
REASONS = {200: "OK", 400: "Bad Request", 500: "Internal Server Error", 503: "Service Unavailable"}


def is_signed(headers, body, secret):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    told = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, told, hashlib.sha256).digest()).decode()
    return wanted in headers.get("webhook-signature", "").split(" ")


class Moods:
    def __init__(self, options):
        self._options = options
        self._chance = random.Random(options.seed)

    def of(self, order):
        """(what becomes of this request, seconds to wait before)"""
        if self._options.hang:
            return "withheld", NEVER
        if self._options.refuse_odd and order[-1] in "13579":
            return 400, 0
        if self._options.refuse and order.startswith(self._options.refuse):
            return 400, 0
        if self._chance.random() >= self._options.fail:
            return 200, self._options.take
        return self._chance.choices(
            [(500, 0), (503, 0), ("reset", 0), ("withheld", NEVER)], weights=(40, 30, 20, 10)
        )[0]


class Backend:
    def __init__(self, options):
        self._moods = Moods(options)
        self._secret = options.secret
        self._ledger = open(options.ledger, "a", buffering=1)

    async def serve(self, reader, writer):
        try:
            while (request := await self._receive(reader)) is not None:
                if not await self._answer(reader, writer, *request):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _receive(self, reader):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return None
        lines = head.split("\r\n")[1:-2]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return headers, await reader.readexactly(int(headers.get("content-length", "0")))

    async def _answer(self, reader, writer, headers, body):
        message = json.loads(body)
        order, status = message["shop_order_id"], message["order_status"]
        mood, seconds = self._moods.of(order)
        if mood == 200 and seconds:
            await asyncio.sleep(seconds)
        signed = is_signed(headers, body, self._secret) if self._secret else True
        about = (headers["webhook-id"], headers["wxpush-attempt"], order, status, int(signed))
        self._ledger.write("\t".join(map(str, (f"{time.monotonic():.6f}", mood, *about))) + "\n")
        if mood == "withheld":
            await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=seconds)
            return False
        if mood == "reset":
            writer.transport.abort()
            return False
        after = "retry-after: 1\r\n" if mood == 503 else ""
        writer.write(f"HTTP/1.1 {mood} {REASONS[mood]}\r\n{after}content-length: 0\r\n\r\n".encode())
        await writer.drain()
        return True


async def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", required=True)
    parser.add_argument("--secret", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fail", type=float, default=0.0, help="share of the requests that fail")
    parser.add_argument("--refuse", default="", help="orders that begin so are answered 400")
    parser.add_argument("--refuse-odd", action="store_true", help="orders whose last digit is odd are answered 400")
    parser.add_argument("--take", type=float, default=0.0, help="seconds before each 200")
    parser.add_argument("--hang", action="store_true", help="answer nothing, ever")
    options = parser.parse_args()
    backend = Backend(options)
    listening = await asyncio.start_server(backend.serve, "127.0.0.1", options.port, backlog=1024)
    print(listening.sockets[0].getsockname()[1], flush=True)
    async with listening:
        await listening.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
