"""Virtual IPs by a Lease, the controllers' side: two of them keep the Leases for edges that are none but speak the push protocol."""
import json
import time

import pytest

from harness.api_server import ADMIN_TOKEN
from harness.load_balancers import ROUTER_ID, advertisement, balanced, install, pool, read, wait_addresses
from harness.push_client import PushClient
from harness.steelyard import SLOWDOWN
from harness.wait import eventually

DURATION = 2.0
FEATURES = ("virtual-ip", "virtual-ip-lease")


@pytest.fixture(autouse=True)
def crds(kubectl):
    install(kubectl)
    yield
    kubectl("delete", "addresspools,virtualipadvertisements", "--all", check=False)


class Edge(PushClient):
    """An edge as far as its controller sees: it claims when the test says so."""
    ids = 0

    def __init__(self, controller, node: str, features: tuple = FEATURES, role: str = "edge"):
        self.node = node
        super().__init__(controller, f"edge-{node}", ["*"], role=role, node=node, features=features)

    def until(self, wanted) -> dict:
        """Acknowledges what comes until it is what is wanted."""
        while True:
            frame = self.receive()
            if frame["type"] in ("snapshot", "delta"):
                self.send(type="ack", version=frame["version"])
            if wanted(frame):
                return frame

    def virtual_ip(self, name: str) -> dict:
        def named(frame):
            return [one for one in frame.get("upsert", []) if one["kind"] == "virtual_ip" and one["name"] == name]
        return named(self.until(named))[0]

    def claim(self, router: int, action: str = "hold", priority: int = 100, **more) -> dict:
        Edge.ids += 1
        number = Edge.ids
        self.send(type="claim", id=number, leases=[{"router_id": router, "action": action, "priority": priority, **more}])
        return self.until(lambda frame: frame["type"] == "grant" and frame["id"] == number)["leases"][0]

    def holds(self, router: int, **more) -> bool:
        return self.claim(router, **more)["held"]


def who(grant: dict) -> tuple:
    return grant["held"], grant["holder"], grant["wanted_by"], grant["problem"]


@pytest.fixture
def two(controller, api_server, ns):
    """Two controllers of one installation, which take turns to lead."""
    def start(name: str):
        kubeconfig = api_server.kubeconfig("controller", token=ADMIN_TOKEN)
        return controller("--kubeconfig", kubeconfig, "--leader-elect", "true", "--namespace", ns, "--identity", name, "--lease-duration", "3s",
                          "--renew-deadline", "2s", "--retry-period", "400ms", name=name)
    return start("one"), start("two")


@pytest.fixture
def edges(kubectl, ns, two):
    """An edge at each controller, on the nodes a and b, that have been told of the Service web; `router` is its id."""
    kubectl.apply(pool("leases", "198.51.100.1-198.51.100.9", namespaces=[ns]),
                  advertisement("leases", addressPools=["leases"], election="Lease", lease={"duration": f"{DURATION:.0f}s"}, nodes=["a", "b"]),
                  balanced(ns))
    for control in two:
        control.wait_ready()
    wait_addresses(kubectl, ns)
    a, b = Edge(two[0], "a"), Edge(two[1], "b")
    for edge in (a, b):
        told = edge.virtual_ip(f"{ns}/web")
        assert told["lease_duration_ms"] == DURATION * 1000
        edge.router = told["router_id"]
    assert int(read(kubectl, ns)["metadata"]["annotations"][ROUTER_ID]) == a.router == b.router
    yield a, b
    a.close()
    b.close()


def lease(kubectl, ns: str, router: int) -> dict:
    return json.loads(kubectl("get", "lease", f"steelyard-vip-{router}", "-n", ns, "-o", "json"))


def no_lease(kubectl, ns: str) -> bool:
    return not kubectl("get", "leases", "-n", ns, "-l", "steelyard.dev/virtual-router-id", "-o", "name").strip()


@pytest.mark.sanitizer
def test_one_node_holds_it_and_hands_it_over_by_any_replica(kubectl, ns, edges, two):
    a, b = edges
    router = a.router
    assert who(a.claim(router, priority=100)) == (True, "a", "", "")
    first = lease(kubectl, ns, router)
    assert first["spec"]["holderIdentity"] == "a" and first["spec"]["leaseDurationSeconds"] == DURATION
    assert first["metadata"]["labels"] == {"steelyard.dev/virtual-router-id": str(router)}
    assert first["metadata"]["annotations"]["steelyard.dev/priority"] == "100"
    assert who(b.claim(router, priority=90)) == (False, "a", "", ""), "of lower priority: it is not asked for"
    assert who(a.claim(router, priority=100)) == (True, "a", "", "")
    assert lease(kubectl, ns, router)["spec"]["renewTime"] > first["spec"]["renewTime"]
    assert lease(kubectl, ns, router)["spec"]["leaseTransitions"] == 0

    assert who(b.claim(router, priority=200))[:3] == (False, "a", "b")
    eventually(lambda: b.claim(router, priority=200)["holder"] == "a" and a.claim(router)["wanted_by"] == "b", what="the holder hears of it")
    assert who(a.claim(router, "transfer", to="b")) == (False, "b", "", "")
    eventually(lambda: b.holds(router, priority=200), what="b has what it was given")
    eventually(lambda: who(a.claim(router)) == (False, "b", "", ""), what="a sees that b has it")
    assert not a.claim(router, "release")["held"] and lease(kubectl, ns, router)["spec"]["holderIdentity"] == "b", "a has nothing to release"
    assert who(b.claim(router, "release")) == (False, "", "", "")
    eventually(lambda: a.holds(router), what="what is free is taken at once")
    assert two[0].metric("steelyard_controller_vip_lease_claims_total", outcome="held") >= 3
    assert two[0].metric("steelyard_controller_vip_lease_writes_total", outcome="ok") >= 4
    assert two[1].metric("steelyard_controller_vip_lease_claims_total", outcome="given") == 1
    assert two[0].metric("steelyard_controller_vip_lease_held") == 1


def test_when_its_holder_is_gone_another_node_has_it_after_the_duration_and_not_before(edges):
    a, b = edges
    assert b.claim(a.router, priority=1)["held"]
    assert not a.holds(a.router)
    renewed = time.monotonic()
    assert b.claim(a.router, priority=1)["held"]
    b.close()
    eventually(lambda: a.holds(a.router), DURATION + 5 * SLOWDOWN, "a takes over", interval=0.1)
    assert time.monotonic() - renewed >= DURATION


def test_an_edge_goes_on_at_the_other_replica(two, edges):
    a, _ = edges
    assert a.holds(a.router)
    two[0].kill()
    again = Edge(two[1], "a")
    again.until(lambda frame: frame["type"] == "snapshot")
    assert again.holds(a.router)


def test_without_the_api_server_nothing_is_granted(api_server, edges, two):
    a, b = edges
    assert a.holds(a.router)
    api_server.kill()
    for edge in edges:
        began = time.monotonic()
        grant = edge.claim(a.router, priority=100)
        if edge is a:
            assert not grant["held"] and "API server" in grant["problem"], grant
        assert not grant["held"], grant
        assert time.monotonic() - began < 2 * SLOWDOWN, "the edge gives up its claim after 2 s"
    time.sleep(DURATION * 1.1)
    assert "API server" in b.claim(a.router, priority=250)["problem"], "expired, but nobody can write so"
    api_server.start()
    eventually(lambda: b.holds(a.router, priority=250), 20 * SLOWDOWN, "the API server is back", interval=0.2)
    assert not a.holds(a.router)
    assert two[0].metric("steelyard_controller_vip_lease_claims_total", outcome="problem") >= 1


def test_a_lease_that_is_deleted_stays_its_holders(kubectl, ns, edges):
    a, b = edges
    assert a.holds(a.router)
    eventually(lambda: b.claim(a.router)["holder"] == "a", what="both replicas know")
    kubectl("delete", "lease", f"steelyard-vip-{a.router}", "-n", ns)
    assert not b.holds(a.router, priority=250)
    assert a.holds(a.router)
    assert lease(kubectl, ns, a.router)["spec"]["holderIdentity"] == "a"


def test_a_holder_that_is_written_by_hand_has_it_for_its_duration(kubectl, ns, edges):
    a, b = edges
    assert a.holds(a.router)
    kubectl("patch", "lease", f"steelyard-vip-{a.router}", "-n", ns, "--type=merge", "-p", json.dumps({"spec": {"holderIdentity": "somebody"}}))
    written = time.monotonic()
    eventually(lambda: a.claim(a.router)["holder"] == "somebody", what="the holder is told")
    assert not a.holds(a.router) and not b.holds(a.router)
    eventually(lambda: a.holds(a.router), DURATION + 5 * SLOWDOWN, "it ends", interval=0.1)
    assert time.monotonic() - written >= DURATION * 0.9


def test_what_an_edge_may_not_claim_is_a_problem(kubectl, ns, edges, two):
    a, _ = edges
    other = a.router % 255 + 1
    assert f"virtual router {other} is none" in a.claim(other)["problem"]
    stranger = Edge(two[0], "c")
    stranger.virtual_ip(f"{ns}/web")
    assert "node c may hold" in stranger.claim(a.router)["problem"], "not among the advertisement's nodes"
    nowhere = Edge(two[0], "")
    nowhere.virtual_ip(f"{ns}/web")
    assert "names no node" in nowhere.claim(a.router)["problem"]
    sidecar = Edge(two[0], "d", role="sidecar")
    sidecar.send(type="claim", id=1, leases=[{"router_id": a.router, "action": "hold"}])
    assert sidecar.until(lambda frame: frame["type"] == "error")["code"] == "forbidden"
    assert no_lease(kubectl, ns)


def test_an_edge_that_does_not_know_leases_is_not_sent_what_is_held_by_one(ns, edges, two):
    older = Edge(two[0], "older", features=("virtual-ip",))
    first = older.until(lambda frame: frame["type"] == "snapshot")
    assert f"{ns}/web" not in [one["name"] for one in first["upsert"] if one["kind"] == "virtual_ip"]


def test_the_lease_goes_with_the_last_service_of_its_router(kubectl, ns, edges):
    a, _ = edges
    assert a.holds(a.router)
    kubectl("delete", "service", "web", "-n", ns, "--timeout=20s")
    a.until(lambda frame: any(one["kind"] == "virtual_ip" for one in frame.get("remove", [])))
    assert "is none" in a.claim(a.router)["problem"]
    eventually(lambda: no_lease(kubectl, ns), 30 * SLOWDOWN, "the leader deletes it", interval=0.5)
