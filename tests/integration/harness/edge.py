"""A node with an edge, in the test's own network: clients on one side of it, pods on the other.

    client 192.0.2.100, fd00:2::100  --  node (192.0.2.1, fd00:2::1; 10.88.0.1, fd00:88::1)  --  pod 10.88.0.2, fd00:88::2
"""
import json
import subprocess
import sys
from pathlib import Path

from . import network
from .segment import Namespace
from .steelyard import BINARIES, Program
from .wait import eventually

VIP, VIP6 = "192.0.2.7", "fd00:2::7"
CLIENT, CLIENT6 = "192.0.2.100", "fd00:2::100"
POD, POD6 = "10.88.0.2", "fd00:88::2"
UPSTREAM = "shop/web:web"
NODE = "worker-1"

# Says to each TCP connection and each datagram the address that it came from.
MIRROR = """
import socket, sys, threading
port = int(sys.argv[1])
stream = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
stream.bind(("::", port)); stream.listen(64)
datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
datagrams.bind(("::", port))
def tcp():
    while True:
        one, peer = stream.accept()
        one.recv(100)
        one.sendall(peer[0].removeprefix("::ffff:").encode()); one.close()
threading.Thread(target=tcp, daemon=True).start()
while True:
    _, peer = datagrams.recvfrom(2000)
    datagrams.sendto(peer[0].removeprefix("::ffff:").encode(), peer)
"""

ASK = """
import socket, sys
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
one = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
one.settimeout(float(sys.argv[4]))
one.connect((host, port)); one.send(b"who am I?")
print(one.recv(2000).decode())
"""


def node_ip(*words, check: bool = True) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    assert not check or done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
    return done.stdout


class Side:
    """A namespace behind a veth pair of the node: `its` and the node's `own` addresses, of IPv4 and of IPv6."""

    def __init__(self, name: str, own: tuple, its: tuple):
        self.device = f"to-{name}"
        self.space = Namespace(name)
        node_ip("link", "add", self.device, "type", "veth", "peer", "name", "eth0", "netns", str(self.space.holder.pid))
        for length, ours, theirs in ((24, own[0], its[0]), (64, own[1], its[1])):
            nodad = ["nodad"] if length == 64 else []
            node_ip("addr", "add", f"{ours}/{length}", "dev", self.device, *nodad)
            self.space.ip("addr", "add", f"{theirs}/{length}", "dev", "eth0", *nodad)
        node_ip("link", "set", self.device, "up")
        self.space.ip("link", "set", "eth0", "up")
        self.space.ip("route", "add", "default", "via", own[0])
        self.space.ip("-6", "route", "add", "default", "via", own[1])
        # Before, nobody finds a neighbour on behalf of an address that is not the node's.
        link_local = ("-6", "addr", "show", "scope", "link", "-tentative", "dev")
        eventually(lambda: "fe80::" in node_ip(*link_local, self.device) and "fe80::" in self.space.ip(*link_local, "eth0"), 10,
                   "both ends have link-local addresses")

    def end(self):
        node_ip("link", "del", self.device, check=False)
        self.space.end()


class Surroundings:
    def __init__(self):
        self.clients = Side("client", ("192.0.2.1", "fd00:2::1"), (CLIENT, CLIENT6))
        self.pods = Side("pod", ("10.88.0.1", "fd00:88::1"), (POD, POD6))
        self.mirror = subprocess.Popen(self.pods.space.command(sys.executable, "-c", MIRROR, 8000))
        eventually(lambda: ":8000" in self.pods.space.run("ss", "-tln"), 10, "the pod listens")

    def ask(self, kind: str, host: str, port: int, timeout: float = 5) -> str:
        """What the client is told, or "" when nobody answers."""
        done = subprocess.run(self.clients.space.command(sys.executable, "-c", ASK, kind, host, port, timeout),
                              capture_output=True, text=True)
        return done.stdout.strip()

    def hold(self, address: str):
        """The node has the address from now on, as its steelyard-vip would see to."""
        nodad = ["nodad"] if ":" in address else []
        node_ip("addr", "add", f"{address}/{128 if ':' in address else 32}", "dev", self.clients.device, *nodad)

    def end(self):
        self.mirror.kill()
        self.mirror.wait()
        self.clients.end()
        self.pods.end()


def listener(port: int, protocol: str = "tcp", address: str = VIP, **more) -> dict:
    return {"kind": "listener", "name": f"vip/shop/web:{port}/{protocol}@{address}", "address": address, "port": port,
            "protocol": protocol, "upstream": UPSTREAM if protocol != "udp" else UPSTREAM + "-udp", **more}


def virtual_ip(**more) -> dict:
    return {"kind": "virtual_ip", "name": "shop/web", "addresses": [VIP], "router_id": 17, **more}


class Edge(Program):
    """A proxy of role edge whose configuration comes from a file."""

    def __init__(self, directory: Path, *resources, endpoints: tuple = (), policy: dict | None = None, name: str = "edge",
                 arguments: tuple = (), prefix: tuple = ()):
        admin_port = network.free_port()
        self.vip_config, self.vip_state = directory / "vip.json", directory / "vip-state.json"
        both = [{"kind": "upstream", "name": UPSTREAM, "policy": policy or {}},
                {"kind": "upstream", "name": UPSTREAM + "-udp", "protocol": "udp"}]
        both += [{"kind": "endpoints", "upstream": one["name"], "slice": "1", "endpoints": list(endpoints)} for one in both]
        file = directory / f"{name}.json"
        file.write_text(json.dumps({"upsert": [*both, *resources]}))
        super().__init__(name, [
            *prefix, BINARIES / "steelyard-sidecar", "--config", file, "--role", "edge", "--node", NODE,
            "--admin-listen", f"127.0.0.1:{admin_port}", "--workers", "2", "--vip-config", self.vip_config,
            "--vip-state", self.vip_state, *arguments], directory, admin_port)

    def told(self) -> list:
        """The routers that steelyard-vip is told to run."""
        return json.loads(self.vip_config.read_text())["routers"] if self.vip_config.exists() else []

    def virtual_ips(self) -> dict:
        return json.loads(self.admin_get("/virtual-ips").body)

    def listeners(self) -> dict:
        return {one["name"]: one for one in json.loads(self.admin_get("/upstreams").body)["listeners"]}
