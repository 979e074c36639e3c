"""nodeSelector of a VirtualIPAdvertisement: which nodes may hold an address follows the labels of the cluster's Nodes."""
import json
import time

import pytest
import yaml

from harness.api_server import ADMIN_TOKEN
from harness.load_balancers import accepted, advertisement, balanced, install, pool, wait_addresses, wait_event
from harness.objects import cluster_role, service
from harness.push_client import PushClient
from harness.steelyard import SLOWDOWN
from harness.wait import eventually

RANGE = "198.51.100.1-198.51.100.9"


@pytest.fixture(autouse=True)
def crds(request):
    """Pools and nodes are the cluster's: they go with the test."""
    if "kubectl" not in request.fixturenames:
        yield
        return
    kubectl = request.getfixturevalue("kubectl")
    install(kubectl)
    yield
    kubectl("delete", "addresspools,virtualipadvertisements,nodes", "--all", check=False)


@pytest.fixture
def watching(controller, api_server):
    """A controller that watches Nodes; by default with every right."""
    def start(kubeconfig=None):
        return controller("--kubeconfig", kubeconfig or api_server.kubeconfig("controller", token=ADMIN_TOKEN), "--watch-nodes").wait_ready()
    return start


def node(name: str, **labels) -> dict:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}


class Edge(PushClient):
    """Knows the nodes of each virtual IP that it was told of."""

    def __init__(self, control):
        super().__init__(control, "edge-1", [], role="edge", timeout=10 * SLOWDOWN)
        self.nodes = {}
        self.take()

    def take(self):
        frame = self.receive_and_ack()
        for one in frame.get("upsert", []):
            if one["kind"] == "virtual_ip":
                self.nodes[one["name"]] = one.get("nodes", [])
        for one in frame.get("remove", []):
            if one["kind"] == "virtual_ip":
                del self.nodes[one["name"]]

    def wait_nodes(self, name: str, *wanted: str):
        while self.nodes.get(name) != list(wanted):
            self.take()

    def wait_gone(self, name: str):
        while name in self.nodes:
            self.take()


def wait_condition(kubectl, name: str, reason: str) -> dict:
    def there():
        found = accepted(json.loads(kubectl("get", "vipadv", name, "-o", "json")).get("status", {}))
        assert found.get("reason") == reason, found
        return found
    return eventually(there, 15 * SLOWDOWN, f"the advertisement {name} is {reason}", interval=0.1)


def label(kubectl, name: str, change: str):
    kubectl("label", "node", name, change, "--overwrite")


@pytest.mark.sanitizer
def test_the_nodes_of_an_address_follow_their_labels(kubectl, ns, watching):
    kubectl.apply(node("a", rack="1"), node("b", rack="2"), node("c"), pool("front", RANGE, namespaces=[ns]),
                  advertisement("lan", nodeSelector={"matchExpressions": [{"key": "rack", "operator": "In", "values": ["1", "3"]}]}), balanced(ns))
    control = watching()
    wait_addresses(kubectl, ns)
    edge, name = Edge(control), f"{ns}/web"
    edge.wait_nodes(name, "a")
    assert wait_condition(kubectl, "lan", "Accepted")["message"] == "in force for 1 pools, on 1 nodes"
    label(kubectl, "b", "rack=3")
    edge.wait_nodes(name, "a", "b")
    label(kubectl, "a", "rack-")
    edge.wait_nodes(name, "b")
    kubectl("delete", "node", "b")
    edge.wait_gone(name)
    lost = wait_condition(kubectl, "lan", "NoNodes")
    assert lost["status"] == "False" and "no node holds the addresses" in lost["message"]
    assert "VirtualIPAdvertisement lan: spec.nodeSelector" in wait_event(kubectl, ns, "web", "NoNodes")["note"]
    kubectl.apply(node("d", rack="3"))
    edge.wait_nodes(name, "d")
    kubectl.apply(advertisement("lan", nodes=["c", "d"], nodeSelector={"matchExpressions": [{"key": "rack", "operator": "DoesNotExist"}]}))
    edge.wait_nodes(name, "c")
    wait_condition(kubectl, "lan", "Accepted")
    edge.close()


def test_what_a_kubelet_reports_causes_no_work(kubectl, ns, watching):
    kubectl.apply(node("a", rack="1"), pool("front", RANGE, namespaces=[ns]), advertisement("lan", nodeSelector={"matchLabels": {"rack": "1"}}), balanced(ns))
    control = watching()
    wait_addresses(kubectl, ns)
    wait_condition(kubectl, "lan", "Accepted")
    eventually(lambda: control.metric("steelyard_cluster_objects", kind="Node") == 1, what="the node is known")
    time.sleep(0.5)  # what was written above comes back
    batches, seen = control.metric("steelyard_translate_batches_total"), control.metric("steelyard_kube_events_total", kind="Nodes")
    for beat in range(5):
        status = {"conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": f"2026-01-01T00:00:0{beat}Z"}]}
        kubectl("patch", "node", "a", "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
    kubectl("annotate", "node", "a", "example.com/x=y")
    eventually(lambda: control.metric("steelyard_kube_events_total", kind="Nodes") >= seen + 6, 10 * SLOWDOWN, "the changes are seen")
    assert control.metric("steelyard_translate_batches_total") == batches
    label(kubectl, "a", "rack=2")
    eventually(lambda: control.metric("steelyard_translate_batches_total") > batches, 10 * SLOWDOWN, "a label is work")


def test_without_the_right_to_see_nodes_the_rest_goes_on(kubectl, ns, watching, api_server):
    user = f"no-nodes-{ns}"
    reads = [("", ["services", "pods"]), ("discovery.k8s.io", ["endpointslices"]),
             ("steelyard.dev", ["loadbalancingpolicies", "addresspools", "virtualipadvertisements"])]
    writes = {"rules": [{"apiGroups": [""], "resources": ["services", "services/status"], "verbs": ["get", "patch"]},
                        {"apiGroups": ["steelyard.dev"], "resources": ["addresspools/status", "virtualipadvertisements/status"], "verbs": ["patch"]},
                        {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]}]}
    role, binding = cluster_role(user, user, reads)
    role["rules"] += writes["rules"]
    kubectl.apply(role, binding, node("a", rack="1"), pool("front", RANGE, namespaces=[ns]), pool("back", "198.51.100.20/32", autoAssign=False, namespaces=[ns]),
                  advertisement("lan", addressPools=["front"], nodeSelector={"matchLabels": {"rack": "1"}}),
                  balanced(ns), balanced(ns, "other", {"address-pool": "back"}))
    control = watching(api_server.client_certificate_kubeconfig(user))
    assert "nodes is forbidden" in control.wait_log("Nodes: list: 403")
    wait_addresses(kubectl, ns)
    wait_addresses(kubectl, ns, "other")
    assert "the right to list and watch nodes" in wait_condition(kubectl, "lan", "NodesUnknown")["message"]
    edge = Edge(control)
    edge.wait_nodes(f"{ns}/other")
    assert f"{ns}/web" not in edge.nodes
    nodes, binding = cluster_role(f"{user}-nodes", user, [("", ["nodes"])])
    kubectl.apply(nodes, binding)
    edge.wait_nodes(f"{ns}/web", "a")
    wait_condition(kubectl, "lan", "Accepted")
    edge.close()


def test_nodes_may_be_in_manifests(manifest_controller, tmp_path):
    directory = tmp_path / "manifests"
    directory.mkdir()
    web = balanced("shop", annotations={"virtual-router-id": "7"})
    web["status"] = {"loadBalancer": {"ingress": [{"ip": "198.51.100.7", "ipMode": "Proxy"}]}}
    lan = advertisement("lan", nodeSelector={"matchLabels": {"rack": "1"}})
    (directory / "web.yaml").write_text(yaml.safe_dump_all([web, service("shop", "api"), lan]))

    def write(*nodes: dict):
        (directory / "nodes.tmp").write_text(yaml.safe_dump_all(nodes))
        (directory / "nodes.tmp").rename(directory / "nodes.yaml")
    write(node("a", rack="1"), node("b", rack="2"))
    edge = Edge(manifest_controller(directory).wait_ready())
    edge.wait_nodes("shop/web", "a")
    write(node("a", rack="1"), node("b", rack="1"))
    edge.wait_nodes("shop/web", "a", "b")
    write(node("a"))
    edge.wait_gone("shop/web")
    edge.close()
