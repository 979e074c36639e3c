"""LoadBalancingPolicy in a cluster: refused by its schema, in force in running proxies, and taken back, under load."""
import json

import pytest

from harness import kubectl, load

LIFTED = {"algorithm": "Maglev", "consistentHash": {"key": {"type": "ClientIP"}}}


def policy(namespace: str, **spec) -> dict:
    return {"apiVersion": "steelyard.dev/v1alpha1", "kind": "LoadBalancingPolicy", "metadata": {"name": "web", "namespace": namespace},
            "spec": {"targetRefs": [{"kind": "Service", "name": "web"}], **spec}}


def accepted(namespace: str) -> dict:
    conditions = kubectl.get("lbp", "web", "-n", namespace).get("status", {}).get("conditions", [])
    return next((one for one in conditions if one["type"] == "Accepted"), {})


@pytest.fixture
def cleaned(shop):
    yield
    kubectl.run("delete", "lbp", "web", "-n", shop, "--ignore-not-found")


def test_the_schema_refuses_what_makes_no_sense(shop):
    words = kubectl.refused(policy(shop, algorithm="Random", consistentHash={}))
    assert "consistentHash belongs to the algorithms RingHash and Maglev" in words


def test_a_policy_is_in_force_and_taken_back_under_load(clients, explicit, shop, cleaned):
    """By the hash of its address a client has one backend; without the policy it has all of them."""
    with load.without_a_failure("a policy comes and goes", *clients):
        kubectl.apply(policy(shop, **LIFTED))
        kubectl.until(lambda: accepted(shop).get("status") == "True", "the policy is accepted", 15)
        kubectl.until(lambda: len({explicit.get() for _ in range(10)}) == 1, "one backend for one client", 15)
        kubectl.run("delete", "lbp", "web", "-n", shop)
        kubectl.until(lambda: len({explicit.get() for _ in range(10)}) > 1, "all backends again", 15)


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


def test_the_status_is_told_by_the_leader_in_words(shop, cleaned):
    kubectl.apply({**policy(shop), "spec": {"targetRefs": [{"name": "web", "sectionName": "nowhere"}]}})
    found = kubectl.until(lambda: accepted(shop), "it is judged", 15)
    assert found["reason"] == "TargetNotFound" and "has no port 'nowhere'" in found["message"], json.dumps(found)
