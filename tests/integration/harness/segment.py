"""A segment of Ethernet in network namespaces of its own: a switch and nodes on it, whose cables can be pulled.

Each namespace is held by a process that does nothing; when the processes end, all of it is gone. Sockets are opened inside of a node's
namespace by a thread that enters it for that moment.
"""
import ctypes
import os
import socket
import subprocess
import threading
from pathlib import Path

from .wait import eventually

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    def __init__(self, name: str):
        self.name = name
        self.holder = subprocess.Popen(["unshare", "--net", "--", "sleep", "infinity"], stdin=subprocess.DEVNULL)
        own = os.readlink("/proc/self/ns/net")
        eventually(lambda: os.readlink(f"/proc/{self.holder.pid}/ns/net") != own, 5, "a namespace of its own")
        for scope in ("all", "default"):  # no duplicate address detection: a second for each node
            self.run("sh", "-c", f"echo 0 > /proc/sys/net/ipv6/conf/{scope}/accept_dad")
        self.ip("link", "set", "lo", "up")

    def command(self, *words) -> list:
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *[str(word) for word in words]]

    def run(self, *words, check: bool = True) -> str:
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=20)
        assert not check or done.returncode == 0, f"{self.name}: {' '.join(map(str, words))}: {done.stderr}"
        return done.stdout

    def ip(self, *words, check: bool = True) -> str:
        return self.run("ip", *words, check=check)

    def socket(self, *kind) -> socket.socket:
        """socket.socket(*kind), within this namespace."""
        return self.inside(lambda: socket.socket(*kind))

    def inside(self, action):
        """What action() returns, called by a thread that has entered the namespace."""
        made = {}

        def work():
            fd = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY)
            try:
                if _libc.setns(fd, CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
                made["value"] = action()
            except Exception as error:  # handed to the caller
                made["error"] = error
            finally:
                os.close(fd)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if "error" in made:
            raise made["error"]
        return made["value"]

    def end(self):
        self.holder.kill()
        self.holder.wait()


class Node(Namespace):
    """A host with one interface, eth0, on the switch: 192.0.2.N/24 and fd00:2::N/64."""

    def __init__(self, name: str, number: int, switch: Namespace):
        super().__init__(name)
        self.number = number
        self.switch = switch
        self.port = f"port-{number}"
        self.address = f"192.0.2.{number}"
        self.address6 = f"fd00:2::{number}"
        self.plug_in()

    def plug_in(self):
        """Makes the interface: also after unplug()."""
        self.switch.ip("link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        self.switch.ip("link", "set", self.port, "master", "br0", "up")
        self.ip("addr", "add", f"{self.address}/24", "dev", "eth0")
        self.ip("link", "set", "eth0", "up")
        self.ip("addr", "add", f"{self.address6}/64", "dev", "eth0", "nodad")
        self.wait_link_local()

    def wait_link_local(self):
        eventually(lambda: "fe80::" in self.ip("-6", "addr", "show", "dev", "eth0", "scope", "link", "-tentative"), 10,
                   f"{self.name} has a link-local address")

    def unplug(self):
        """The interface is gone altogether."""
        self.switch.ip("link", "del", self.port)

    def cable(self, up: bool):
        self.switch.ip("link", "set", self.port, "up" if up else "down")

    def mac(self) -> bytes:
        return bytes.fromhex(self.ip("-o", "link", "show", "eth0").split("link/ether ")[1].split()[0].replace(":", ""))

    def has(self, address: str) -> bool:
        """Whether the interface carries the address now."""
        return any(line.split()[1].split("/")[0] == address for line in self.ip("addr", "show", "dev", "eth0", check=False).splitlines()
                   if line.strip().startswith("inet"))


class Segment:
    def __init__(self):
        self.switch = Namespace("switch")
        self.members: list[Namespace] = [self.switch]
        # IPv6's own chatter of the switch would only cost time; no snooping of groups, no spanning tree.
        self.switch.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "0", "stp_state", "0", "forward_delay", "0")
        self.switch.ip("link", "set", "br0", "up")
        self.numbers = iter(range(11, 250))

    def node(self, name: str) -> Node:
        made = Node(name, next(self.numbers), self.switch)
        self.members.append(made)
        return made

    def end(self):
        for one in reversed(self.members):
            one.end()


class Greeter:
    """A TCP server on every address of a node: sends the node's name and closes. What a client of a virtual IP talks to."""
    PORT = 7000

    def __init__(self, node: Namespace):
        self.node = node
        self.listener = node.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.listener.bind(("::", self.PORT))
        self.listener.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.sendall(self.node.name.encode())
                except OSError:
                    pass

    def end(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()


def greeting(client: Namespace, address: str, timeout: float = 0.5) -> str:
    """Who answers the client at the address; "" when nobody does."""
    with client.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect((address, Greeter.PORT))
            return connection.recv(64).decode()
        except OSError:
            return ""


def usable() -> str:
    """Why there can be no segment here; "" when there can."""
    if os.getuid() != 0:
        return "network namespaces with raw sockets take root"
    if not Path("/usr/bin/nsenter").exists():
        return "nsenter is not installed"
    return ""
