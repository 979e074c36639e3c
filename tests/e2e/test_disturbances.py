"""The cluster and the controller are disturbed under load: not one request fails, and afterwards changes arrive again."""
import time

import pytest

from harness import kubectl, load, release

SETTLE = 2


@pytest.fixture
def still_works(clients, shop):
    """After the disturbance a new pod gets requests: the control plane has come back in full."""
    yield
    kubectl.run("rollout", "restart", "-n", shop, "deployment/web")
    kubectl.rolled_out("deployment/web", shop)
    names = {pod["metadata"]["name"] for pod in kubectl.pods(shop, "app=web")}
    for client in clients:
        kubectl.until(lambda: client.get() in names, f"{client} answered by a pod of the new roll-out", 30)


def test_node_drain(cluster, clients, still_works, shop):
    node = next(node for node in cluster.nodes() if node.endswith("worker2"))  # the clients live on the other one
    try:
        with load.without_a_failure("node drain", *clients):
            time.sleep(SETTLE)
            kubectl.run("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=120s")
            time.sleep(SETTLE)
    finally:
        kubectl.run("uncordon", node)
    kubectl.rolled_out("deployment/web", shop)
    kubectl.rolled_out("deployment/steelyard-controller", release.NAMESPACE)


def test_controller_rollout(clients, still_works):
    with load.without_a_failure("controller roll-out", *clients):
        time.sleep(SETTLE)
        kubectl.run("rollout", "restart", "-n", release.NAMESPACE, "deployment/steelyard-controller")
        kubectl.rolled_out("deployment/steelyard-controller", release.NAMESPACE)
        time.sleep(SETTLE)


def test_controller_crash(cluster, clients, still_works):
    """Both replicas at once, by SIGKILL; the leader's lease runs out by itself."""
    with load.without_a_failure("controller crash", *clients):
        time.sleep(SETTLE)
        for node in cluster.nodes():
            cluster.in_node(node, "pkill", "-9", "-f", "^(/usr/local/bin/)?steelyard-controller", check=False)
        time.sleep(SETTLE)
        kubectl.rolled_out("deployment/steelyard-controller", release.NAMESPACE)
    restarts = [status["restartCount"] for pod in release.controllers() for status in pod["status"]["containerStatuses"]]
    assert sum(restarts) >= 2, f"the controllers were not killed: restarts {restarts}"
    kubectl.until(release.leader, "a leader", 30)


def test_api_server_restart(cluster, clients, still_works):
    control_plane = next(node for node in cluster.nodes() if node.endswith("control-plane"))
    with load.without_a_failure("API server restart", *clients):
        time.sleep(SETTLE)
        cluster.in_node(control_plane, "pkill", "-9", "-x", "kube-apiserver")
        time.sleep(SETTLE)
        kubectl.until(lambda: kubectl.run("get", "--raw", "/readyz") == "ok", "the API server is back", 90)
        time.sleep(SETTLE)
