"""A TCP relay that can be cut as a network is: bytes stop, connections stay open and nobody is told."""
import asyncio
import contextlib

from . import network


class Cuttable:
    def __init__(self, loop, host: str, port: int):
        """`loop`: the LoopThread it lives on; it leads to host:port."""
        self._loop, self._to = loop, (host, port)
        self.port = network.free_port()
        self._open = None
        self._server = None
        self._tasks = set()

    def start(self) -> "Cuttable":
        self._loop.run(self._start())
        return self

    def cut(self):
        self._loop.call(self._open.clear)

    def mend(self):
        self._loop.call(self._open.set)

    def stop(self):
        self._loop.run(self._stop())

    async def _start(self):
        self._open = asyncio.Event()
        self._open.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _stop(self):
        self._server.close()
        for task in list(self._tasks):
            task.cancel()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._open.wait()
            there_reader, there_writer = await asyncio.open_connection(*self._to)
            await asyncio.gather(self._pump(reader, there_writer), self._pump(there_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _pump(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
