"""A network namespace for the whole test run: nobody else's ports, and addresses that are not loopback.

An API server refuses EndpointSlices with addresses in 127.0.0.0/8, and so does our controller. In a namespace of its own
the test process can make all of 10.77.0.0/16 local. Nothing sent there can leave the machine: there is no other interface.
"""
import ctypes
import itertools
import os
import subprocess
from pathlib import Path

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000

NETWORK = "10.77"
OWN_ADDRESS = f"{NETWORK}.0.1"

# Below the range of ephemeral ports, so that no outgoing connection can take one that a server wants back after a restart.
_ports = itertools.count(21000)
_hosts = itertools.count(256)


def enter() -> str:
    """Moves this process, which must have one thread, into a namespace. Returns what went wrong, or an empty string."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    flags = CLONE_NEWNET if uid == 0 else CLONE_NEWUSER | CLONE_NEWNET
    if libc.unshare(flags) != 0:
        return f"no network namespace of our own: unshare: {os.strerror(ctypes.get_errno())}"
    if flags & CLONE_NEWUSER:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    for command in ("ip link set lo up", f"ip addr add {OWN_ADDRESS}/16 dev lo"):
        done = subprocess.run(command.split(), capture_output=True, text=True)
        if done.returncode != 0:
            return f"{command}: {done.stderr.strip()}"
    return ""


def free_port() -> int:
    """A port that nobody else in the namespace has or will be given."""
    return next(_ports)


def free_address() -> str:
    """An address that no other backend has: 10.77.1.0 and on."""
    number = next(_hosts)
    return f"{NETWORK}.{number // 256}.{number % 256}"
