"""A LoadBalancingPolicy, as a user applies it: the API server judges it, it is in force at once and costs no request, its status says so."""
import pytest

from harness import kubectl, load

KIND = "loadbalancingpolicies.steelyard.dev"


def policy(namespace: str, name: str, service: str = "web", **spec) -> dict:
    return {"apiVersion": "steelyard.dev/v1alpha1", "kind": "LoadBalancingPolicy", "metadata": {"namespace": namespace, "name": name},
            "spec": {"targetRefs": [{"kind": "Service", "name": service}], **spec}}


def condition(namespace: str, name: str, kind: str = "Accepted") -> tuple:
    """Its status, reason, and whether it is about the spec as it is now."""
    found = kubectl.get(KIND, name, "-n", namespace)
    for each in found.get("status", {}).get("conditions", []):
        if each["type"] == kind:
            return each["status"], each["reason"], each["observedGeneration"] == found["metadata"]["generation"]
    return "", "", False


def accepted(namespace: str, name: str):
    kubectl.until(lambda: condition(namespace, name) == ("True", "Accepted", True), f"{name} Accepted", 20)


def backends_of(client: load.Client) -> set[str]:
    return set(load.start(client, rate=300, seconds=1).finish_when_done()["backends"])


@pytest.fixture(autouse=True)
def none_left(shop):
    yield
    kubectl.run("delete", KIND, "--all", "-n", shop)


def test_an_algorithm_comes_and_goes_under_load(shop, clients):
    for client in clients:
        assert len(backends_of(client)) > 1
    with load.without_a_failure("a policy comes and goes", *clients):
        kubectl.apply(policy(shop, "sticky", algorithm="Maglev", slowStart={"window": "5s"}, timeouts={"response": "10s"}))
        accepted(shop, "sticky")
        for client in clients:  # one address, one backend
            kubectl.until(lambda client=client: len(backends_of(client)) == 1, f"{client} asks one backend", 20)
        kubectl.run("delete", KIND, "sticky", "-n", shop)
        for client in clients:
            kubectl.until(lambda client=client: len(backends_of(client)) > 1, f"{client} asks several again", 20)


def test_the_older_one_wins_and_the_other_is_told(shop):
    kubectl.apply(policy(shop, "first", algorithm="LeastRequest"))
    accepted(shop, "first")
    kubectl.run("wait", KIND, "first", "-n", shop, "--for=condition=Accepted", "--timeout=10s")
    # Creation times are whole seconds: with equal ones the name decides, and it does the same.
    kubectl.apply(policy(shop, "second", algorithm="Random"))
    kubectl.until(lambda: condition(shop, "second") == ("False", "Conflicted", True), "second Conflicted", 20)
    assert condition(shop, "second", "Conflicted")[0] == "True"
    shown = kubectl.run("get", "lbp", "-n", shop)
    assert "LeastRequest" in shown and "TARGET" in shown, shown
    kubectl.run("delete", KIND, "first", "-n", shop)
    accepted(shop, "second")


def test_a_target_that_is_not_there_is_said(shop):
    kubectl.apply(policy(shop, "early", service="nothing"))
    kubectl.until(lambda: condition(shop, "early") == ("False", "TargetNotFound", True), "early TargetNotFound", 20)


def test_who_may_edit_a_namespace_may_edit_its_policies(shop):
    as_editor = ("--as", "editor", "--as-group", "system:authenticated", "-n", shop)
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "editor", "namespace": shop},
               "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
               "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "editor"}]}
    kubectl.apply(binding)
    try:
        for verb in ("create", "update", "delete", "list"):
            answer = kubectl.run("auth", "can-i", verb, "loadbalancingpolicies.steelyard.dev", *as_editor, check=False)
            assert answer.strip() == "yes", f"{verb}: {answer}"
    finally:
        kubectl.run("delete", "rolebinding", "editor", "-n", shop)


@pytest.mark.parametrize("spec, words", [
    ({"consistentHash": {"virtualNodes": 5}}, "consistentHash belongs to the algorithms RingHash and Maglev"),
    ({"algorithm": "Fastest"}, "Unsupported value"),
    ({"drainTimeout": "25h"}, "must be from 0s to 24h"),
    ({"http": {"responseHeaders": {"set": [{"name": "Content-Length", "value": "1"}]}}}, "the proxy's own to write"),
])
def test_the_api_server_refuses_what_is_wrong(shop, spec, words):
    assert words in kubectl.refused(policy(shop, "wrong", **spec))
