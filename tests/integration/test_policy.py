"""LoadBalancingPolicy from end to end: what a proxy gets, what the status says, and that nothing goes wrong without it."""
import json

import pytest
import yaml

from harness.api_server import ADMIN_TOKEN
from harness.http_client import get
from harness.manifests import write
from harness.objects import cluster_role, endpoint, endpoint_slice, policy, service
from harness.policies import CRD, EVERYTHING, NAME, install
from harness.steelyard import SLOWDOWN
from harness.wait import eventually, never


@pytest.fixture
def crd(kubectl):
    install(kubectl)


@pytest.fixture(autouse=True)
def mended(kubectl, ns):
    """A policy with a problem would be one for every controller of the tests to come."""
    yield
    kubectl("delete", "loadbalancingpolicies", "--all", "-n", ns, check=False)


def in_force(proxy, upstream: str) -> dict:
    """The policy of an upstream as the proxy has it; {}: it does not know the upstream."""
    shown = json.loads(proxy.admin_get("/config").body)
    return next((one["policy"] for one in shown["resources"] if one["kind"] == "upstream" and one["name"] == upstream), {})


def condition(kubectl, ns, name: str, type: str = "Accepted") -> dict:
    status = json.loads(kubectl("get", "lbp", name, "-n", ns, "-o", "json")).get("status", {})
    return next((one for one in status.get("conditions", []) if one["type"] == type), {})


def wait_reason(kubectl, ns, name: str, reason: str) -> dict:
    def there():
        one = condition(kubectl, ns, name)
        assert one.get("reason") == reason, one
        return one
    return eventually(there, 15 * SLOWDOWN, f"{name} is {reason}", interval=0.1)


def wait_algorithm(proxy, upstream: str, algorithm: str):
    eventually(lambda: in_force(proxy, upstream).get("algorithm") == algorithm, 10 * SLOWDOWN, f"{upstream} is balanced by {algorithm}")


def events(kubectl, ns) -> list:
    everything = json.loads(kubectl("get", "events.events.k8s.io", "-n", ns, "-o", "json"))["items"]
    return [event for event in everything if event["regarding"]["kind"] == "LoadBalancingPolicy"]


# --- in a cluster --------------------------------------------------------------------------------------------------------
@pytest.mark.sanitizer
def test_a_policy_comes_changes_and_goes(crd, kubectl, ns, controller, sidecar, backend):
    one = backend("one")
    kubectl.apply(service(ns, annotations={"drain-timeout": "7s"}), endpoint_slice(ns, [endpoint(one.address)]))
    control = controller().wait_ready()
    proxy = sidecar(control, f"web.{ns}:80").wait_ready_hosts(one)
    assert in_force(proxy, f"{ns}/web:http")["algorithm"] == "weighted-round-robin"

    kubectl.apply(policy(ns, algorithm="Maglev", consistentHash={"key": {"type": "Header", "name": "X-User"}}))
    wait_algorithm(proxy, f"{ns}/web:http", "maglev")
    now = in_force(proxy, f"{ns}/web:http")
    assert now["hash"] == {"source": "header", "header": "x-user"} and now["drain_timeout_ms"] == 7000

    kubectl.apply(policy(ns, algorithm="Random", drainTimeout="9s"))
    wait_algorithm(proxy, f"{ns}/web:http", "random")
    assert in_force(proxy, f"{ns}/web:http")["drain_timeout_ms"] == 9000

    kubectl("delete", "lbp", "web", "-n", ns)
    wait_algorithm(proxy, f"{ns}/web:http", "weighted-round-robin")
    assert in_force(proxy, f"{ns}/web:http")["drain_timeout_ms"] == 7000


def test_what_the_schema_lets_in_can_be_read_and_is_taken_by_proxies(crd, kubectl, ns, controller, sidecar, backend):
    one = backend("one")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]), policy(ns, **EVERYTHING))
    control = controller().wait_ready()
    proxy = sidecar(control, f"web.{ns}:80")
    assert wait_reason(kubectl, ns, "web", "Accepted")["message"] == "in force for all of spec.targetRefs"
    wait_algorithm(proxy, f"{ns}/web:http", "maglev")
    now = in_force(proxy, f"{ns}/web:http")
    assert now["table_size"] == 65521 and now["load_factor_percent"] == 125 and now["proxy_protocol"] == "v2"
    assert now["timeouts"] == {"connect_ms": 2000, "response_ms": 60000, "idle_ms": 90000, "tunnel_idle_ms": 86400000, "udp_idle_ms": 10}
    assert now["http"]["cache"] == {"max_bytes": 33554432, "max_object_bytes": 65536}
    assert now["http"]["compression"]["codings"] == ["gzip", "zstd", "br"]
    assert control.metric("steelyard_push_answers_total", type="nack") == 0


@pytest.mark.sanitizer
def test_the_status_follows_the_policy(crd, kubectl, ns, controller):
    control = controller().wait_ready()
    kubectl.apply(policy(ns, algorithm="Random"))
    missing = wait_reason(kubectl, ns, "web", "TargetNotFound")
    assert missing["status"] == "False" and f"there is no Service {ns}/web" in missing["message"]

    kubectl.apply(service(ns))
    good = wait_reason(kubectl, ns, "web", "Accepted")
    assert (good["status"], good["observedGeneration"]) == ("True", 1)
    assert condition(kubectl, ns, "web", "Conflicted")["status"] == "False"

    kubectl.apply(policy(ns, algorithm="RoundRobin"))
    eventually(lambda: condition(kubectl, ns, "web").get("observedGeneration") == 2, 10 * SLOWDOWN, "the second generation is judged")
    assert condition(kubectl, ns, "web")["lastTransitionTime"] == good["lastTransitionTime"], "the status stayed True"
    assert json.loads(kubectl("get", "lbp", "web", "-n", ns, "-o", "json"))["status"]["observedGeneration"] == 2

    kubectl.apply(policy(ns, section="https", algorithm="RoundRobin"))
    assert "has no port 'https' (http)" in wait_reason(kubectl, ns, "web", "TargetNotFound")["message"]
    kubectl("delete", "service", "web", "-n", ns)
    eventually(lambda: "there is no Service" in condition(kubectl, ns, "web")["message"], 10 * SLOWDOWN, "the Service is gone")
    assert control.metric("steelyard_policies", reason="TargetNotFound") >= 1
    assert control.metric("steelyard_controller_policy_statuses_total", result="written") >= 4
    assert control.metric("steelyard_controller_policy_statuses_total", result="failed") == 0


def test_of_two_policies_the_older_is_in_force_and_the_other_its_heir(crd, kubectl, ns, controller, sidecar, backend):
    one = backend("one")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]))
    control = controller().wait_ready()
    proxy = sidecar(control, f"web.{ns}:80").wait_ready_hosts(one)
    kubectl.apply(policy(ns, "z-older", algorithm="Random"))
    wait_reason(kubectl, ns, "z-older", "Accepted")
    created = lambda name: json.loads(kubectl("get", "lbp", name, "-n", ns, "-o", "json"))["metadata"]["creationTimestamp"]

    def newer() -> bool:
        """Of a later second: creationTimestamp knows no smaller one."""
        kubectl("delete", "lbp", "a-newer", "-n", ns, "--ignore-not-found")
        kubectl.apply(policy(ns, "a-newer", algorithm="RoundRobin"))
        return created("a-newer") > created("z-older")

    eventually(newer, 10, "a policy that is newer")
    lost = wait_reason(kubectl, ns, "a-newer", "Conflicted")
    assert lost["status"] == "False" and f"{ns}/z-older" in lost["message"]
    assert condition(kubectl, ns, "a-newer", "Conflicted")["status"] == "True"
    assert wait_reason(kubectl, ns, "z-older", "Accepted")["status"] == "True"
    wait_algorithm(proxy, f"{ns}/web:http", "random")
    # The other has one as well if both were of the same second at first.
    about = lambda event: (event["reason"], event["regarding"]["name"]) == ("Conflicted", "a-newer")
    told = eventually(lambda: [event for event in events(kubectl, ns) if about(event)], 10 * SLOWDOWN, "an event")
    assert told[0]["type"] == "Warning"
    assert "Conflicted" in kubectl("describe", "lbp", "a-newer", "-n", ns)

    kubectl("delete", "lbp", "z-older", "-n", ns)
    wait_algorithm(proxy, f"{ns}/web:http", "round-robin")
    wait_reason(kubectl, ns, "a-newer", "Accepted")
    assert condition(kubectl, ns, "a-newer", "Conflicted")["status"] == "False"


def test_what_another_wrote_into_the_status_is_put_right(crd, kubectl, ns, controller):
    kubectl.apply(service(ns), policy(ns, algorithm="Random"))
    controller().wait_ready()
    wait_reason(kubectl, ns, "web", "Accepted")
    lie = {"status": {"conditions": [{"type": "Accepted", "status": "False", "reason": "Lie", "message": "",
                                      "lastTransitionTime": "2020-01-01T00:00:00Z"}]}}
    kubectl("patch", "lbp", "web", "-n", ns, "--subresource=status", "--type=merge", "-p", json.dumps(lie))
    assert wait_reason(kubectl, ns, "web", "Accepted")["status"] == "True"


def test_only_the_leader_writes(crd, kubectl, ns, controller, api_server):
    def start(name):
        return controller("--kubeconfig", api_server.kubeconfig("controller", token=ADMIN_TOKEN), "--leader-elect", "true",
                          "--namespace", ns, "--identity", name, name=name).wait_ready()
    one = start("one")
    eventually(lambda: one.metric("steelyard_controller_leader") == 1, 10 * SLOWDOWN)
    two = start("two")
    kubectl.apply(service(ns), policy(ns, algorithm="Random"))
    wait_reason(kubectl, ns, "web", "Accepted")
    never(lambda: two.metric("steelyard_controller_policy_statuses_total", result="written"), 1)
    kubectl("delete", "service", "web", "-n", ns)
    wait_reason(kubectl, ns, "web", "TargetNotFound")
    one.terminate()
    kubectl.apply(service(ns))
    wait_reason(kubectl, ns, "web", "Accepted")
    assert two.metric("steelyard_controller_policy_statuses_total", result="written") >= 1


def test_without_the_right_to_write_the_policy_is_in_force_all_the_same(crd, kubectl, ns, controller, sidecar, backend, api_server):
    one = backend("one")
    user = api_server.client_certificate_kubeconfig(f"reader-{ns}")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]), policy(ns, algorithm="Random"),
                  *cluster_role(f"reader-{ns}", f"reader-{ns}", [("", ["services", "pods"]), ("discovery.k8s.io", ["endpointslices"]),
                                                                ("steelyard.dev", ["loadbalancingpolicies"])]))
    control = controller("--kubeconfig", user).wait_ready()
    proxy = sidecar(control, f"web.{ns}:80").wait_ready_hosts(one)
    wait_algorithm(proxy, f"{ns}/web:http", "random")
    assert "the status cannot be written: 403" in control.wait_log("the status cannot be written")
    assert control.terminate(5 * SLOWDOWN) == 0


def test_a_cluster_without_the_definition_and_with_it_later(kubectl, ns, controller, sidecar, backend):
    kubectl("delete", "crd", NAME, "--ignore-not-found")
    eventually(lambda: "NotFound" in kubectl("get", "crd", NAME, check=False), 20, "the definition is gone")
    one = backend("one")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]))
    control = controller().wait_ready()
    proxy = sidecar(control, f"web.{ns}:80").wait_ready_hosts(one)
    assert get(proxy.address_of()).backend == "one"
    control.wait_log("there is the CustomResourceDefinition loadbalancingpolicies.steelyard.dev")
    eventually(lambda: control.metric("steelyard_kube_errors_total", kind="LoadBalancingPolicies", reason="not_found") >= 2,
               15 * SLOWDOWN, "it is asked for again")
    assert control.log().count("there is the CustomResourceDefinition loadbalancingpolicies.steelyard.dev") == 1

    install(kubectl)
    kubectl.apply(policy(ns, algorithm="Random"))
    eventually(lambda: in_force(proxy, f"{ns}/web:http").get("algorithm") == "random", 30 * SLOWDOWN, "the policy is in force")
    wait_reason(kubectl, ns, "web", "Accepted")

    kubectl("delete", "crd", NAME)
    wait_algorithm(proxy, f"{ns}/web:http", "weighted-round-robin")
    assert control.running() and get(proxy.address_of()).backend == "one"
    install(kubectl)


def test_a_policy_that_the_schema_would_refuse_is_invalid(kubectl, ns, controller, sidecar, backend):
    """A cluster where somebody installed a definition of their own."""
    loose = yaml.safe_load(CRD.read_text())
    version = loose["spec"]["versions"][0]
    version["schema"]["openAPIV3Schema"]["properties"]["spec"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    install(kubectl)
    try:
        kubectl("apply", "-f", "-", stdin=yaml.safe_dump(loose))
        one = backend("one")
        kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]))
        bad = policy(ns, algorithm="Fastest", drainTimeout="25h")
        eventually(lambda: "created" in kubectl("apply", "--validate=false", "-f", "-", stdin=json.dumps(bad), check=False), 20,
                   "the loose definition lets it in", interval=0.3)
        control = controller().wait_ready()
        proxy = sidecar(control, f"web.{ns}:80").wait_ready_hosts(one)
        message = wait_reason(kubectl, ns, "web", "Invalid")["message"]
        assert "spec.algorithm: 'Fastest' is none of" in message and "spec.drainTimeout: '25h' is not between 0s and 24h" in message
        assert in_force(proxy, f"{ns}/web:http")["algorithm"] == "weighted-round-robin"
        assert eventually(lambda: [event for event in events(kubectl, ns) if event["reason"] == "Invalid"], 10 * SLOWDOWN, "an event")
        assert "LoadBalancingPolicy" in control.wait_log("Invalid: spec.algorithm")
        kubectl.apply(policy(ns, algorithm="Random", retries=3))
        wait_algorithm(proxy, f"{ns}/web:http", "random")
        assert "spec.retries is not known to this controller and ignored" in wait_reason(kubectl, ns, "web", "Accepted")["message"]
    finally:
        kubectl("delete", "lbp", "--all", "-n", ns)
        kubectl("apply", "-f", str(CRD))


# --- with --manifests ----------------------------------------------------------------------------------------------------
@pytest.fixture
def directory(tmp_path):
    made = tmp_path / "manifests"
    made.mkdir()
    return made


@pytest.mark.sanitizer
def test_a_policy_in_a_file_and_a_bad_edit_of_it(directory, manifest_controller, sidecar, backend):
    one = backend("one")
    write(directory, "web.yaml", service("shop"), endpoint_slice("shop", [endpoint(one.address)]))
    write(directory, "policy.yaml", policy("shop", algorithm="Random"))
    control = manifest_controller(directory)
    proxy = sidecar(control, "web.shop:80").wait_ready_hosts(one)
    wait_algorithm(proxy, "shop/web:http", "random")

    for bad, says in ((policy("shop", algorithm="Fastest"), "spec.algorithm: 'Fastest' is none of"),
                      (policy("shop", algorithm="RoundRobin", helthCheck={"type": "TCP"}), "spec.helthCheck: is not a field that is known here"),
                      (policy("shop", algorithm="RoundRobin", drainTimeout=30), "spec.drainTimeout: 30 is a number, not a text")):
        write(directory, "policy.yaml", bad)
        line = control.wait_log(says)
        assert "policy.yaml" in line and "LoadBalancingPolicy shop/web" in line and "the last good version stays in force" in line
        never(lambda: in_force(proxy, "shop/web:http").get("algorithm") != "random", 0.3, "the last good version is gone")

    write(directory, "policy.yaml", policy("shop", algorithm="LeastRequest"))
    wait_algorithm(proxy, "shop/web:http", "least-request")
    (directory / "policy.yaml").unlink()
    wait_algorithm(proxy, "shop/web:http", "weighted-round-robin")


def test_conflicts_and_targets_that_are_not_there_are_said_in_the_log_and_on_the_page(directory, manifest_controller):
    write(directory, "all.yaml", service("shop"), policy("shop", "first", algorithm="Random"), policy("shop", "second", algorithm="RoundRobin"),
          policy("shop", "third", of="wbe"))
    control = manifest_controller(directory).wait_ready()
    assert "shop/first, which comes before it, is in force for Service shop/web" in control.wait_log("shop/second: Conflicted")
    control.wait_log("shop/third: TargetNotFound: spec.targetRefs[0]: there is no Service shop/wbe")
    shown = json.loads(control.admin_get("/problems").body)["policies"]
    assert [(one["policy"], one["reason"]) for one in shown] == [("shop/second", "Conflicted"), ("shop/third", "TargetNotFound")]
    assert control.metric("steelyard_policies", reason="Accepted") == 1
    write(directory, "all.yaml", service("shop"), policy("shop", "second", algorithm="RoundRobin"))
    control.wait_log("shop/second: no longer Conflicted")
