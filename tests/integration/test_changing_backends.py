"""A million requests while the set of backends never rests: every 50 ms weights change, backends come and others leave."""
import random
import re
import shutil
import subprocess
import threading
import time

import pytest

from harness import network
from harness.manifests import write
from harness.objects import endpoint, endpoint_slice, pod, service
from harness.processes import Process
from harness.steelyard import BINARIES
from harness.wait import eventually

REQUESTS = 1_000_000
NAMES = [f"p{n}" for n in range(8)]


class Changes:
    """Rewrites the Service's endpoints and their weights as a roll-out would, only faster, until it is told to stop."""

    def __init__(self, directory, addresses: dict):
        self.directory = directory
        self.addresses = addresses
        self.made = 0
        self._random = random.Random(7)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def write_all(self):
        """Every backend, each with weight 1."""
        self._write({name: 1 for name in NAMES}, ready=NAMES)

    def _run(self):
        following = time.monotonic()
        while not self._over.is_set():
            # At least two serve; the others are gone, or are there but drain.
            serving = self._random.sample(NAMES, self._random.randint(2, len(NAMES)))
            there = serving + self._random.sample(NAMES, self._random.randint(0, 3))
            self._write({name: self._random.choice([0, 1, 2, 5, 50]) for name in there} | {serving[0]: 3}, serving)
            self.made += 1
            following += 0.05
            self._over.wait(max(0.0, following - time.monotonic()))

    def _write(self, weights: dict, ready: list):
        endpoints = [endpoint(self.addresses[name], pod=name, ready=name in ready, serving=True,
                              terminating=name not in ready) for name in weights]
        write(self.directory, "web.yaml", service("shop"), *(pod("shop", name, weight) for name, weight in weights.items()),
              endpoint_slice("shop", endpoints))


@pytest.fixture
def origin(processes, tmp_path):
    """Eight backends in one program, each with an address of its own."""
    addresses = {name: network.free_address() for name in NAMES}
    program = Process("origin", [BINARIES / "bench_origin", *(f"{at}:8000={name}" for name, at in addresses.items())], tmp_path)
    processes.append(program)
    program.start().wait_log(f"{NAMES[-1]} {addresses[NAMES[-1]]}:8000")
    program.addresses = addresses
    return program


def some_seconds_of_load(address, seconds: int) -> tuple[int, str]:
    """Requests that were answered, and what wrk says of those that failed."""
    done = subprocess.run(["wrk", "-t1", "-c64", f"-d{seconds}s", "--timeout", "10s", f"http://{address[0]}:{address[1]}/"],
                          capture_output=True, text=True, timeout=seconds + 30)
    answered = re.search(r"(\d+) requests in", done.stdout)
    assert answered, done.stdout + done.stderr
    return int(answered.group(1)), " ".join(re.findall(r"(?:Socket errors|Non-2xx).*", done.stdout))


@pytest.mark.skipif(not shutil.which("wrk"), reason="wrk is not installed")
def test_a_million_requests_none_fails(origin, manifest_controller, sidecar, tmp_path):
    directory = tmp_path / "manifests"
    changes = Changes(directory, origin.addresses)
    changes.write_all()
    proxy = sidecar(manifest_controller(directory), "web.shop:80")
    eventually(lambda: len(proxy.hosts()) == len(NAMES), what="every backend is known")
    answered, deadline = 0, time.monotonic() + 240
    with changes:
        while answered < REQUESTS and time.monotonic() < deadline:
            more, failures = some_seconds_of_load(proxy.address_of(), 10)
            answered += more
            assert not failures, f"{failures} after {answered} requests and {changes.made} changes"
    assert answered >= REQUESTS, f"only {answered} requests within 240 s"
    assert proxy.running(), proxy.child.poll()
    applied = proxy.metric("steelyard_config_pushes_total", result="delta")
    print(f"{answered} requests, {changes.made} changes, {applied:.0f} pushed")
    assert applied > changes.made / 2
    # wrk breaks off what is under way when its time is over.
    failures = proxy.metric("steelyard_upstream_failures_total")
    assert failures == proxy.metric("steelyard_upstream_failures_total", reason="client_gone"), proxy.metrics()
