"""Virtual IPs whose nodes agree by a Lease: a real API server, two controllers, three nodes with an edge and a steelyard-vip each, and a client."""
import json
import signal
import time

import pytest

from harness import lease, segment
from harness.api_server import ADMIN_TOKEN
from harness.lease import Backend, Client, LeaseNode, Relay, wait_holder
from harness.load_balancers import ROUTER_ID, advertisement, balanced, install, pool, read, wait_addresses
from harness.objects import endpoint, endpoint_slice
from harness.segment import Segment
from harness.steelyard import SLOWDOWN
from harness.vip import VIP
from harness.wait import eventually, never

pytestmark = pytest.mark.skipif(bool(segment.usable()), reason=segment.usable())

NAMES = ("node-a", "node-b", "node-c")


@pytest.fixture
def lan():
    made = Segment()
    lease.join(made)
    yield made
    lease.leave()
    made.end()


@pytest.fixture
def controllers(kubectl, ns, api_server, controller, lan):
    """Two replicas, of which one leads; and the relay that leads to them."""
    install(kubectl)
    kubeconfig = api_server.kubeconfig("controller", token=ADMIN_TOKEN)
    made = [controller("--kubeconfig", kubeconfig, "--leader-elect", "true", "--namespace", ns, "--identity", name, "--lease-duration", "3s",
                       "--renew-deadline", "2s", "--retry-period", "400ms", name=name) for name in ("one", "two")]
    for one in made:
        one.wait_ready()
    yield made
    kubectl("delete", "addresspools,virtualipadvertisements", "--all", check=False)


@pytest.fixture
def nodes(kubectl, ns, controllers, lan, processes, tmp_path):
    """nodes("5s"): the Service and three nodes, of which one has its address."""
    ends = [Backend(), Relay(controllers)]

    def start(duration: str = "5s", **vrrp) -> list:
        kubectl.apply(pool("front", f"{VIP}-{VIP}", namespaces=[ns]), advertisement("by-lease", election="Lease", lease={"duration": duration}, vrrp=vrrp),
                      balanced(ns), endpoint_slice(ns, [endpoint(lease.HOST)], port=lease.BACKEND_PORT))
        assert wait_addresses(kubectl, ns) == [VIP]
        made = [LeaseNode(tmp_path, lan.node(name), ends[1].url) for name in NAMES]
        for one in made:
            processes.extend([one.edge, one.vip])
            one.start()
        wait_holder(made, VIP)
        return made

    yield start
    for one in ends:
        one.end()


@pytest.fixture
def measured(client, request):
    """measured(action): what the client saw meanwhile, and what the action gave."""
    running = []

    def during(what: str, action):
        one = Client(client, VIP)
        running.append(one)
        time.sleep(0.5)  # so that it is known to work before
        result = action()
        time.sleep(2)  # what comes of it
        seen = running.pop().end()
        print(f"\n{request.node.name}: {what}: {seen}")
        return seen, result

    yield during
    for one in running:
        one.end()


def first_in_order(kubectl, ns) -> str:
    """Which node the hash puts first: docs/edge.md."""
    router = int(read(kubectl, ns)["metadata"]["annotations"][ROUTER_ID])
    mask = (1 << 64) - 1

    def priority(name: str) -> int:
        value = 14695981039346656037
        for octet in f"{name}\n{router}".encode():
            value = ((value ^ octet) * 1099511628211) & mask
        for factor in (0xff51afd7ed558ccd, 0xc4ceb9fe1a85ec53):
            value = ((value ^ value >> 33) * factor) & mask
        return 128 + (value ^ value >> 33) % 120

    return max(NAMES, key=priority)


def settled(kubectl, ns, nodes: list) -> LeaseNode:
    """The first in order has it."""
    first = next(one for one in nodes if one.name == first_in_order(kubectl, ns))
    eventually(lambda: wait_holder(nodes, VIP) is first, 30 * SLOWDOWN, f"{first.name} has it")
    return first


def holder_of_lease(kubectl, ns) -> str:
    router = read(kubectl, ns)["metadata"]["annotations"][ROUTER_ID]
    return json.loads(kubectl("get", "lease", f"steelyard-vip-{router}", "-n", ns, "-o", "json"))["spec"].get("holderIdentity", "")


def moves(nodes: list) -> float:
    return sum(one.vip.transitions() for one in nodes)


@pytest.mark.parametrize("duration", ["5s", "2s"])
def test_a_node_that_is_cut_off_loses_the_address_and_gets_it_back(kubectl, ns, nodes, measured, duration):
    all_nodes = nodes(duration)
    first = settled(kubectl, ns, all_nodes)
    assert holder_of_lease(kubectl, ns) == first.name

    def cut():
        first.node.cable(False)
        return wait_holder(all_nodes, VIP, but=first)
    seen, second = measured(f"cable pulled, {duration}", cut)
    assert seen["failed"] > 0
    eventually(lambda: not first.node.has(VIP), 15 * SLOWDOWN, "who is cut off gives it up, without a word from anybody")
    assert holder_of_lease(kubectl, ns) != first.name

    def mend():
        first.node.cable(True)
        return settled(kubectl, ns, all_nodes)
    seen, _ = measured(f"the preferred node is back, {duration}", mend)
    assert seen["outage"] < 1.5 * SLOWDOWN
    assert not second.node.has(VIP)


def test_a_planned_stop_is_a_hand_over(kubectl, ns, nodes, measured):
    all_nodes = nodes()
    first = settled(kubectl, ns, all_nodes)

    def stop():
        first.vip.send(signal.SIGTERM)  # as Kubernetes does: the proxy is told when this has ended
        return wait_holder(all_nodes, VIP, but=first)
    seen, _ = measured("planned stop, 5s", stop)
    assert seen["outage"] < 1.0 * SLOWDOWN, seen
    first.stop()
    assert not first.node.has(VIP)
    wait_holder(all_nodes, VIP, but=first)
    first.start()
    seen, _ = measured("started again, 5s", lambda: settled(kubectl, ns, all_nodes))
    assert seen["outage"] < 1.0 * SLOWDOWN, seen


def test_a_proxy_that_drains_hands_over(kubectl, ns, nodes, measured):
    all_nodes = nodes()
    first = settled(kubectl, ns, all_nodes)

    def drain():
        first.edge.send(signal.SIGTERM)
        return wait_holder(all_nodes, VIP, but=first)
    seen, _ = measured("drain, 5s", drain)
    assert seen["outage"] < 1.0 * SLOWDOWN, seen
    eventually(lambda: not first.node.has(VIP), 15 * SLOWDOWN, "it has let go")
    wait_holder(all_nodes, VIP)


def test_a_killed_node_is_replaced_after_the_lease(kubectl, ns, nodes, measured):
    all_nodes = nodes()
    first = settled(kubectl, ns, all_nodes)

    def kill():
        first.kill()
        first.node.cable(False)  # what was killed alone still has the address
        return wait_holder(all_nodes, VIP, but=first)
    seen, _ = measured("switched off, 5s", kill)
    assert seen["failed"] > 0


def test_a_killed_proxy_alone_gives_the_address_up(kubectl, ns, nodes):
    all_nodes = nodes("2s")
    first = settled(kubectl, ns, all_nodes)
    first.edge.kill()
    eventually(lambda: not first.node.has(VIP), 15 * SLOWDOWN, "steelyard-vip gives it up")
    wait_holder(all_nodes, VIP, but=first)


def test_a_restart_of_steelyard_vip_within_the_lease_goes_on(kubectl, ns, nodes):
    all_nodes = nodes()
    first = settled(kubectl, ns, all_nodes)
    first.vip.restart()
    first.vip.wait_log("master: went on as master after a restart")
    never(lambda: any(one.node.has(VIP) for one in all_nodes if one is not first), 1.0, "another takes it")
    assert first.node.has(VIP)


def test_a_controller_that_is_killed_moves_nothing(kubectl, ns, nodes, controllers, measured):
    all_nodes = nodes()
    first = settled(kubectl, ns, all_nodes)
    before = moves(all_nodes)

    def kill():
        controllers[0].kill()
        never(lambda: not first.node.has(VIP), 8, "the address goes")
    seen, _ = measured("a controller killed, 5s", kill)
    assert seen["failed"] == 0, seen
    assert moves(all_nodes) == before


def test_without_the_api_server_the_address_is_given_up_and_comes_back(kubectl, ns, nodes, api_server):
    all_nodes = nodes("2s")
    first = settled(kubectl, ns, all_nodes)
    api_server.kill()
    eventually(lambda: not any(one.node.has(VIP) for one in all_nodes), 20 * SLOWDOWN, "nobody has it")
    eventually(lambda: first.lease()["problem"], 15 * SLOWDOWN, "the page says why")
    never(lambda: any(one.node.has(VIP) for one in all_nodes), 2, "somebody has it")
    api_server.start()
    wait_holder(all_nodes, VIP, patience=60)


def test_without_preemption_it_stays_where_it_is(kubectl, ns, nodes):
    all_nodes = nodes("2s", preempt=False)
    holder = wait_holder(all_nodes, VIP)
    others = [one for one in all_nodes if one is not holder]
    holder.edge.send(signal.SIGTERM)
    second = wait_holder(all_nodes, VIP, but=holder)
    holder.edge.wait()
    holder.edge.start()
    never(lambda: not second.node.has(VIP), 4, "it moves")
    assert second in others


def test_the_pages_tell_who_holds_it(kubectl, ns, nodes):
    all_nodes = nodes()
    first = settled(kubectl, ns, all_nodes)
    for one in all_nodes:
        shown = eventually(lambda at=one: at.lease() if at.lease().get("holder") else None, 10 * SLOWDOWN, f"{one.name} knows the holder")
        assert shown["holder"] == first.name and shown["held"] == (one is first) and shown["wanted"]
        assert (0 < shown["seconds"] <= 5) == (one is first)
        assert one.vip.metric("steelyard_vip_master") == (1 if one is first else 0)
        assert (one.vip.metric("steelyard_vip_lease_seconds") > 0) == (one is first)
        assert one.vip.metric("steelyard_vip_adverts_sent_total") == 0
        assert one.vip.metric("steelyard_vip_conflicts_total") == 0
