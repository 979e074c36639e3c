"""Shares, policies and protocols, seen from inside injected pods."""
import pytest

from harness import kubectl, load, objects

WEIGHTS = {"one": 1, "three": 3}


@pytest.fixture(scope="module")
def weighted(shop):
    """The Service weighted: two pods, one with three times the other's weight, and a client of either kind."""
    name = "weights"
    kubectl.run("delete", "namespace", name, "--ignore-not-found", "--timeout=60s")
    kubectl.apply(objects.namespace(name), objects.service(name, "weighted"),
                  objects.service(name, "raw", protocol=None, selector={"app": "weighted"}))
    kubectl.apply(*[objects.deployment(name, part, objects.backend(), app="weighted", annotations={objects.WEIGHT: str(weight)})
                    for part, weight in WEIGHTS.items()])
    kubectl.apply(objects.client(name, "explicit", "8080=weighted.weights:80"), objects.client(name, "capture", zone="b"))
    for part in WEIGHTS:
        kubectl.rolled_out(f"deployment/{part}", name)
    kubectl.run("wait", "-n", name, "--for=condition=Ready", "pod/explicit", "pod/capture", "--timeout=60s")
    yield name
    kubectl.run("delete", "namespace", name, "--wait=false")


def share_of_three(report: dict) -> float:
    return sum(share for name, share in load.shares(report).items() if name.startswith("three-"))


def test_http_requests_are_shared_by_weight(weighted):
    clients = [load.Client(weighted, "explicit", "http://127.0.0.1:8080/"),
               load.Client(weighted, "capture", "http://weighted.weights.svc.cluster.local/")]
    for client in clients:
        client.get(tries=50)
    with load.without_a_failure("weights", *clients, rate=1000, seconds=4) as reports:
        pass
    for report in reports:
        assert share_of_three(report) == pytest.approx(0.75, abs=0.02), report["backends"]


def test_tcp_connections_are_shared_by_weight(weighted):
    """A Service that says nothing of HTTP: connections are balanced, one request each here."""
    client = load.Client(weighted, "capture", "http://raw.weights.svc.cluster.local/")
    client.get(tries=50)
    with load.without_a_failure("weights, TCP", client, rate=300, seconds=4, requests_per_connection=1) as reports:
        pass
    assert share_of_three(reports[0]) == pytest.approx(0.75, abs=0.03), reports[0]["backends"]


def test_a_changed_weight_takes_effect(weighted):
    client = load.Client(weighted, "explicit", "http://127.0.0.1:8080/")
    kubectl.run("annotate", "pod", "-n", weighted, "-l", "part=three", f"{objects.WEIGHT}=1", "--overwrite")

    def even() -> bool:
        report = load.start(client, rate=500, seconds=1).finish_when_done()
        return abs(share_of_three(report) - 0.5) < 0.05

    kubectl.until(even, "equal shares after the weight was changed to 1", 15)


def test_what_the_sidecar_does_not_know_passes_through(weighted, capture):
    """The API server's own ClusterIP is no Service of the proxy's: its connection goes where it would have gone."""
    kubectl.run("exec", "-n", capture.namespace, capture.pod, "-c", "app", "--", "bash", "-c",
                "exec 3<>/dev/tcp/kubernetes.default.svc.cluster.local/443")
