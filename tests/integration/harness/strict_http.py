"""An HTTP/1.1 reader that takes exactly one form of each thing, and a backend that keeps every byte and reads with it.

It shares nothing with the proxy: what it reads in another way than the proxy meant is what smuggling is made of.
"""
import asyncio
import re
import threading

from .backends import Backend

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") (/[\x21\x22\x24-\x7e]*|\*) HTTP/1\.1\r\n")
FIELD = re.compile(rb"(" + TOKEN + rb"): ((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)\r\n")
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
NEVER_A_TRAILER = {b"host", b"content-length", b"transfer-encoding", b"connection", b"te", b"upgrade", b"expect",
                   b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"x-real-ip"}


class Violation(Exception):
    """Bytes that are not HTTP/1.1 in its one form."""


class Request:
    def __init__(self, method: bytes, target: bytes, raw: bytes):
        self.method, self.target, self.raw = method, target, raw


def read_request(data: bytes) -> Request | None:
    """The request that `data` begins with; None while it is not whole. Raises Violation."""
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0:
        if len(data) > 100_000:
            raise Violation("a head without end")
        return None
    head = data[:head_end + 2]
    line = REQUEST_LINE.match(head)
    if not line:
        raise Violation(f"request line of {head[:120]!r}")
    fields, at = read_fields(head, line.end())
    if at != len(head):
        raise Violation(f"field line {head[at:at + 120]!r}")
    names = [name for name, _ in fields]
    if names[:1] != [b"host"] or names.count(b"host") != 1:
        raise Violation(f"Host is not there once and first: {names}")
    end = body_end(data, head_end + 4, fields)
    return None if end is None else Request(line[1], line[2], data[:end])


def read_fields(data: bytes, at: int):
    fields = []
    while line := FIELD.match(data, at):
        fields.append((line[1].lower(), line[2]))
        at = line.end()
    return fields, at


def body_end(data: bytes, at: int, fields) -> int | None:
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1:
        raise Violation(f"two framings: {lengths} {codings}")
    if codings:
        if codings != [b"chunked"]:
            raise Violation(f"transfer coding {codings}")
        return chunked_end(data, at)
    if not lengths:
        return at
    if not re.fullmatch(rb"[0-9]{1,19}", lengths[0]):
        raise Violation(f"length {lengths}")
    end = at + int(lengths[0])
    return end if len(data) >= end else None


def chunked_end(data: bytes, at: int) -> int | None:
    while True:
        if b"\r\n" not in data[at:]:
            return None
        size = CHUNK.match(data, at)
        if not size:
            raise Violation(f"chunk size {data[at:at + 60]!r}")
        at, length = size.end(), int(size[1], 16)
        if length == 0:
            break
        if len(data) < at + length + 2:
            return None
        if data[at + length:at + length + 2] != b"\r\n":
            raise Violation(f"chunk end {data[at + length:at + length + 20]!r}")
        at += length + 2
    end = data.find(b"\r\n\r\n", at - 2)
    if end < 0:
        return None
    trailers, after = read_fields(data[:end + 2], at)
    if after != end + 2 or {name for name, _ in trailers} & NEVER_A_TRAILER:
        raise Violation(f"trailers {data[at:end]!r}")
    return end + 4


def answer_of(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nX-Backend: strict\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class StrictBackend(Backend):
    """Answers each request with its target as the body, or with `script(request)`: bytes, pauses in seconds, or None for the end.

    A worker of the proxy that has one connection at a time to it sends one client's request behind another's.
    """

    def __init__(self, loop, name: str, address: str = "", port: int = 8000):
        super().__init__(loop, name, address, port)
        self.lock = threading.Lock()
        self.requests: list[Request] = []
        self.violations: list[str] = []
        self.received = b""  # of all connections, as it came
        self.script = None

    def take(self) -> tuple[list[Request], list[str], bytes]:
        """What came since the last call."""
        with self.lock:
            taken = self.requests, self.violations, self.received
            self.requests, self.violations, self.received = [], [], b""
            return taken

    def _protocol(self):
        return _StrictConnection(self)


class _StrictConnection(asyncio.Protocol):
    def __init__(self, backend: StrictBackend):
        self.backend = backend
        self.buffer = b""
        self.transport = None
        self.ended = False

    def connection_made(self, transport):
        self.transport = transport
        self.backend.accepted += 1
        self.backend.connections.add(self)

    def connection_lost(self, error):
        self.ended = True
        self.backend.connections.discard(self)

    def data_received(self, data):
        backend = self.backend
        with backend.lock:
            backend.received += data
        self.buffer += data
        try:
            while self.buffer and (request := read_request(self.buffer)):
                self.buffer = self.buffer[len(request.raw):]
                with backend.lock:
                    backend.requests.append(request)
                self.answer(request)
        except Violation as violation:
            with backend.lock:
                backend.violations.append(str(violation))
            self.transport.abort()

    def answer(self, request: Request):
        script = self.backend.script and self.backend.script(request)
        if script is None:
            body = b"" if request.method == b"HEAD" else request.target
            script = [answer_of(body)]
        self.play(list(script))

    def play(self, steps: list):
        while steps and not self.ended:
            step = steps.pop(0)
            if step is None:
                return self.transport.close()
            if isinstance(step, float):
                self.backend.loop.loop.call_later(step, self.play, steps)
                return
            self.transport.write(step)
