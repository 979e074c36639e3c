"""Datagrams: a backend that echoes them, and who asks."""
import asyncio
import socket

from .backends import Backend


class UdpBackend(Backend):
    """Answers each datagram with its name, a colon and what it got; `mute`: takes it and says nothing."""

    def __init__(self, *arguments, mute: bool = False, **options):
        super().__init__(*arguments, **options)
        self.mute = mute

    def start(self):
        async def listen():
            loop = asyncio.get_running_loop()
            self._server, _ = await loop.create_datagram_endpoint(lambda: _Echo(self), (self.address, self.port))
        self.loop.run(listen())
        return self


class _Echo(asyncio.DatagramProtocol):
    def __init__(self, backend):
        self.backend = backend
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, peer):
        self.backend.accepted += 1
        if not self.backend.mute:
            self.transport.sendto(self.backend.name.encode() + b":" + data, peer)


class UdpClient:
    def __init__(self, address, timeout: float = 5.0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(timeout)
        self.socket.connect(address)

    def ask(self, data: bytes = b"") -> str:
        """The name of the backend that answered with just this."""
        self.socket.send(data)
        name, got = self.socket.recv(70000).split(b":", 1)
        assert got == data
        return name.decode()

    def ask_in_vain_or(self) -> str:
        """The same, or "" when nobody answers in time."""
        try:
            return self.ask()
        except TimeoutError:
            return ""

    def close(self):
        self.socket.close()
