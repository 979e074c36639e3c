"""helm uninstall leaves nothing behind but what would take the users' policies and pools with it, and proxies that run go on with what they know."""
import time

from harness import kubectl, load, release

KEPT = {f"customresourcedefinition.apiextensions.k8s.io/{kind}.steelyard.dev"
        for kind in ("addresspools", "loadbalancingpolicies", "virtualipadvertisements")}
OURS = "app.kubernetes.io/instance=steelyard"


def everything() -> list[str]:
    """All objects of ours, of every kind that can be listed, in the cluster and in the namespace."""
    found = []
    for scoped in ("true", "false"):
        kinds = kubectl.run("api-resources", "--verbs=list", f"--namespaced={scoped}", "-o", "name").split()
        kinds = [kind for kind in kinds if not kind.startswith(("events", "componentstatuses"))]
        found += kubectl.run("get", ",".join(kinds), "-A", "-l", OURS, "-o", "name", "--ignore-not-found").split()
    own = kubectl.run("get", "secrets,configmaps,leases,pods,services,deployments,serviceaccounts,roles,rolebindings", "-n",
                      release.NAMESPACE, "-o", "name").split()
    found += [name for name in own if name not in ("configmap/kube-root-ca.crt", "serviceaccount/default")]
    named = kubectl.run("get", "clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations,"
                        "customresourcedefinitions", "-o", "name").split()
    return found + [name for name in named if "steelyard" in name]


def test_uninstall_leaves_nothing_and_traffic_goes_on(clients):
    with load.without_a_failure("uninstall", *clients):
        time.sleep(1)
        release.uninstall()
        # helm does not wait for the pods, which take their time to say goodbye.
        kubectl.until(lambda: not kubectl.get("pods", "-n", release.NAMESPACE)["items"], "the controllers' pods gone", 60)
        time.sleep(1)
    left = set(everything())
    assert left == KEPT, f"left behind: {left}"


def test_pods_start_without_the_injector(shop):
    """Nothing is in the way of pods, labelled or not, once the webhook is gone."""
    kubectl.run("rollout", "restart", "-n", shop, "deployment/web")
    kubectl.rolled_out("deployment/web", shop)
