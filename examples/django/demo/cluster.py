"""The cluster as Steelyard sees it: a directory of manifests, and a Gunicorn for every pod in it."""

import asyncio
import os
import secrets
import string
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from demo.http1 import Connection, RequestFailed
from demo.processes import DemoFailed, Process

HERE = Path(__file__).resolve().parent.parent
ADDRESS = "127.0.0.1"


@dataclass
class Backend:
    name: str
    weight: int
    port: int
    process: Process | None = None

    @property
    def address(self) -> str:
        return f"{ADDRESS}:{self.port}"


class Manifests:
    """The directory that the controller follows. A file appears and changes whole: written elsewhere, then renamed."""

    def __init__(self, work: Path):
        self.directory = work / "manifests"
        self._staging = work / "staging"
        self.directory.mkdir()
        self._staging.mkdir()
        self._backend = string.Template((HERE / "manifests" / "backend.yaml").read_text())
        self._put("service.yaml", (HERE / "manifests" / "service.yaml").read_text())

    def publish(self, backend: Backend, draining: bool = False) -> None:
        """The pod is in the Service: ready, or finishing what it has."""
        text = self._backend.substitute(
            name=backend.name,
            address=ADDRESS,
            port=backend.port,
            weight=backend.weight,
            ready="false" if draining else "true",
            terminating="true" if draining else "false",
        )
        self._put(f"{backend.name}.yaml", text)

    def withdraw(self, backend: Backend) -> None:
        (self.directory / f"{backend.name}.yaml").unlink()

    def _put(self, name: str, text: str) -> None:
        (self._staging / name).write_text(text)
        os.replace(self._staging / name, self.directory / name)


class Gunicorns:
    """Starts backends; all get the same key, so that each can read every session."""

    def __init__(self, logs: Path):
        self._logs = logs
        self._secret = secrets.token_hex(32)

    def start(self, backend: Backend) -> None:
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--bind", backend.address, "shop.wsgi"]
        env = {"SHOP_BACKEND": backend.name, "SHOP_SECRET_KEY": self._secret, "PYTHONDONTWRITEBYTECODE": "1"}
        backend.process = Process(backend.name, command, self._logs, cwd=HERE, env=env)

    async def wait_until_ready(self, *backends: Backend, timeout: float = 20) -> None:
        """What a readiness probe does in a cluster."""
        deadline = time.monotonic() + timeout
        for backend in backends:
            while not await self._answers(backend):
                backend.process.check()
                if time.monotonic() > deadline:
                    lines = backend.process.tail()
                    raise DemoFailed(f"{backend.name} is not ready after {timeout:g} s; its last lines:\n{lines}")
                await asyncio.sleep(0.05)

    async def _answers(self, backend: Backend) -> bool:
        connection = Connection(ADDRESS, backend.port, 1)
        try:
            return (await connection.request("GET", "/healthz", {"Host": backend.address})).status == 200
        except RequestFailed:
            return False
        finally:
            connection.close()
