"""A WebSocket server that sends back what it gets, in a process of its own: it must keep pace with a fuzzer."""
import socket
import sys
from pathlib import Path

from . import network
from .processes import Process
from .wait import eventually

# Run as a program, as the child has no package around it. A fuzzer's faults are no news, so nothing is logged.
PROGRAM = """
import asyncio, logging, sys
from websockets.asyncio.server import serve

async def echo(connection):
    async for message in connection:
        await connection.send(message)

async def main():
    async with serve(echo, sys.argv[1], int(sys.argv[2]), max_size=None, ping_interval=None) as server:
        await server.serve_forever()

logging.disable(logging.CRITICAL)
asyncio.run(main())
"""


class EchoServer(Process):
    def __init__(self, directory: Path, name: str = "echo"):
        self.address, self.port = network.free_address(), 8000
        super().__init__(name, [sys.executable, "-c", PROGRAM, self.address, self.port], directory)

    @property
    def url(self) -> str:
        return f"ws://{self.address}:{self.port}"

    def start(self):
        super().start()
        eventually(self._listens, what="the echo server listens")
        return self

    def _listens(self) -> bool:
        assert self.running(), self.tail()
        try:
            socket.create_connection((self.address, self.port), 1).close()
            return True
        except OSError:
            return False
