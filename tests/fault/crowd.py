"""Clients that mean no good, by the thousand, from many addresses: a program of its own, so that they and the genuine ones do
not share a processor's time in one interpreter.

    crowd.py KIND COUNT PORT CERTIFICATE

    idle        has an answer, and sends nothing more
    dribbling   sends its first request's header byte by byte, for ever, and comes back when it is cut
    greeting    begins no TLS handshake
    hello       sends the first message of a TLS handshake, reads the answer, and says nothing more
    unheard     likewise, and reads nothing
    unread      sends request after request and reads no answer
    dropping    makes one connection after the other, so many at once, and drops each when its TLS handshake is done

Prints `open N` when all are connected, and, when the server has closed the last of them, `gone SECONDS`: the longest that one lived
since its deadline began (unread: since the server took no more of its requests), and `soonest SECONDS`: the shortest. Then, for those that were refused before they were open, `refused N`.
Those that drop go on until the standard input ends; then `made N` tells how many handshakes, and `refused N` how many came to nothing.
Those that dribble come back until then.
"""

import asyncio
import contextlib
import resource
import socket
import ssl
import struct
import sys
import time

sys.path.insert(0, __file__.rsplit("/", 2)[0] + "/e2e")

import wechat  # noqa: E402  (found through the line above)

AT_ONCE = 64  # connections being opened
KINDS = ("idle", "dribbling", "greeting", "hello", "unheard", "unread", "dropping")  # each has addresses of its own
NO_TLS = ("greeting", "hello", "unheard")  # or what looks like it
DEAF = ("unheard", "unread")
COMING_BACK = ("dribbling",)
PER_ADDRESS = 400  # below the server's limit for one address
DRIBBLE_EVERY = 0.5
LOOK_EVERY = 0.1
ESTABLISHED = 1
UNREAD_REQUESTS = 200  # more than anybody buffers the answers to
REQUEST = b"GET /wx/shop HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Crowd:
    def __init__(self, kind, count, port, certificate):
        self.kind, self.count, self.port = kind, count, port
        self.tls = ssl.create_default_context(cafile=certificate)
        self.opening = asyncio.Semaphore(AT_ONCE)
        self.opened, self.refused, self.longest, self.shortest = 0, 0, 0.0, float("inf")
        self.all_open = asyncio.Event()
        self.over = asyncio.Event()

    async def run(self):
        members = [asyncio.create_task(self.member(number)) for number in range(self.count)]
        await self.all_open.wait()
        print(f"open {self.opened}", flush=True)
        if self.kind in COMING_BACK:
            await asyncio.to_thread(sys.stdin.read)
            self.over.set()
        await asyncio.gather(*members)
        print(f"gone {self.longest:.2f}", flush=True)
        print(f"soonest {self.shortest:.2f}", flush=True)
        print(f"refused {self.refused}", flush=True)

    def note(self, is_open):
        self.opened += is_open
        self.refused += not is_open
        if self.opened + self.refused == self.count:
            self.all_open.set()

    async def connect(self, number):
        tls = None if self.kind in NO_TLS else self.tls
        connection = socket.socket()
        connection.setblocking(False)
        if self.kind in DEAF:
            # As over a network, in whose small segments much less is buffered than in those of loopback.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1400)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.bind((f"127.{1 + KINDS.index(self.kind)}.{1 + number // PER_ADDRESS}.1", 0))
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self.port))
        return await asyncio.open_connection(sock=connection, ssl=tls, server_hostname="localhost" if tls else None)

    async def member(self, number):
        await self.live(number, self.note)
        while self.kind in COMING_BACK and not self.over.is_set():
            await self.live(number, self.note_return)

    def note_return(self, is_open):
        self.refused += not is_open

    async def live(self, number, note):
        async with self.opening:
            try:
                reader, writer = await self.connect(number)
                if self.kind == "idle":
                    writer.write(REQUEST)
                    await reader.readuntil(b"\r\n\r\n")
            except (OSError, EOFError):
                return note(False)
            began = time.monotonic()
            note(True)
        try:
            began = await getattr(self, self.kind)(reader, writer) or began
        except OSError:
            pass
        lived = time.monotonic() - began
        self.longest, self.shortest = max(self.longest, lived), min(self.shortest, lived)
        writer.transport.abort()

    async def idle(self, reader, _):
        while await reader.read(4096):
            pass

    greeting = idle

    async def hello(self, reader, writer):
        writer.write(client_hello(self.tls))
        await self.idle(reader, writer)

    async def unheard(self, _, writer):
        writer.transport.pause_reading()
        writer.write(client_hello(self.tls))
        await self.until_over(writer)

    async def dribbling(self, reader, writer):
        end = asyncio.create_task(reader.read())
        end.add_done_callback(asyncio.Task.exception)  # a reset is an end, too
        for byte in REQUEST[:-4] + b"X-Dribble: " + b"." * 10_000:
            writer.write(bytes([byte]))
            if (await asyncio.wait([end], timeout=DRIBBLE_EVERY))[0]:
                break

    async def unread(self, _, writer):
        """Returns when the last of its requests was taken: from then on the server waits for its reading."""
        writer.transport.set_read_buffer_limits(high=0)
        writer.transport.pause_reading()
        writer.write(long_request() * UNREAD_REQUESTS)
        return await self.until_over(writer)

    async def until_over(self, writer):
        """Until the server ends the connection; returns when it last took something."""
        connection, taken, since = writer.get_extra_info("socket"), 0, time.monotonic()
        with contextlib.suppress(OSError):  # the socket is closed
            while (now := bytes_taken(connection)) is not None:
                if now > taken:
                    taken, since = now, time.monotonic()
                await asyncio.sleep(LOOK_EVERY)
        return since


class Dropping(Crowd):
    async def run(self):
        members = [asyncio.create_task(self.member(number)) for number in range(self.count)]
        print(f"open {self.count}", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        self.over.set()
        await asyncio.gather(*members)
        print(f"made {self.opened}", flush=True)
        print(f"refused {self.refused}", flush=True)

    async def member(self, number):
        while not self.over.is_set():
            try:
                _, writer = await self.connect(number)
            except (OSError, EOFError):
                self.refused += 1
                continue
            # A reset, so that no port waits for its next use.
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            self.opened += 1


def client_hello(tls):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def long_request():
    """Answered with 8 KB, so that a few of them fill what the server may send ahead."""
    signature = wechat.signature(wechat.App().token, "1", "2")
    query = f"signature={signature}&timestamp=1&nonce=2&echostr={'x' * 8000}"
    return f"GET /wx/shop?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def bytes_taken(connection):
    """What the other side's system has acknowledged so far; None when the connection is over. asyncio does not tell of the end of a
    connection from which nothing is read."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    state, acknowledged = info[0], struct.unpack_from("Q", info, 120)[0]  # tcpi_state, tcpi_bytes_acked
    return acknowledged if state == ESTABLISHED else None


def main():
    kind, count, port, certificate = sys.argv[1:]
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    crowd = Dropping if kind == "dropping" else Crowd
    asyncio.run(crowd(kind, int(count), int(port), certificate).run())


if __name__ == "__main__":
    main()
