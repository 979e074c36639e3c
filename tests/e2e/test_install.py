"""helm install into an empty cluster."""
import json

from harness import kubectl, release
from harness.load import Client


def test_everything_is_ready_within_a_minute(installation):
    assert installation <= 60, f"helm install --wait took {installation:.1f} s"


def test_two_replicas_run_and_one_of_them_leads(installation):
    pods = release.controllers()
    assert len(pods) == 2
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 2, "both replicas on one node"
    kubectl.until(release.leader, "a replica that holds the lease", 30)


def test_the_controller_runs_with_no_privileges(installation):
    for pod in release.controllers():
        for container in pod["spec"]["containers"]:
            context = {**pod["spec"].get("securityContext", {}), **container.get("securityContext", {})}
            assert context["runAsNonRoot"] and context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"]
            assert context["capabilities"]["drop"] == ["ALL"]


def test_an_explicit_client_gets_answers(explicit: Client):
    assert explicit.get(tries=50).startswith("web-")


def test_a_capturing_client_gets_answers(capture: Client):
    assert capture.get(tries=50).startswith("web-")


def test_the_pages_that_the_documents_point_to(capture: Client):
    """docs/kind.md, docs/troubleshooting.md and NOTES.txt: port 9901 of a sidecar, 9080 of a controller."""
    capture.get(tries=50)
    with kubectl.forwarded(f"pod/{capture.pod}", capture.namespace, 9901) as page:
        assert page("/readyz").startswith("ready")
        assert "steelyard_endpoint_requests_total{" in page("/metrics")
        assert json.loads(page("/upstreams"))["upstreams"] and page("/config")
    proxies = []
    for pod in release.controllers():  # each shows those that are connected to itself
        with kubectl.forwarded(f"pod/{pod['metadata']['name']}", release.NAMESPACE, 9080) as page:
            assert page("/readyz").startswith("ready")
            proxies += [one["name"] for one in json.loads(page("/proxies"))["proxies"]]
            assert json.loads(page("/problems")) is not None
    assert f"{capture.namespace}/{capture.pod}" in proxies
