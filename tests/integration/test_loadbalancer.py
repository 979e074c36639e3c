"""Services of type LoadBalancer on a real API server: who gets which address, what is written where, and that it is given back."""
import json
import re
from pathlib import Path

import pytest
import yaml

from harness.api_server import ADMIN_TOKEN, ApiServer
from harness.kubectl import Kubectl
from harness.load_balancers import (FINALIZER, ROUTER_ID, accepted, addresses, advertisement, balanced, events, ingress, install, pool, pool_status, read,
                                    wait_addresses, wait_event, wait_free)
from harness.objects import cluster_role, namespace
from harness.push_client import PushClient
from harness.steelyard import SLOWDOWN
from harness.wait import eventually, never

CHART = Path(__file__).parents[2] / "charts/steelyard"
RANGE = "198.51.100.{}-198.51.100.{}"


@pytest.fixture(autouse=True)
def crds(kubectl):
    """Pools are the cluster's: they go with the test."""
    install(kubectl)
    yield
    kubectl("delete", "addresspools,virtualipadvertisements", "--all", check=False)


@pytest.fixture
def candidate(controller, api_server, ns):
    def start(name: str, *arguments):
        kubeconfig = api_server.kubeconfig("controller", token=ADMIN_TOKEN)
        return controller("--kubeconfig", kubeconfig, "--leader-elect", "true", "--namespace", ns, "--identity", name, "--lease-duration", "3s",
                          "--renew-deadline", "2s", "--retry-period", "400ms", *arguments, name=name)
    return start


def wait_accepted(kubectl, name: str, reason: str = "Accepted") -> dict:
    def there():
        found = accepted(pool_status(kubectl, name))
        assert found.get("reason") == reason, found
        return found
    return eventually(there, 15 * SLOWDOWN, f"pool {name} is {reason}", interval=0.1)


def wait_counts(kubectl, name: str, total: int, assigned: int):
    def there():
        status = pool_status(kubectl, name)
        assert (status.get("total"), status.get("assigned"), status.get("available")) == (total, assigned, total - assigned), status
        return True
    eventually(there, 15 * SLOWDOWN, f"pool {name} has {assigned} of {total} assigned", interval=0.1)


@pytest.mark.sanitizer
def test_a_service_gets_an_address_and_gives_it_back(kubectl, ns, controller):
    kubectl.apply(pool("front", RANGE.format(1, 4), namespaces=[ns]), balanced(ns))
    control = controller().wait_ready()
    assert wait_addresses(kubectl, ns) == ["198.51.100.1"]
    now = read(kubectl, ns)
    assert ingress(now) == [{"ip": "198.51.100.1", "ipMode": "Proxy"}]
    assert now["metadata"]["finalizers"].count(FINALIZER) == 1
    assert 1 <= int(now["metadata"]["annotations"][ROUTER_ID]) <= 255
    told = wait_event(kubectl, ns, "web", "IPAllocated", "198.51.100.1")
    assert told["type"] == "Normal" and told["regarding"]["uid"] == now["metadata"]["uid"]
    wait_counts(kubectl, "front", 4, 1)
    assert control.metric("steelyard_address_pool_assigned", pool="front") == 1
    assert control.metric("steelyard_load_balancer_services", state="assigned") >= 1

    kubectl("delete", "service", "web", "-n", ns, "--timeout=20s")
    wait_counts(kubectl, "front", 4, 0)
    wait_event(kubectl, ns, "web", "IPReleased", "198.51.100.1")


def test_a_change_of_type_gives_the_address_back(kubectl, ns, controller):
    kubectl.apply(pool("front", RANGE.format(1, 4), namespaces=[ns]), balanced(ns))
    controller().wait_ready()
    wait_addresses(kubectl, ns)
    kubectl("patch", "service", "web", "-n", ns, "--type=json",
            "-p", json.dumps([{"op": "replace", "path": "/spec/type", "value": "ClusterIP"}, {"op": "remove", "path": "/spec/loadBalancerClass"},
                              {"op": "remove", "path": "/spec/allocateLoadBalancerNodePorts"}]))
    wait_free(kubectl, ns)
    wait_counts(kubectl, "front", 4, 0)
    kubectl("patch", "service", "web", "-n", ns, "-p", json.dumps({"spec": {"type": "LoadBalancer", "loadBalancerClass": "steelyard.dev/vip"}}))
    wait_addresses(kubectl, ns)


def test_services_of_others_are_left_alone(kubectl, ns, controller):
    kubectl.apply(pool("front", RANGE.format(1, 4), namespaces=[ns]), balanced(ns, "other", lb_class="example.com/lb"), balanced(ns, "none", lb_class=None),
                  balanced(ns, "ours"))
    control = controller().wait_ready()
    wait_addresses(kubectl, ns, "ours")
    for name in ("other", "none"):
        assert not ingress(read(kubectl, ns, name))
        assert "finalizers" not in read(kubectl, ns, name)["metadata"]
    control.kill()
    controller("--kubeconfig", control.command[control.command.index("--kubeconfig") + 1], "--default-load-balancer-class", name="default").wait_ready()
    wait_addresses(kubectl, ns, "none")
    assert not ingress(read(kubectl, ns, "other"))


def test_an_address_that_is_asked_for(kubectl, ns, controller):
    kubectl.apply(pool("front", RANGE.format(1, 9), namespaces=[ns]), balanced(ns, "asks", {"loadBalancerIPs": "198.51.100.7"}),
                  balanced(ns, "field", loadBalancerIP="198.51.100.8"), balanced(ns, "outside", {"loadBalancerIPs": "203.0.113.1"}),
                  balanced(ns, "odd", {"loadBalancerIPs": "198.51.100.300"}))
    control = controller().wait_ready()
    assert wait_addresses(kubectl, ns, "asks") == ["198.51.100.7"]
    assert wait_addresses(kubectl, ns, "field") == ["198.51.100.8"]
    assert "203.0.113.1" in wait_event(kubectl, ns, "outside", "AllocationFailed")["note"]
    assert "198.51.100.300" in wait_event(kubectl, ns, "odd", "AllocationFailed")["note"]
    assert not addresses(kubectl, ns, "outside") and not addresses(kubectl, ns, "odd")
    assert control.metric("steelyard_load_balancer_allocation_failures_total", reason="outside_pools") >= 1
    kubectl("annotate", "service", "outside", "-n", ns, "--overwrite", "steelyard.dev/loadBalancerIPs=198.51.100.9")
    assert wait_addresses(kubectl, ns, "outside") == ["198.51.100.9"]


def test_services_share_an_address(kubectl, ns, controller):
    shared = {"loadBalancerIPs": "198.51.100.7", "allow-shared-ip": "k"}
    kubectl.apply(pool("front", RANGE.format(1, 9), namespaces=[ns]), balanced(ns, "one", shared, port=80), balanced(ns, "two", shared, port=443))
    controller().wait_ready()
    assert wait_addresses(kubectl, ns, "one") == wait_addresses(kubectl, ns, "two") == ["198.51.100.7"]
    ids = {read(kubectl, ns, name)["metadata"]["annotations"][ROUTER_ID] for name in ("one", "two")}
    assert len(ids) == 1, "one address is announced once"
    kubectl.apply(balanced(ns, "three", shared, port=443))
    assert "198.51.100.7" in wait_event(kubectl, ns, "three", "AllocationFailed")["note"]


def test_both_families(kubernetes_binaries, tmp_path, controller):
    """An API server of its own: the others' knows IPv4 alone."""
    server = ApiServer(kubernetes_binaries, tmp_path / "api", cluster_ips="10.96.0.0/16,fd00:96::/112").start()
    try:
        kubectl = Kubectl(kubernetes_binaries / "kubectl", server.kubeconfig("admin", token=ADMIN_TOKEN), tmp_path / "cache")
        install(kubectl)
        kubectl.apply(namespace("shop"), pool("front", RANGE.format(1, 9), "2001:db8:5::/120"), balanced("shop", "both", ipFamilyPolicy="RequireDualStack"),
                      balanced("shop", "prefers", ipFamilyPolicy="PreferDualStack", ipFamilies=["IPv6", "IPv4"]),
                      balanced("shop", "six", ipFamilies=["IPv6"]), balanced("shop", "four"))
        controller("--kubeconfig", server.kubeconfig("controller", token=ADMIN_TOKEN)).wait_ready()
        four, six = wait_addresses(kubectl, "shop", "both", count=2)
        assert four.startswith("198.51.100.") and six.startswith("2001:db8:5::")
        six, four = wait_addresses(kubectl, "shop", "prefers", count=2)
        assert four.startswith("198.51.100.") and six.startswith("2001:db8:5::"), "in the order of its families"
        assert wait_addresses(kubectl, "shop", "six")[0].startswith("2001:db8:5::")
        assert wait_addresses(kubectl, "shop", "four")[0].startswith("198.51.100.")
        assert all(entry["ipMode"] == "Proxy" for name in ("both", "prefers") for entry in ingress(read(kubectl, "shop", name)))
    finally:
        server.stop()


def test_who_waits_gets_what_is_freed(kubectl, ns, controller):
    kubectl.apply(pool("front", RANGE.format(1, 1), namespaces=[ns]), balanced(ns, "first"))
    controller().wait_ready()
    wait_addresses(kubectl, ns, "first")
    kubectl.apply(balanced(ns, "second"))
    wait_event(kubectl, ns, "second", "AllocationFailed")
    kubectl("delete", "service", "first", "-n", ns, "--timeout=20s")
    assert wait_addresses(kubectl, ns, "second") == ["198.51.100.1"]


def test_a_pool_that_overlaps_an_older_one(kubectl, ns, controller):
    kubectl.apply(pool("a-older", RANGE.format(1, 9), namespaces=[ns]))
    controller().wait_ready()
    wait_accepted(kubectl, "a-older")
    kubectl.apply(pool("b-younger", RANGE.format(5, 20), namespaces=[ns]))
    lost = wait_accepted(kubectl, "b-younger", "Overlap")
    assert lost["status"] == "False" and "a-older" in lost["message"]
    assert pool_status(kubectl, "b-younger")["available"] == 0
    kubectl.apply(pool("b-younger", RANGE.format(10, 20), namespaces=[ns]))
    assert wait_accepted(kubectl, "b-younger")["observedGeneration"] == 2
    kubectl.apply(pool("c-reversed", RANGE.format(60, 50)))
    wait_accepted(kubectl, "c-reversed", "Invalid")


def test_the_pool_and_the_router_ids_that_are_asked_for(kubectl, ns, controller):
    kubectl.apply(pool("front", RANGE.format(1, 9), namespaces=[ns]), pool("back", RANGE.format(50, 59), autoAssign=False, namespaces=[ns]),
                  advertisement("back", addressPools=["back"], vrrp={"virtualRouterIDs": {"first": 200, "last": 209}}),
                  balanced(ns, "asks", {"address-pool": "back"}), balanced(ns, "any"))
    controller().wait_ready()
    assert wait_addresses(kubectl, ns, "asks") == ["198.51.100.50"]
    assert wait_addresses(kubectl, ns, "any") == ["198.51.100.1"]
    assert 200 <= int(read(kubectl, ns, "asks")["metadata"]["annotations"][ROUTER_ID]) <= 209
    shown = lambda: accepted(json.loads(kubectl("get", "vipadv", "back", "-o", "json")).get("status", {}))
    eventually(lambda: shown().get("reason") == "Accepted", 15 * SLOWDOWN, "the advertisement is accepted")
    assert shown()["message"] == "in force for 1 pools"


def test_addresses_are_stable_over_restarts(kubectl, ns, controller):
    names = [f"s{i}" for i in range(6)]
    kubectl.apply(pool("front", RANGE.format(1, 20), namespaces=[ns]))
    first = controller().wait_ready()
    for name in reversed(names):
        kubectl.apply(balanced(ns, name))
        wait_addresses(kubectl, ns, name)
    before = {name: read(kubectl, ns, name) for name in names}
    first.kill()
    kubectl.apply(balanced(ns, "later"))
    controller(name="second").wait_ready()
    wait_addresses(kubectl, ns, "later")
    for name in names:
        now = read(kubectl, ns, name)
        assert now["metadata"]["resourceVersion"] == before[name]["metadata"]["resourceVersion"], "nothing was written"
    told = [one for name in names for one in events(kubectl, ns, name) if one["action"] == "Allocate"]
    assert {one["reason"] for one in told} == {"IPAllocated"} and len(told) == len(names)


@pytest.mark.sanitizer
def test_of_two_controllers_one_writes_and_the_other_takes_over(kubectl, ns, candidate):
    kubectl.apply(pool("front", RANGE.format(1, 40), namespaces=[ns]))
    one = candidate("one")
    eventually(lambda: one.metric("steelyard_controller_leader") == 1, 10 * SLOWDOWN, "one leads")
    two = candidate("two")
    two.wait_log("one_")
    names = [f"s{i}" for i in range(20)]
    kubectl.apply(*[balanced(ns, name) for name in names[:10]])
    for name in names[:10]:
        wait_addresses(kubectl, ns, name)
    assert two.metric("steelyard_load_balancer_writes_total", result="written") == 0
    kubectl.apply(*[balanced(ns, name) for name in names[10:]])
    one.send(15)
    for name in names:
        wait_addresses(kubectl, ns, name)
    given = [addresses(kubectl, ns, name)[0] for name in names]
    assert len(set(given)) == len(names), sorted(given)
    assert two.metric("steelyard_controller_leader") == 1
    kubectl.apply(balanced(ns, "after"))
    assert wait_addresses(kubectl, ns, "after")[0] not in given


def test_a_status_that_somebody_wrote_over_is_mended(kubectl, ns, controller):
    kubectl.apply(pool("front", RANGE.format(1, 9), namespaces=[ns]), balanced(ns))
    controller().wait_ready()
    wait_addresses(kubectl, ns)
    kubectl("patch", "service", "web", "-n", ns, "--subresource=status", "--type=merge",
            "-p", json.dumps({"status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.9", "ipMode": "VIP"}, {"ip": "203.0.113.8", "ipMode": "Proxy"}]}}}))
    eventually(lambda: ingress(read(kubectl, ns)) == [{"ip": "203.0.113.9", "ipMode": "VIP"}, {"ip": "198.51.100.1", "ipMode": "Proxy"}], 15 * SLOWDOWN,
               "ours is there again, and the other's stayed")
    kubectl("annotate", "service", "web", "-n", ns, "--overwrite", f"{ROUTER_ID}=300")
    eventually(lambda: read(kubectl, ns)["metadata"]["annotations"][ROUTER_ID] != "300", 15 * SLOWDOWN, "what is no id is replaced")


def test_an_edge_is_told_of_the_address_and_others_are_not(kubectl, ns, controller):
    kubectl.apply(pool("front", RANGE.format(1, 9), namespaces=[ns]), balanced(ns, externalTrafficPolicy="Local", loadBalancerSourceRanges=["192.0.2.0/24"]))
    control = controller().wait_ready()
    wait_addresses(kubectl, ns)
    router = int(read(kubectl, ns)["metadata"]["annotations"][ROUTER_ID])
    edge, proxy = PushClient(control, "edge-1", [], role="edge"), PushClient(control, "proxy-1", [f"web.{ns}:80"])

    def known() -> dict:
        """All that the edge was told, by kind and name."""
        found = {}
        for frame in edge.frames:
            found |= {(one["kind"], one["name"]): one for one in frame.get("upsert", [])}
        return found

    edge.receive_and_ack()
    eventually(lambda: ("virtual_ip", f"{ns}/web") in known() or edge.receive_and_ack() and None, 10 * SLOWDOWN, "the virtual IP is told")
    ip = known()["virtual_ip", f"{ns}/web"]
    assert ip["router_id"] == router and ip["addresses"] == ["198.51.100.1"] and ip["local_upstreams"] == [f"{ns}/web:http"]
    listener = known()["listener", f"vip/{ns}/web:http/tcp@198.51.100.1"]
    assert (listener["address"], listener["port"], listener["protocol"]) == ("198.51.100.1", 80, "tcp")
    assert listener["source_ranges"] == ["192.0.2.0/24"] and listener["local_only"]
    assert {one["kind"] for one in proxy.receive_and_ack()["upsert"]} <= {"upstream", "endpoints"}
    kubectl("delete", "service", "web", "-n", ns, "--timeout=20s")
    gone = lambda: any(one["kind"] == "virtual_ip" for frame in edge.frames for one in frame.get("remove", []))
    eventually(lambda: gone() or edge.receive_and_ack() and None, 10 * SLOWDOWN, "it is taken away")
    edge.close()
    proxy.close()


def rules_of_the_chart() -> list:
    """What the chart lets the controller do in the whole cluster where there is an edge."""
    text = (CHART / "templates/controller/rbac.yaml").read_text()
    role = text[text.index("rules:"):text.index("\n---")]
    return yaml.safe_load(re.sub(r"^ *{{.*}}$", "", role.replace("{{ include \"steelyard.injector\" . }}", "x"), flags=re.MULTILINE))["rules"]


def test_the_rights_that_the_chart_gives_will_do(kubectl, ns, controller, api_server):
    user = f"chart-{ns}"
    role, binding = cluster_role(user, user, [])
    kubectl.apply(role | {"rules": rules_of_the_chart()}, binding, pool("front", RANGE.format(1, 9), namespaces=[ns]), advertisement("all"), balanced(ns))
    control = controller("--kubeconfig", api_server.client_certificate_kubeconfig(user), "--watch-nodes").wait_ready()
    wait_addresses(kubectl, ns)
    wait_counts(kubectl, "front", 9, 1)
    kubectl("delete", "service", "web", "-n", ns, "--timeout=20s")
    wait_event(kubectl, ns, "web", "IPReleased")
    assert control.metric("steelyard_load_balancer_writes_total", result="failed") == 0
    assert control.metric("steelyard_controller_policy_statuses_total", result="failed") == 0
    assert control.metric("steelyard_kube_synced", kind="Nodes") == 1


def test_a_disputed_address_is_told_on_its_service(kubectl, ns, controller):
    kubectl.apply(pool("front", RANGE.format(1, 9), namespaces=[ns]), balanced(ns), balanced(ns, "other"))
    control = controller().wait_ready()
    address, _ = wait_addresses(kubectl, ns)[0], wait_addresses(kubectl, ns, "other")
    # Told by what the controller has seen of the status.
    router = int(read(kubectl, ns)["metadata"]["annotations"][ROUTER_ID])
    edge = PushClient(control, "edge-1", [], role="edge")
    edge.receive_and_ack()
    one = {"router_id": router, "family": "ipv4", "addresses": [address], "interface": "eth0", "state": "master", "conflicts": 0, "splits": 0, "problem": ""}

    def told(reason: str) -> bool:
        edge.send(type="report", upstreams=[], virtual_ips=[one])
        return bool(events(kubectl, ns, "web", reason))

    assert not told("AddressConflict")
    one["conflicts"] = 1
    eventually(lambda: told("AddressConflict"), 15 * SLOWDOWN, "the conflict is told", interval=0.2)
    one["splits"] = 1
    eventually(lambda: told("SplitBrain"), 15 * SLOWDOWN, "the split brain is told", interval=0.2)
    note = wait_event(kubectl, ns, "web", "AddressConflict")["note"]
    assert address in note and "eth0" in note and "edge-1" in note
    assert not events(kubectl, ns, "other", "AddressConflict") and not events(kubectl, ns, "other", "SplitBrain")
    edge.close()


def test_without_the_definitions_nothing_goes_wrong(kubectl, ns, controller):
    kubectl("delete", "crd", "addresspools.steelyard.dev", "virtualipadvertisements.steelyard.dev", "--timeout=30s")
    kubectl.apply(balanced(ns))
    control = controller().wait_ready()
    never(lambda: ingress(read(kubectl, ns)), 2, "an address")
    install(kubectl)
    kubectl.apply(pool("front", RANGE.format(1, 9), namespaces=[ns]))
    eventually(lambda: addresses(kubectl, ns), 30 * SLOWDOWN, "the pools are found later")
