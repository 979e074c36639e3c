"""Nodes that vanish: what is sent to an address gets no answer from one moment on, no refusal either."""
import shutil
import subprocess
from contextlib import contextmanager

TABLE = "steelyard_silence"

missing = shutil.which("nft") is None


def _nft(rules: str):
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True, capture_output=True)


@contextmanager
def silent(*addresses: str, unreachable: bool = False):
    """Drops what arrives for these addresses in this test's own network namespace; `unreachable`: and says so, as a router before a lost
    node does."""
    verdict = "reject with icmp type host-unreachable" if unreachable else "drop"
    rules = "".join(f"add rule inet {TABLE} input ip daddr {address} {verdict}\n" for address in addresses)
    _nft(f"add table inet {TABLE}\nadd chain inet {TABLE} input {{ type filter hook input priority 0; }}\n{rules}")
    try:
        yield
    finally:
        _nft(f"delete table inet {TABLE}\n")
