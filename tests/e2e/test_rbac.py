"""What the controller's account may do, and what it must not. Asked of the API server, not read from the chart."""
import pytest

from harness import kubectl, release

ACCOUNT = f"system:serviceaccount:{release.NAMESPACE}:steelyard-controller"

ALLOWED = [
    ("list", "services", "--all-namespaces"), ("watch", "services", "--all-namespaces"),
    ("list", "pods", "--all-namespaces"), ("watch", "pods", "--all-namespaces"),
    ("list", "endpointslices.discovery.k8s.io", "--all-namespaces"), ("watch", "endpointslices.discovery.k8s.io", "--all-namespaces"),
    ("list", "loadbalancingpolicies.steelyard.dev", "--all-namespaces"), ("watch", "loadbalancingpolicies.steelyard.dev", "--all-namespaces"),
    ("patch", "loadbalancingpolicies.steelyard.dev", "--subresource=status", "--all-namespaces"),
    ("create", "tokenreviews.authentication.k8s.io", "--all-namespaces"),
    ("create", "events.events.k8s.io", "--namespace", "default"),
    ("update", "leases.coordination.k8s.io/steelyard-controller", "--namespace", release.NAMESPACE),
    ("get", "secrets/steelyard-tls", "--namespace", release.NAMESPACE),
    ("update", "secrets/steelyard-tls", "--namespace", release.NAMESPACE),
    ("update", "configmaps/steelyard-ca", "--namespace", release.NAMESPACE),
    ("patch", "mutatingwebhookconfigurations.admissionregistration.k8s.io/steelyard-injector", "--all-namespaces"),
]
REFUSED = [
    ("list", "secrets", "--all-namespaces"), ("get", "secrets", "--namespace", "default"),
    ("list", "secrets", "--namespace", release.NAMESPACE), ("get", "secrets/other", "--namespace", release.NAMESPACE),
    ("update", "configmaps/other", "--namespace", release.NAMESPACE), ("get", "configmaps", "--namespace", "kube-system"),
    ("create", "pods", "--all-namespaces"), ("delete", "pods", "--all-namespaces"), ("patch", "pods", "--all-namespaces"),
    ("create", "pods/exec", "--all-namespaces"), ("create", "pods/eviction", "--all-namespaces"),
    ("update", "services", "--all-namespaces"), ("delete", "services", "--all-namespaces"),
    ("create", "endpointslices.discovery.k8s.io", "--all-namespaces"), ("update", "endpointslices.discovery.k8s.io", "--all-namespaces"),
    ("patch", "loadbalancingpolicies.steelyard.dev", "--all-namespaces"), ("create", "loadbalancingpolicies.steelyard.dev", "--all-namespaces"),
    ("delete", "loadbalancingpolicies.steelyard.dev", "--all-namespaces"),
    ("create", "serviceaccounts/token", "--all-namespaces"), ("impersonate", "users", "--all-namespaces"),
    ("create", "clusterrolebindings.rbac.authorization.k8s.io", "--all-namespaces"),
    ("escalate", "clusterroles.rbac.authorization.k8s.io", "--all-namespaces"),
    ("bind", "clusterroles.rbac.authorization.k8s.io", "--all-namespaces"),
    ("create", "mutatingwebhookconfigurations.admissionregistration.k8s.io", "--all-namespaces"),
    ("delete", "mutatingwebhookconfigurations.admissionregistration.k8s.io/steelyard-injector", "--all-namespaces"),
    ("patch", "mutatingwebhookconfigurations.admissionregistration.k8s.io/other", "--all-namespaces"),
    ("patch", "validatingwebhookconfigurations.admissionregistration.k8s.io/steelyard-injector", "--all-namespaces"),
    ("list", "nodes", "--all-namespaces"), ("get", "nodes/proxy", "--all-namespaces"),
    ("update", "leases.coordination.k8s.io", "--namespace", "kube-system"), ("*", "*", "--all-namespaces"),
]


def may(question: tuple) -> bool:
    answer = kubectl.run("auth", "can-i", *question, "--as", ACCOUNT, check=False).strip().splitlines()
    assert answer and answer[-1] in ("yes", "no"), f"kubectl auth can-i {question}: {answer}"
    return answer[-1] == "yes"


@pytest.mark.parametrize("questions, expected", [(ALLOWED, True), (REFUSED, False)], ids=["what it needs", "what it must not"])
def test_the_controllers_account_may_do(installation, questions, expected):
    wrong = [" ".join(question) for question in questions if may(question) != expected]
    assert not wrong, f"{'refused' if expected else 'allowed'}: {wrong}"
