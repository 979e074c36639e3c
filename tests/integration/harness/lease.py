"""Nodes of a segment with an edge and a steelyard-vip each, and the way from them to the controllers, which are the test's own.

The test's namespace has a leg on the segment: 192.0.2.1. Edges connect there to a relay that leads each connection to a controller that
lives, as a Service's address does; the endpoint of the Service is there, too.
"""
import contextlib
import json
import random
import socket
import subprocess
import threading
import time
from pathlib import Path

from . import network
from .processes import Process
from .segment import Namespace, Node, Segment
from .steelyard import BINARIES, SLOWDOWN
from .vip import Vip
from .wait import eventually

HOST = "192.0.2.1"
BACKEND_PORT = 8000
ADMIN_PORT = 9911
HELLO = b"hello"


def join(lan: Segment):
    """The test's leg on the segment."""
    subprocess.run(["ip", "link", "add", "to-lan", "type", "veth", "peer", "name", "port-test", "netns", str(lan.switch.holder.pid)], check=True)
    subprocess.run(["ip", "addr", "add", f"{HOST}/24", "dev", "to-lan"], check=True)
    subprocess.run(["ip", "link", "set", "to-lan", "up"], check=True)
    lan.switch.ip("link", "set", "port-test", "master", "br0", "up")


def leave():
    subprocess.run(["ip", "link", "del", "to-lan"], check=False, capture_output=True)


class _Server:
    """Accepts on 192.0.2.1 and serves each connection in a thread of its own."""

    def __init__(self, port: int):
        self.port = port
        self.listener = socket.create_server((HOST, port), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._guarded, args=(connection,), daemon=True).start()

    def _guarded(self, connection):
        with contextlib.suppress(OSError), connection:
            self.serve(connection)

    def end(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Backend(_Server):
    def __init__(self):
        super().__init__(BACKEND_PORT)

    def serve(self, connection):
        connection.sendall(HELLO)


class Relay(_Server):
    """Leads each connection to one of the controllers that take it, and is cut when that one ends."""

    def __init__(self, controllers: list):
        self.controllers = controllers
        super().__init__(network.free_port())

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}"

    def serve(self, connection):
        for one in random.sample(self.controllers, len(self.controllers)):
            try:
                there = socket.create_connection(("127.0.0.1", one.push_port), 1)
            except OSError:
                continue
            there.settimeout(None)
            with there:
                back = threading.Thread(target=self._pump, args=(there, connection), daemon=True)
                back.start()
                self._pump(connection, there)
                back.join()
            return

    @staticmethod
    def _pump(source, to):
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                to.sendall(block)
        for one in (source, to):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class LeaseNode:
    """A node with its edge and its steelyard-vip."""

    def __init__(self, directory: Path, node: Node, url: str):
        self.node = node
        self.name = node.name
        self.vip = Vip(directory, node, [], "--ready-url", f"http://127.0.0.1:{ADMIN_PORT}/readyz")
        self.vip.config_file.unlink()
        self.edge = Process(f"edge-{node.name}", node.command(
            BINARIES / "steelyard-sidecar", "--controller", url, "--role", "edge", "--node", node.name, "--name", f"edge-{node.name}",
            "--admin-listen", f"127.0.0.1:{ADMIN_PORT}", "--workers", "1", "--vip-config", self.vip.config_file,
            "--vip-state", self.vip.state_file, "--state-dir", directory / f"{node.name}-state", "--drain-delay", "2s",
            "--drain-timeout", "3s", "--log-level", "debug"), directory)

    def start(self) -> "LeaseNode":
        self.edge.start()
        self.vip.start()
        return self

    def stop(self):
        """As Kubernetes does: steelyard-vip is told first, the proxy when that has ended."""
        self.vip.terminate(timeout=90)
        self.edge.terminate()

    def kill(self):
        self.edge.kill()
        self.vip.kill()

    def virtual_ips(self) -> dict:
        with self.node.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(("127.0.0.1", ADMIN_PORT))
            connection.sendall(b"GET /virtual-ips HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n")
            answer = b""
            while block := connection.recv(65536):
                answer += block
        return json.loads(answer.partition(b"\r\n\r\n")[2])

    def lease(self) -> dict:
        leases = self.virtual_ips()["leases"]
        return leases[0] if leases else {}


class Client:
    """Connects to an address every 10 ms and reads what the Service says; knows when it did not work."""

    def __init__(self, space: Namespace, address: str, port: int = 80):
        self.address, self.port = address, port
        self.tries: list[tuple[float, float, bool]] = []  # begun, ended, whether it worked
        self._space, self._end = space, False
        self._thread = threading.Thread(target=lambda: space.inside(self._work), daemon=True)
        self._thread.start()

    def _work(self):
        waiting = []
        while not self._end:
            begun = time.monotonic()
            one = threading.Thread(target=self._try, args=(begun, self._socket()), daemon=True)
            one.start()
            waiting.append(one)
            time.sleep(max(0.0, begun + 0.01 - time.monotonic()))
        for one in waiting:
            one.join()

    @staticmethod
    def _socket() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.settimeout(1)
        return made

    def _try(self, begun: float, connection: socket.socket):
        good = False
        with contextlib.suppress(OSError), connection:
            connection.connect((self.address, self.port))
            good = connection.recv(64) == HELLO
        self.tries.append((begun, time.monotonic(), good))

    def end(self) -> dict:
        """attempts, failed, and the longest time in which none worked, in seconds."""
        self._end = True
        self._thread.join()
        worked = sorted(ended for _, ended, good in self.tries if good)
        gaps = [later - earlier for earlier, later in zip(worked, worked[1:])]
        return {"attempts": len(self.tries), "failed": sum(not good for _, _, good in self.tries), "outage": round(max(gaps, default=0.0), 3)}


def wait_holder(nodes: list, address: str, but: LeaseNode | None = None, patience: float = 30.0) -> LeaseNode:
    """The one node that has the address."""
    def there():
        holders = [one for one in nodes if one is not but and one.node.has(address)]
        assert len(holders) == 1, {one.name: (one.vip.state(), one.vip.tail(3)) for one in nodes}
        return holders[0]
    return eventually(there, patience * SLOWDOWN, f"one node holds {address}")
