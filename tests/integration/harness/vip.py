"""steelyard-vip on the nodes of a segment, what it says it does, and a proxy's readiness beside it."""
import json
import os
import signal
import socket
import subprocess
import threading
from pathlib import Path

from .processes import Process
from .segment import Namespace, Node
from .steelyard import BINARIES, SLOWDOWN
from .wait import eventually

VIP, VIP6 = "192.0.2.100", "fd00:2::100"
ROUTER = 17
PATIENCE = 15 * SLOWDOWN


def router(priority: int, family: str = "ipv4", **changes) -> dict:
    return {"id": ROUTER, "family": family, "addresses": [VIP if family == "ipv4" else VIP6], "interfaces": ["eth*"],
            "priority": priority, "advertisement_interval_ms": 200, **changes}


class Vip(Process):
    """One steelyard-vip that follows a file. `routers`: what the file says at first."""
    ADMIN = 9913

    def __init__(self, directory: Path, node: Node, routers: list, *flags):
        self.node = node
        self.config_file = directory / f"{node.name}.json"
        self.state_file = directory / f"{node.name}-state.json"
        super().__init__(f"vip-{node.name}", node.command(
            BINARIES / "steelyard-vip", "--config", self.config_file, "--state-file", self.state_file,
            "--admin-listen", f"127.0.0.1:{self.ADMIN}", "--log-level", "debug", *flags), directory)
        self.configure(routers)

    def configure(self, routers: list | str):
        text = routers if isinstance(routers, str) else json.dumps({"format": 1, "routers": routers})
        beside = self.config_file.with_suffix(".new")
        beside.write_text(text)
        beside.rename(self.config_file)

    def restart(self):
        self.kill()
        return self.start()

    def get(self, path: str) -> tuple[int, str]:
        """A page of the admin listener: status and body."""
        with self.node.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.settimeout(5)
            connection.connect(("127.0.0.1", self.ADMIN))
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: vip\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            while block := connection.recv(65536):
                answer += block
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body.decode()

    def metric(self, name: str, **labels) -> float:
        """The sum of the samples with these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.get("/metrics")[1].splitlines()
                   if line.split("{")[0].split(" ")[0] == name and all(one in line for one in wanted))

    def told(self) -> dict:
        """The state file's routers by family."""
        return {one["family"]: one for one in json.loads(self.state_file.read_text())["routers"]}

    def state(self, family: str = "ipv4") -> str:
        try:
            return self.told().get(family, {}).get("state", "")
        except (FileNotFoundError, ValueError):
            return ""

    def wait_state(self, wanted: str, family: str = "ipv4"):
        def there():
            assert self.running(), f"{self.name} ended: {self.tail()}"
            assert self.state(family) == wanted, f"{self.name} is {self.state(family)!r}:\n{self.tail(8)}"
            return True
        eventually(there, PATIENCE, f"{self.name} is {wanted}")
        return self

    def transitions(self) -> float:
        return self.metric("steelyard_vip_transitions_total")


class Proxy:
    """What stands for the proxy beside: answers /readyz. Its end closes all connections, as a killed process does."""
    PORT = 9911

    def __init__(self, node: Namespace, ready: bool = True):
        self.node = node
        self.ready = ready
        self.silent = False
        self.listener = None
        self.open: list[socket.socket] = []
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.PORT}/readyz"

    def start(self):
        self.listener = self.node.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.PORT))
        self.listener.listen(16)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        asked = b""
        try:
            while block := connection.recv(4096):
                asked += block
                while b"\r\n\r\n" in asked:
                    asked = asked.partition(b"\r\n\r\n")[2]
                    if not self.silent:
                        status = "200 OK" if self.ready else "503 Service Unavailable"
                        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\nok\n".encode())
        except OSError:
            pass

    def die(self):
        for one in [self.listener, *self.open]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()
        self.open.clear()


class Keepalived(Process):
    """keepalived as it comes, VRRPv3, one instance for each family. Its children end with it."""

    def __init__(self, directory: Path, node: Node, priority: int, families=("ipv4", "ipv6"), more: str = ""):
        self.node = node
        file = directory / f"keepalived-{node.name}.conf"
        file.write_text("global_defs {\n  vrrp_version 3\n  router_id " + node.name + "\n}\n" + "".join(
            _instance(family, priority, more) for family in families))
        file.chmod(0o644)
        super().__init__(f"keepalived-{node.name}", node.command(
            "keepalived", "--dont-fork", "--vrrp", "--log-console", "--log-detail", "--use-file", file,
            "--pid", directory / f"{node.name}.pid", "--vrrp_pid", directory / f"{node.name}-vrrp.pid"), directory)

    def start(self):
        with open(self.log_file, "ab") as log:
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                                          start_new_session=True)
        return self

    def kill(self):
        if self.child is None:
            return
        try:
            os.killpg(self.child.pid, signal.SIGKILL)  # a session of its own: its children and nobody else
        except ProcessLookupError:
            pass
        self.child.wait()


def _instance(family: str, priority: int, more: str) -> str:
    address = f"{VIP}/32" if family == "ipv4" else f"{VIP6}/128"
    return (f"vrrp_instance {family} {{\n  state BACKUP\n  interface eth0\n  virtual_router_id {ROUTER}\n  priority {priority}\n"
            f"  advert_int 0.2\n  {more}\n  virtual_ipaddress {{\n    {address}\n  }}\n}}\n")
