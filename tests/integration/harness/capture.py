"""Transparent capture as in a pod: steelyard-capture's rules in the test's own network, a proxy under a user id of its own.

Services' addresses are 10.96.0.0/16 and fd00:96::/64. Nothing is there by itself: a connection arrives only if it is redirected, or if
the test has made the address local.
"""
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import network
from .processes import run, sanitizer_options
from .steelyard import BINARIES, Sidecar

PROXY_UID = 64832
PORT = 15001
HOME = Path(tempfile.gettempdir()) / f"steelyard-capture-{os.getpid()}"  # where another user may look
CIDRS = ("10.96.0.0/16", "fd00:96::/64")


def _ip(*words: str):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    assert done.returncode == 0 or "File exists" in done.stderr, f"ip {' '.join(words)}: {done.stderr}"


def routes():
    """Packets to Services go out over loopback, so that only what catches them on the way matters."""
    _ip("route", "replace", "10.96.0.0/16", "dev", "lo", "src", network.OWN_ADDRESS)
    if has_ipv6():
        _ip("-6", "addr", "replace", "fd00:77::1/64", "dev", "lo", "nodad")
        _ip("-6", "route", "replace", "fd00:96::/64", "dev", "lo")


def has_ipv6() -> bool:
    return Path("/proc/sys/net/ipv6/conf/lo/disable_ipv6").exists() and \
        Path("/proc/sys/net/ipv6/conf/lo/disable_ipv6").read_text().strip() == "0"


def make_local(address: str):
    """Something listens at a Service's address that the proxy knows nothing of."""
    _ip("route", "replace", "local", f"{address}/32", "dev", "lo")


def unmake_local(address: str):
    subprocess.run(["ip", "route", "del", "local", f"{address}/32", "dev", "lo"], capture_output=True)


def install(*flags, uid: int = PROXY_UID) -> str:
    """Runs steelyard-capture; what it printed."""
    cidrs = [f"--service-cidr={cidr}" for cidr in CIDRS]
    status, printed, _ = run([BINARIES / "steelyard-capture", *cidrs, f"--proxy-uid={uid}", f"--port={PORT}", *flags])
    assert status == 0, printed
    return printed


def remove():
    subprocess.run(["nft", "delete", "table", "inet", "steelyard"], capture_output=True)


def listed() -> str:
    return subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout


def for_anyone(file: Path) -> Path:
    """A copy that another user can read and run: the checkout may be closed to it."""
    HOME.mkdir(mode=0o755, exist_ok=True)
    copy = HOME / Path(file).name
    if not copy.exists():
        shutil.copy2(file, copy)
        copy.chmod(0o755)
    return copy


class CapturingSidecar(Sidecar):
    """A proxy that captures, as another user, who may not read the checkout: it gets a copy of the program."""

    def __init__(self, directory: Path, controller_url: str, name: str = "sidecar", arguments: tuple = (), uid: int = PROXY_UID):
        metrics = network.free_port()
        super().__init__(directory, controller_url, name=name, arguments=(
            "--capture-listen", str(PORT), "--metrics-listen", f"{network.OWN_ADDRESS}:{metrics}", "--drain-delay", "0s",
            *arguments))
        self.probes = (network.OWN_ADDRESS, metrics)
        program = for_anyone(self.command[0])
        self.env |= sanitizer_options(for_anyone)
        self.state_dir = HOME / f"{name}-{metrics}"
        self.state_dir.mkdir()
        os.chown(self.state_dir, uid, uid)
        self.command[0] = str(program)
        self.command[self.command.index("--state-dir") + 1] = str(self.state_dir)
        self.command[:0] = [shutil.which("setpriv") or "/usr/bin/setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
