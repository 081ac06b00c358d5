"""Clients that mean no good, by the thousand, from many addresses: a program of its own, so that they and the genuine ones do
not share a processor's time in one interpreter.

    crowd.py KIND COUNT PORT CERTIFICATE

    idle        has an answer, and sends nothing more
    dribbling   sends its first request's header byte by byte, for ever
    greeting    begins no TLS handshake
    unread      sends request after request and reads no answer

Prints `open N` when all are connected, and, when the server has closed the last of them, `gone SECONDS`: the longest that one lived
since its deadline began. Then, for those that were refused before they were open, `refused N`.
"""

import asyncio
import resource
import ssl
import sys
import time

AT_ONCE = 64  # connections being opened
PER_ADDRESS = 400  # below the server's limit for one address
DRIBBLE_EVERY = 0.5
REQUEST = b"GET /wx/shop HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Crowd:
    def __init__(self, kind, count, port, certificate):
        self.kind, self.count, self.port = kind, count, port
        self.tls = ssl.create_default_context(cafile=certificate)
        self.opening = asyncio.Semaphore(AT_ONCE)
        self.opened, self.refused, self.longest = 0, 0, 0.0
        self.all_open = asyncio.Event()

    async def run(self):
        members = [asyncio.create_task(self.member(number)) for number in range(self.count)]
        await self.all_open.wait()
        print(f"open {self.opened}", flush=True)
        await asyncio.gather(*members)
        print(f"gone {self.longest:.2f}", flush=True)
        print(f"refused {self.refused}", flush=True)

    def note(self, is_open):
        self.opened += is_open
        self.refused += not is_open
        if self.opened + self.refused == self.count:
            self.all_open.set()

    async def member(self, number):
        tls = None if self.kind == "greeting" else self.tls
        name = "localhost" if tls else None
        address = f"127.{1 + number // PER_ADDRESS // 250}.{1 + number // PER_ADDRESS % 250}.1"
        async with self.opening:
            try:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self.port, local_addr=(address, 0), ssl=tls, server_hostname=name
                )
                began = time.monotonic()
                if self.kind == "idle":
                    writer.write(REQUEST)
                    await reader.readuntil(b"\r\n\r\n")
                    began = time.monotonic()
            except (OSError, EOFError):
                return self.note(False)
            self.note(True)
        try:
            await getattr(self, self.kind)(reader, writer)
        except OSError:
            pass
        self.longest = max(self.longest, time.monotonic() - began)
        writer.transport.abort()

    async def idle(self, reader, _):
        while await reader.read(4096):
            pass

    greeting = idle

    async def dribbling(self, reader, writer):
        end = asyncio.create_task(reader.read())
        for byte in REQUEST[:-4] + b"X-Dribble: " + b"." * 10_000:
            writer.write(bytes([byte]))
            if (await asyncio.wait([end], timeout=DRIBBLE_EVERY))[0]:
                break

    async def unread(self, _, writer):
        writer.transport.pause_reading()
        while not writer.transport.is_closing():
            writer.write(REQUEST * 100)
            await writer.drain()


def main():
    kind, count, port, certificate = sys.argv[1:]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(Crowd(kind, int(count), int(port), certificate).run())


if __name__ == "__main__":
    main()
