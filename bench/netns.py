"""A network of the run's own: nothing that is measured or loaded can reach, or be disturbed by, anything else."""

import os
import subprocess
import sys

import common

_INSIDE = "STEELYARD_BENCH_NETNS"
# EndpointSlices may not hold loopback addresses; with a prefix on lo the kernel takes every address in it for its own.
NETWORK = "10.77.0.0/16"
ADDRESS = "10.77.0.1"
_why_not = None


def enter():
    """Starts this program again inside a new network namespace; where that is not allowed, goes on outside."""
    global _why_not
    if os.environ.get(_INSIDE):
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            subprocess.run(["ip", "address", "add", f"{ADDRESS}/16", "dev", "lo"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            _why_not = f"the addresses of the network namespace could not be set: {error}"
        return
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    try:
        probe = subprocess.run([*unshare, "true"], capture_output=True, text=True)
        _why_not = None if probe.returncode == 0 else f"no network namespace: {probe.stderr.strip()}"
    except OSError as error:
        _why_not = f"no network namespace: {error}"
    if _why_not is None:
        os.environ[_INSIDE] = "1"
        os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])


def require():
    """For parts that need addresses which are local and yet no loopback addresses."""
    if _why_not is not None:
        raise common.CannotRun(f"{_why_not} (run as root, or allow user namespaces)")
