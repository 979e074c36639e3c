"""Fixtures. One cluster and one installation serve all tests; they run in the order of FILES, because installing comes first and
taking away last. Two clients, one with explicit upstreams and one with transparent capture, live through all of it.

Environment: STEELYARD_E2E_CLUSTER and KUBECONFIG, which tests/e2e/run.py sets.
"""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import kubectl, load, objects, release  # noqa: E402
from harness import prometheus as prometheus_module  # noqa: E402
from harness.cluster import Cluster  # noqa: E402
from harness.machine import find, say  # noqa: E402

# Any other file runs before the ones that change the installation.
FILES = ["test_install", "test_rbac", "test_injection", "test_entitlement", "test_balancing", "test_changes", "", "test_disturbances", "test_upgrade",
         "test_uninstall"]
SHOP = "shop"


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: FILES.index(item.path.stem if item.path.stem in FILES else ""))


def pytest_terminal_summary(terminalreporter):
    runs = load.zero_failure_runs
    total = sum(requests for _, requests in runs)
    terminalreporter.write_line(f"{total} requests in {len(runs)} runs without a failure")


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    name = os.environ.get("STEELYARD_E2E_CLUSTER")
    if not name:
        pytest.exit("run the end-to-end tests with tests/e2e/run.py: there is no cluster in STEELYARD_E2E_CLUSTER", returncode=3)
    return Cluster(find(), name)


@pytest.fixture(scope="session")
def installation(cluster) -> float:
    """Steelyard is installed; the seconds that it took."""
    if release.installed():
        release.uninstall()
    kubectl.run("delete", "namespace", SHOP, "--ignore-not-found", "--timeout=90s")
    seconds = release.install()
    say(f"    helm install: everything Ready after {seconds:.1f} s")
    return seconds


@pytest.fixture(scope="session")
def shop(installation) -> str:
    """A namespace with the Service web: six pods that end in order. And the two clients of it."""
    kubectl.apply(objects.namespace(SHOP), objects.service(SHOP, "web", {objects.EXPORT: "*"}),
                  objects.deployment(SHOP, "web", objects.backend(), replicas=4,
                                     strategy={"rollingUpdate": {"maxSurge": 2, "maxUnavailable": 1}}))
    kubectl.apply(objects.client(SHOP, "explicit", "8080=web.shop:80"), objects.client(SHOP, "capture"))
    kubectl.rolled_out("deployment/web", SHOP)
    kubectl.run("wait", "-n", SHOP, "--for=condition=Ready", "pod/explicit", "pod/capture", "--timeout=60s")
    return SHOP


@pytest.fixture(scope="session")
def explicit(shop) -> load.Client:
    """Asks its sidecar's local port."""
    return load.Client(shop, "explicit", "http://127.0.0.1:8080/")


@pytest.fixture(scope="session")
def capture(shop) -> load.Client:
    """Asks for the Service by name, and knows nothing of a sidecar."""
    return load.Client(shop, "capture", "http://web.shop.svc.cluster.local/")


@pytest.fixture(scope="session")
def clients(explicit, capture) -> list[load.Client]:
    for client in (explicit, capture):
        client.get(tries=50)
    return [explicit, capture]


@pytest.fixture
def namespace(request, installation):
    """A namespace of the test's own, gone afterwards."""
    name = request.node.name.removeprefix("test_").replace("_", "-")[:40].rstrip("-")
    kubectl.run("delete", "namespace", name, "--ignore-not-found", "--timeout=60s")
    kubectl.apply(objects.namespace(name))
    yield name
    kubectl.run("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def prometheus(clients):
    """harness.prometheus, installed; the clients' sidecars and the controllers are scraped every 2 s."""
    prometheus_module.install()
    yield prometheus_module
    prometheus_module.uninstall()
