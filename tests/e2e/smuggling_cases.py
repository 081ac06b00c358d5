"""Requests that one server may read in another way than the next: what a smuggler sends.

Each carries a good push, so that whoever takes it shows that; what it is followed by is the caller's.
"""

import dataclasses


@dataclasses.dataclass
class Case:
    raw: bytes
    status: int  # of wxpush itself; 200: it is one request to everybody


def _post(push, *lines, body=None, version="HTTP/1.1", line_end=b"\r\n", target=None, method="POST"):
    first = f"{method} {target or push.target()} {version}"
    head = line_end.join(line if isinstance(line, bytes) else line.encode() for line in (first, "Host: localhost", *lines))
    return head + line_end * 2 + (push.body if body is None else body)


def _chunked(body, size=None, extension=b"", end=b"0\r\n\r\n"):
    return (size or b"%x" % len(body)) + extension + b"\r\n" + body + b"\r\n" + end


def refused(push):
    """name → Case; whatever wxpush answers, it closes the connection after it."""
    size = len(push.body)
    length = f"Content-Length: {size}"
    chunked = "Transfer-Encoding: chunked"
    plain = lambda *lines, **how: Case(_post(push, *lines, **how), 400)
    coded = lambda *lines, **how: Case(_post(push, *lines, body=how.pop("body", _chunked(push.body)), **how), 400)
    chunks = lambda body: coded(chunked, body=body)
    lengths = {
        "length and chunked": coded(length, chunked),
        "chunked and length": coded(chunked, length),
        "chunked and a length of 0": coded(chunked, "Content-Length: 0"),
        "the same length twice": plain(length, length),
        "two lengths": plain(length, "Content-Length: 0"),
        "two lengths, the other way": plain("Content-Length: 0", length),
        "a list of one length": plain(f"Content-Length: {size}, {size}"),
        "a list of two lengths": plain(f"Content-Length: {size}, 0"),
        "a length with a plus": plain(f"Content-Length: +{size}"),
        "a length with a minus": plain(f"Content-Length: -{size}"),
        "a hexadecimal length": plain(f"Content-Length: 0x{size:x}"),
        "a length with a space in it": plain(f"Content-Length: {str(size)[0]} {str(size)[1:]}"),
        "a length beyond 64 bits": plain(f"Content-Length: {2**64 + size}"),
        "an empty length": plain("Content-Length:"),
        "a space before the colon": plain(f"Content-Length : {size}"),
        "a tab before the colon": plain(f"Content-Length\t: {size}"),
    }
    codings = {
        "chunked on HTTP/1.0": coded(chunked, version="HTTP/1.0"),
        "chunked twice": coded(chunked, chunked),
        "chunked and identity": coded(chunked, "Transfer-Encoding: identity"),
        "identity, chunked": coded("Transfer-Encoding: identity, chunked"),
        "chunked, identity": coded("Transfer-Encoding: chunked, identity"),
        "another coding": coded("Transfer-Encoding: gzip"),
        "chunked in quotes": coded('Transfer-Encoding: "chunked"'),
        "chunked with a parameter": coded("Transfer-Encoding: chunked;q=1"),
        "nearly chunked": coded("Transfer-Encoding: xchunked"),
        "chunked behind a vertical tab": coded(b"Transfer-Encoding: \x0bchunked"),
        "a space before the coding's colon": coded("Transfer-Encoding : chunked"),
        "a folded coding": coded("Transfer-Encoding:\r\n chunked"),
    }
    lines = {
        "a folded length": plain(f"Content-Length:\r\n {size}"),
        "a folded line": plain("X-Folded: a\r\n b", length),
        "a line folded with a tab": plain("X-Folded: a\r\n\tb", length),
        "a folded first line": Case(_post(push, length).replace(b"Host:", b" Host:", 1), 400),
        "bare line feeds": plain(length, line_end=b"\n"),
        "one bare line feed": plain(b"X-Bare: a\n" + length.encode()),
        "a bare carriage return": plain(b"X-Bare: a\r" + length.encode()),
        "a NUL in a value": plain(b"X-Nul: a\0b", length),
        "a NUL in a name": plain(b"X\0Nul: a", length),
        "no colon": plain("nonsense", length),
        "no name": plain(": value", length),
        "two spaces before the version": Case(_post(push, length).replace(b" HTTP/", b"  HTTP/", 1), 400),
        "a tab in the first line": Case(_post(push, length).replace(b"POST ", b"POST\t", 1), 400),
        "a version from the future": plain(length, version="HTTP/1.9"),
        "HTTP/2": plain(length, version="HTTP/2.0"),
        "an empty line before it": Case(b"\r\n" + _post(push, length), 400),
        "the PROXY protocol": Case(b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + _post(push, length), 400),
    }
    framing = {
        "a chunk size with 0x": chunks(_chunked(push.body, b"0x%x" % size)),
        "a chunk size with a plus": chunks(_chunked(push.body, b"+%x" % size)),
        "a negative chunk size": chunks(_chunked(push.body, b"-%x" % size)),
        "a chunk size beyond 64 bits": chunks(_chunked(push.body, b"1%016x" % size)),
        "a space before a chunk size": chunks(_chunked(push.body, b" %x" % size)),
        "a space behind a chunk size": chunks(_chunked(push.body, b"%x " % size)),
        "a bare line feed behind a chunk size": chunks(b"%x\n" % size + push.body + b"\r\n0\r\n\r\n"),
        "a bare line feed in an extension": chunks(_chunked(push.body, extension=b';a="\n"')),
        "a chunk longer than its size": chunks(_chunked(push.body, b"%x" % (size - 1))),
        "a trailer": chunks(_chunked(push.body, end=b"0\r\nX-Trailer: a\r\n\r\n")),
        "a length in the trailer": chunks(_chunked(push.body, end=b"0\r\nContent-Length: 5\r\n\r\n")),
        "no length": Case(_post(push), 411),
    }
    return {**lengths, **codings, **lines, **framing}


def taken(push):
    """name → Case; these are one request to everybody."""
    length = f"Content-Length: {len(push.body)}"
    size = b"%x" % len(push.body)
    coded = lambda body, coding="Transfer-Encoding: chunked": Case(_post(push, coding, body=body), 200)
    return {
        "a length": Case(_post(push, length), 200),
        "a name in capitals": Case(_post(push, length.upper()), 200),
        "spaces around a value": Case(_post(push, length.replace(": ", ":  ") + " "), 200),
        "zeros before a length": Case(_post(push, length.replace(": ", ": 00")), 200),
        "chunked": coded(_chunked(push.body)),
        "Chunked": coded(_chunked(push.body), "transfer-encoding: Chunked"),
        "zeros before a chunk size": coded(_chunked(push.body, b"000" + size)),
        "a chunk size in capitals": coded(_chunked(push.body, size.upper())),
        "an extension": coded(_chunked(push.body, extension=b';a="b"')),
    }
