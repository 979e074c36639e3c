"""helm install into an empty cluster."""
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
