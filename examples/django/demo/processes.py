"""Starting, watching and ending the programs of the demo; each has a process group and log files of its own."""

import asyncio
import ctypes
import os
import random
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class DemoFailed(Exception):
    """The demo cannot go on; the text says why."""


def _end_with_parent() -> None:
    """In the child, before it becomes the program: should the demo be killed, nothing it started stays behind."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class Process:
    """A program that runs from its construction until stop() or kill()."""

    def __init__(self, name: str, command: list[str], logs: Path, cwd: Path | None = None, env: dict | None = None):
        self.name = name
        self.log = logs / f"{name}.log"
        self.output = logs / f"{name}.out"
        self._ended = False  # by the demo's own will
        with self.log.open("ab") as log, self.output.open("ab") as output:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    def check(self) -> None:
        """Raises DemoFailed if the program has ended without being asked to."""
        if not self._ended and not self.running:
            raise DemoFailed(
                f"{self.name} ended with {_status(self._popen.returncode)}; its last lines:\n{self.tail()}"
            )

    def text(self) -> str:
        return "".join(path.read_text(errors="replace") for path in (self.output, self.log))

    def tail(self, lines: int = 8) -> str:
        return "\n".join("  | " + line for line in self.text().splitlines()[-lines:]) or "  | (none)"

    async def listening_port(self, what: str, timeout: float = 10) -> int:
        """The port from the line `WHAT listening on ADDRESS:PORT`, in whichever format the program logs."""
        pattern = re.compile(rf'\b{what} listening on [^\s"]*:(\d+)')
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if found := pattern.search(self.text()):
                return int(found[1])
            self.check()
            await asyncio.sleep(0.02)
        raise DemoFailed(
            f"{self.name} did not say `{what} listening on` within {timeout:g} s; its last lines:\n{self.tail()}"
        )

    def kill(self) -> None:
        """SIGKILL to the program and all it started, as the kernel does when memory runs out."""
        self._ended = True
        if self.running:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()

    async def stop(self, grace: float = 15) -> str:
        """SIGTERM, and SIGKILL after the grace; says what was wrong with the way it ended, or nothing."""
        if self._ended:
            return ""
        self._ended = True
        if not self.running:
            return f"{self.name} had ended with {_status(self._popen.returncode)}"
        self._popen.terminate()
        deadline = time.monotonic() + grace
        while self.running and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        if self.running:
            self.kill()
            return f"{self.name} did not end within {grace:g} s of SIGTERM and was killed"
        return f"{self.name} ended with {_status(self._popen.returncode)} on SIGTERM" if self._popen.returncode else ""


def _status(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that stay free between a stop and a restart: outside of the range of outgoing connections."""
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found: list[int] = []
    for port in random.sample(range(10000, max(first_outgoing, 10500)), 400):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return sorted(found)
    raise DemoFailed(f"there are not {count} free ports on 127.0.0.1")
