"""A proxy without a controller: one upstream from a file, with any policy that the wire knows."""
import json
from pathlib import Path

from . import network
from .steelyard import BINARIES, SLOWDOWN, Program


class ConfiguredSidecar(Program):
    UPSTREAM = "shop/web:http"

    def __init__(self, directory: Path, *endpoints: tuple[str, int], policy: dict | None = None, protocol: str = "http",
                 name: str = "proxy", arguments: tuple = (), resources: tuple = ()):
        """`endpoints`: address and port of each. `resources`: besides the listener and its upstream."""
        admin_port, self.port = network.free_port(), network.free_port()
        file = directory / f"{name}.json"
        file.write_text(json.dumps({"type": "snapshot", "version": "file.1", "upsert": [
            {"kind": "listener", "name": name, "address": "127.0.0.1", "port": self.port, "protocol": protocol, "upstream": self.UPSTREAM},
            {"kind": "upstream", "name": self.UPSTREAM, "protocol": protocol, "policy": policy or {}},
            {"kind": "endpoints", "upstream": self.UPSTREAM, "slice": "web-1",
             "endpoints": [{"address": address, "port": port} for address, port in endpoints]}, *resources]}))
        super().__init__(name, [
            BINARIES / "steelyard-sidecar", "--config", file, "--admin-listen", f"127.0.0.1:{admin_port}", "--workers", "2",
            "--log-level", "debug", *arguments], directory, admin_port)

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def wait(self, timeout: float = 10):
        return super().wait(timeout * SLOWDOWN)
