"""The two programs under test, with what a test asks of them: their addresses, their metrics, what they know."""
import json
import os
import re
from pathlib import Path

from . import network
from .http_client import get
from .processes import Process
from .wait import eventually

BINARIES = Path(os.environ.get("STEELYARD_BIN_DIR", Path(__file__).parents[3] / "build/release/bin")).resolve()
SLOWDOWN = float(os.environ.get("STEELYARD_SLOWDOWN", "1"))  # how much slower a sanitizer makes them: time-outs stretch


class Program(Process):
    """What controller and sidecar have in common: the admin listener."""

    def __init__(self, name: str, command: list, directory: Path, admin_port: int, env: dict | None = None):
        super().__init__(name, command, directory, env)
        self.admin = ("127.0.0.1", admin_port)

    def admin_get(self, path: str, method: str = "GET"):
        return get(self.admin, path, method)

    def answers(self, path: str) -> bool:
        """Whether the admin listener answers `path` with 200."""
        try:
            return self.admin_get(path).status == 200
        except OSError:
            return False

    def metrics(self) -> str:
        return self.admin_get("/metrics").body.decode()

    def metric(self, name: str, **labels) -> float:
        """The sum of the samples of `name` that have these labels; 0 without any."""
        total = 0.0
        for sample, pairs, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", self.metrics(), re.M):
            has = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', pairs))
            if sample == name and all(has.get(label) == wanted for label, wanted in labels.items()):
                total += float(value)
        return total

    def wait_answering(self):
        def up():
            assert self.running(), f"{self.name} ended with {self.child.poll()}:\n{self.tail()}"
            return self.answers("/healthz")
        eventually(up, 15 * SLOWDOWN, f"{self.name} answers /healthz")
        return self

    def wait_ready(self, timeout: float = 15):
        eventually(lambda: self.answers("/readyz"), timeout * SLOWDOWN, f"{self.name} is ready")
        return self


class Controller(Program):
    def __init__(self, directory: Path, *arguments, name: str = "controller", push_port: int = 0):
        admin_port = network.free_port()
        self.push_port = push_port or network.free_port()
        super().__init__(name, [
            BINARIES / "steelyard-controller", "--push-listen", f"127.0.0.1:{self.push_port}",
            "--admin-listen", f"127.0.0.1:{admin_port}", "--log-level", "debug", *arguments], directory, admin_port)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.push_port}"

    @property
    def push_url(self) -> str:
        """Where a client that is not a proxy of ours connects."""
        return f"{self.url}/push"


class Sidecar(Program):
    def __init__(self, directory: Path, controller_url: str, *upstreams: str, name: str = "sidecar", arguments: tuple = ()):
        """`upstreams`: SERVICE.NAMESPACE:PORT, each behind a port of its own (`address_of`); with "udp/" before it, a UDP port."""
        admin_port = network.free_port()
        self.ports = {upstream: network.free_port() for upstream in upstreams}
        flags = [word for upstream, port in self.ports.items() for word in ("--upstream", _flag(upstream, port))]
        self.state_dir = directory / f"{name}-state"
        super().__init__(name, [
            BINARIES / "steelyard-sidecar", "--controller", controller_url, "--admin-listen", f"127.0.0.1:{admin_port}",
            "--state-dir", self.state_dir, *(() if "--workers" in arguments else ("--workers", "2")),
            "--log-level", "debug", *flags, *arguments], directory, admin_port, env={"HOSTNAME": name})

    def address_of(self, upstream: str = "") -> tuple[str, int]:
        """Where the program's own client would connect; without a name the only upstream there is."""
        return "127.0.0.1", self.ports[upstream] if upstream else next(iter(self.ports.values()))

    def hosts(self) -> dict:
        """Every host of every upstream by its address, as /upstreams shows it."""
        shown = json.loads(self.admin_get("/upstreams").body)
        return {host["address"]: host for upstream in shown["upstreams"] for host in upstream["hosts"]}

    def states(self) -> dict:
        return {address: host["state"] for address, host in self.hosts().items()}

    def wait_states(self, wanted: dict, timeout: float = 10):
        """Until the hosts are exactly these, in these states: {"10.77.1.0:8000": "ready"}."""
        eventually(lambda: self.states() == wanted or _shown(self.states()), timeout * SLOWDOWN,
                   f"{self.name} has the hosts {wanted}")
        return self

    def wait_ready_hosts(self, *backends, timeout: float = 10):
        return self.wait_states({backend.at: "ready" for backend in backends}, timeout)

    def wait_weights(self, wanted: dict, timeout: float = 10):
        eventually(lambda: {at: host["weight"] for at, host in self.hosts().items()} == wanted or _shown(self.hosts()),
                   timeout * SLOWDOWN, f"{self.name} has the weights {wanted}")
        return self


def _flag(upstream: str, port: int) -> str:
    name = upstream.removeprefix("udp/")
    return f"{port}={name}" if name == upstream else f"{port}/udp={name}"


def _shown(value):
    """So that a time-out can tell what was there instead."""
    raise AssertionError(f"it has {value}")
