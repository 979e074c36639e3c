"""Backends that say who they are, can be slow, held, ill or dead, and count what they were asked.

HttpBackend answers every request with its name; by path:
    /hold      not before release() is called
    /healthz   200, or 503 once `healthy` is False
    /echo      the request as it arrived, head and body
"""
import asyncio

from . import network
from .loop import LoopThread


class Backend:
    """What both sorts have: an address of its own, a listener, and the connections it has now."""

    def __init__(self, loop: LoopThread, name: str, address: str = "", port: int = 8000):
        self.loop = loop
        self.name = name
        self.address = address or network.free_address()
        self.port = port
        self.connections: set = set()
        self.accepted = 0
        self._server = None

    @property
    def at(self) -> str:
        return f"{self.address}:{self.port}"

    def start(self):
        async def listen():
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(self._protocol, self.address, self.port, backlog=1024)
        self.loop.run(listen())
        return self

    def stop_accepting(self):
        """New connections are refused; those there are stay."""
        def close():
            if self._server:
                self._server.close()
                self._server = None
        self.loop.call(close)

    def die(self):
        """As kill -9 does: new connections are refused, and those there are end in the middle of whatever they do."""
        self.stop_accepting()
        self.loop.call(self._abort_all)

    def _abort_all(self):
        for one in list(self.connections):
            one.transport.abort()

    def _protocol(self):
        raise NotImplementedError


class HttpBackend(Backend):
    def __init__(self, loop: LoopThread, name: str, address: str = "", port: int = 8000):
        super().__init__(loop, name, address, port)
        self.requests = 0          # without those for /healthz
        self.paths: set = set()
        self.probes = 0
        self.active = 0
        self.delay = 0.0
        self.healthy = True
        self.waiting: list = []    # answers held back until release()
        self._held = True

    def release(self):
        """Lets go every held request, and those that come from now on."""
        def go():
            self._held = False
            for answer in self.waiting:
                answer()
            self.waiting.clear()
        self.loop.call(go)

    def _abort_all(self):
        self.waiting.clear()
        super()._abort_all()

    def hold(self):
        self._held = True

    def _protocol(self):
        return _HttpConnection(self)


class _HttpConnection(asyncio.Protocol):
    def __init__(self, backend: HttpBackend):
        self.backend = backend
        self.buffer = b""
        self.transport = None
        self.busy = False
        self.continued = False  # this request's client was told to go on

    def connection_made(self, transport):
        self.transport = transport
        self.backend.accepted += 1
        self.backend.connections.add(self)

    def connection_lost(self, error):
        self.backend.connections.discard(self)
        if self.busy:
            self._done()

    def data_received(self, data):
        self.buffer += data
        self._next()

    def _next(self):
        if self.busy or b"\r\n\r\n" not in self.buffer:
            return
        head, rest = self.buffer.split(b"\r\n\r\n", 1)
        size = _body_size(head.lower(), rest)
        if size is None or len(rest) < size:
            if b"\r\nexpect: 100-continue" in head.lower() and not rest and not self.continued:
                self.continued = True
                self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        self.continued = False
        self.buffer = rest[size:]
        self._answer(head, rest[:size])

    def _answer(self, head: bytes, body: bytes):
        backend = self.backend
        method, path = head.split(b" ", 2)[:2]
        status, text = b"200 OK", backend.name.encode()
        if path == b"/healthz":
            backend.probes += 1
            status = b"200 OK" if backend.healthy else b"503 Service Unavailable"
        else:
            backend.requests += 1
            backend.paths.add(path.decode("latin-1"))
        if path == b"/echo":
            text = head + b"\r\n\r\n" + body
        answer = b"HTTP/1.1 %s\r\nContent-Length: %d\r\nX-Backend: %s\r\n\r\n%s" % (
            status, len(text), backend.name.encode(), b"" if method == b"HEAD" else text)
        self.busy = True
        backend.active += 1
        if path.startswith(b"/hold") and backend._held:
            backend.waiting.append(lambda: self._send(answer))
        elif backend.delay and path != b"/healthz":
            asyncio.get_running_loop().call_later(backend.delay, self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: bytes):
        if not self.busy:
            return  # the client left before its answer was due
        self.transport.write(answer)
        self._done()
        self._next()

    def _done(self):
        self.busy = False
        self.backend.active -= 1


def _body_size(head: bytes, rest: bytes):
    """How many bytes of `rest` are this request's body; None while that cannot be told yet."""
    if b"\r\ntransfer-encoding: chunked" in head:
        end = rest.find(b"0\r\n\r\n")
        return None if end < 0 else end + 5
    for line in head.split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":", 1)[1])
    return 0


class EchoBackend(Backend):
    """Says its name as a first line, then sends back what it gets; after the client's last byte, "bye" and the end."""

    def _protocol(self):
        return _EchoConnection(self)


class _EchoConnection(asyncio.Protocol):
    def __init__(self, backend: EchoBackend):
        self.backend = backend
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        self.backend.accepted += 1
        self.backend.connections.add(self)
        transport.write(self.backend.name.encode() + b"\n")

    def connection_lost(self, error):
        self.backend.connections.discard(self)

    def data_received(self, data):
        self.transport.write(data)

    def eof_received(self):
        self.transport.write(b"bye\n")
        self.transport.close()
        return True
