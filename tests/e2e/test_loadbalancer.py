"""Services of type LoadBalancer: an address, answers at it from outside of the cluster, and the loss of what holds it."""
import contextlib
import os
import re
import socket
import struct
import sys
import time

import pytest

from harness import edge, kubectl, objects, release
from harness.machine import ROOT

sys.path.insert(0, str(ROOT / "tests/observability"))

from answers import check, report  # noqa: E402

MARKET = "market"
WEB = {"app": "web"}


@pytest.fixture(scope="module")
def edges(installation, cluster) -> list[str]:
    """The edge is on both workers, with a pool of 16 addresses. Returns the nodes."""
    release.install(action="upgrade", **{"edge.enabled": "true", "edge.transparent": "true"})
    edge.ready()
    kubectl.apply(edge.pool("kind", edge.addresses(60, 16)))
    yield [node for node in cluster.nodes() if "worker" in node]
    kubectl.run("delete", "namespace", MARKET, "--ignore-not-found", "--timeout=90s")
    kubectl.run("delete", "addresspools.steelyard.dev", "--all")
    release.install(action="upgrade")
    kubectl.rolled_out("deployment/steelyard-controller", release.NAMESPACE)


def in_zone(zone: str) -> dict:
    return {**objects.backend(), "nodeSelector": {"topology.kubernetes.io/zone": zone}}


@pytest.fixture(scope="module")
def market(edges) -> str:
    """A namespace with backends on both workers: of web in each zone, of only in zone b alone."""
    kubectl.run("delete", "namespace", MARKET, "--ignore-not-found", "--timeout=90s")
    kubectl.apply(objects.namespace(MARKET),
                  *(objects.deployment(MARKET, f"web-{zone}", in_zone(zone), app="web") for zone in "ab"),
                  objects.deployment(MARKET, "only", in_zone("b")))
    for name in ("web-a", "web-b", "only"):
        kubectl.rolled_out(f"deployment/{name}", MARKET)
    return MARKET


@pytest.fixture(scope="module")
def tcp(market, cluster, edges) -> str:
    """The address of a Service whose port 81 is balanced as TCP."""
    kubectl.apply(edge.service(market, "tcp", [edge.port(81)], WEB))
    address = edge.address_of(market, "tcp")
    edge.held(cluster, address, edges)
    kubectl.until(lambda: len(edge.backends(address, 81)) == 2, "both backends answer", 30)
    return address


def test_http_by_app_protocol(market, cluster, edges):
    kubectl.apply(edge.service(market, "http", [edge.port(80, appProtocol="http")], WEB))
    address = edge.address_of(market, "http")
    assert address in edge.addresses(60, 16)
    edge.held(cluster, address, edges)
    kubectl.until(lambda: {name[:5] for name in edge.backends(address, 80)} == {"web-a", "web-b"}, "both backends answer", 30)
    kubectl.until(lambda: "IPAllocated" in edge.events(market, "http"), "the event IPAllocated", 20)
    ports = kubectl.get("service", "http", "-n", market)["spec"]["ports"]
    assert "nodePort" not in ports[0], ports


def test_tcp(tcp):
    assert {name[:5] for name in edge.backends(tcp, 81)} == {"web-a", "web-b"}


def test_udp(edges, cluster):
    """The cluster's own DNS, over UDP and TCP at one address."""
    ports = [edge.port(53, 53, protocol="UDP"), {**edge.port(53, 53), "name": "tcp"}]
    kubectl.apply(edge.service("kube-system", "dns-outside", ports, {"k8s-app": "kube-dns"}))
    try:
        address = edge.address_of("kube-system", "dns-outside")
        edge.held(cluster, address, edges)

        def answered():
            try:
                return edge.resolve(address, "kubernetes.default.svc.cluster.local", 1) == 1
            except OSError:
                return False
        kubectl.until(answered, "an answer over UDP", 30)
        assert all(edge.resolve(address, "kubernetes.default.svc.cluster.local") == 1 for _ in range(50))
        socket.create_connection((address, 53), timeout=5).close()
    finally:
        kubectl.run("delete", "service", "dns-outside", "-n", "kube-system")


def test_two_services_share_an_address(market, cluster, edges):
    shared = {edge.SHARED: "front"}
    kubectl.apply(edge.service(market, "first", [edge.port(8001, appProtocol="http")], WEB, shared),
                  edge.service(market, "second", [edge.port(8002)], WEB, shared),
                  edge.service(market, "clash", [edge.port(8001)], WEB, shared))
    address = edge.address_of(market, "first")
    assert edge.address_of(market, "second") in (address, edge.address_of(market, "clash"))
    assert len({edge.address_of(market, name) for name in ("first", "second", "clash")}) == 2, "two with one port have one address"
    for name, number in (("first", 8001), ("second", 8002), ("clash", 8001)):
        own = edge.address_of(market, name)
        edge.held(cluster, own, edges)
        kubectl.until(lambda own=own, number=number: len(edge.backends(own, number)) == 2, f"{name} answers", 30)
    kubectl.run("delete", "service", "first", "second", "clash", "-n", market)


def test_an_address_that_is_asked_for_and_one_that_cannot_be_had(market, cluster):
    wanted, outside = edge.addresses(60, 16)[9], edge.addresses(20, 1)[0]
    kubectl.apply(edge.service(market, "wanted", [edge.port(80)], WEB, {edge.REQUESTED: wanted}),
                  edge.service(market, "outside", [edge.port(80)], WEB, {edge.REQUESTED: outside}))
    assert edge.address_of(market, "wanted") == wanted
    kubectl.until(lambda: "AllocationFailed" in edge.events(market, "outside"), "the event AllocationFailed", 20)
    assert not kubectl.get("service", "outside", "-n", market)["status"].get("loadBalancer", {}).get("ingress")
    kubectl.run("delete", "service", "wanted", "outside", "-n", market, "--timeout=30s")
    kubectl.until(lambda: not edge.holders(cluster, wanted), "no node holds what was released", 20)


def peers_of(namespace: str, pod: str, number: int) -> set[str]:
    """Who is connected to the port, as the pod's kernel has it."""
    table = kubectl.run("exec", "-n", namespace, pod, "-c", "app", "--", "cat", "/proc/net/tcp6")
    words = [line.split() for line in table.splitlines()[1:]]
    return {socket.inet_ntoa(struct.pack("<I", int(remote.split(":")[0][24:], 16)))
            for _, local, remote, state, *_ in words if local.endswith(f":{number:04X}") and state == "01"}


def test_local_traffic_keeps_the_clients_address(market, cluster):
    kubectl.apply(edge.service(market, "local", [edge.port(82)], {"app": "only"}, externalTrafficPolicy="Local"))
    address = edge.address_of(market, "local")
    node = kubectl.pods(market, "app=only")[0]["spec"]["nodeName"]
    edge.held(cluster, address, [node])
    pod = kubectl.pods(market, "app=only")[0]["metadata"]["name"]
    kubectl.until(lambda: edge.backends(address, 82, 3) == {pod}, "the backend answers", 30)
    with socket.create_connection((address, 82), timeout=5) as connection:
        own = connection.getsockname()[0]
        kubectl.until(lambda: own in peers_of(market, pod, 8080), f"the backend sees {own}", 10)
    kubectl.run("scale", "-n", market, "deployment/only", "--replicas=0")
    kubectl.until(lambda: not edge.holders(cluster, address), "no node holds the address of a Service without endpoints", 30)
    kubectl.run("delete", "service", "local", "-n", market)


def assert_only_cut(seen: dict):
    """A connection that is made in the very moment of a move may be cut, as every established one is; none is refused or left waiting."""
    under_way = sum(seen["reasons"].get(reason, 0) for reason in ("Connection reset by peer", "no answer"))
    assert seen["failed"] == under_way <= 2, seen


def test_the_holders_pod_is_replaced(tcp, cluster, edges):
    """In order: nobody waits in vain, neither as the address goes nor as it comes back."""
    node = edge.held(cluster, tcp, edges)
    with edge.connecting("the holder's pod is deleted and made anew", tcp, 81) as seen:
        kubectl.run("delete", "pod", "-n", release.NAMESPACE, edge.edge_of(node), "--timeout=90s")
        edge.ready()
        edge.held(cluster, tcp, [node])
        time.sleep(2)
    assert_only_cut(seen)


def test_a_connection_goes_on_when_its_address_moves(tcp, cluster, edges):
    """In order: it stays with its node until it ends, and only then the pod does that is replaced."""
    node = edge.held(cluster, tcp, edges)
    other, pod = next(each for each in edges if each != node), edge.edge_of(node)
    with edge.Conversation(tcp, 81) as conversation:
        backend = conversation.ask()
        kubectl.run("delete", "pod", "-n", release.NAMESPACE, pod, "--wait=false")
        edge.held(cluster, tcp, [other])
        for _ in range(30):
            assert conversation.ask() == backend
            time.sleep(0.1)
        assert edge.edge_of(node) == pod, "the pod has not waited for the connection"
        assert edge.get(tcp, 81), "nobody answers new connections"
    kubectl.run("wait", "--for=delete", f"pod/{pod}", "-n", release.NAMESPACE, "--timeout=60s")
    edge.ready()
    edge.held(cluster, tcp, [node])


def test_the_holders_programs_are_killed(tcp, cluster, edges):
    node = edge.held(cluster, tcp, edges)
    with edge.connecting("both programs of the holder are killed", tcp, 81) as seen:
        cluster.in_node(node, *edge.CRASH, "^(/usr/local/bin/)?steelyard-(vip|sidecar .*--role=edge)", check=False)
        time.sleep(8)
    edge.ready()
    restarts = kubectl.get("pod", edge.edge_of(node), "-n", release.NAMESPACE)["status"]
    assert sum(one["restartCount"] for one in restarts["containerStatuses"] + restarts["initContainerStatuses"]) >= 2, restarts
    assert seen["outage_ms"] <= 1000, seen


@pytest.mark.skipif(os.geteuid() != 0, reason="to pull a node's cable takes root")
def test_the_holders_node_is_lost(tcp, cluster, edges):
    """Its backends with it: the other edge still has them in its list, and must not fail because of them."""
    node = edge.held(cluster, tcp, edges)
    other = next(each for each in edges if each != node)
    with contextlib.ExitStack() as cut:
        with edge.connecting("the holder's node is cut off", tcp, 81) as seen:
            cut.enter_context(edge.cut_off(cluster, node))
            seen["mark"] = time.monotonic()
            kubectl.until(lambda: cluster.in_node(other, "ip", "-oneline", "address", "show", "to", tcp).strip(), "the other holds it", 10)
            time.sleep(10)
        assert seen["outage_ms"] <= 1000, seen
        assert seen["failed_later_than_1s"] == 0, seen
        with edge.connecting("the node comes back", tcp, 81) as back:
            cut.close()
            edge.held(cluster, tcp, [node], 60)
            time.sleep(2)
    assert_only_cut(back)


def test_the_metrics_say_who_holds_it(tcp, cluster, edges):
    node = edge.held(cluster, tcp, edges)
    masters = {each: sum(float(value) for value in re.findall(r"^steelyard_vip_master\{[^}]*\} (\S+)", edge.metrics(each), re.M)) for each in edges}
    assert masters[node] >= 1, masters


def test_every_expression_about_virtual_ips_is_answered(prometheus, tcp):
    def answered():
        missing = report(check(prometheus.data, {"namespace": ".*", "__rate_interval": "20s"}, edge=True))
        if missing:
            raise kubectl.KubectlError(missing)
        return True
    prometheus.refresh()
    kubectl.until(answered, "an answer to every expression", 60, 3)


def test_held_by_a_lease(tcp, cluster, edges):
    """For networks without VRRP: the same address, and who has it is what the Lease says."""
    number = kubectl.get("service", "tcp", "-n", MARKET)["metadata"]["annotations"]["steelyard.dev/virtual-router-id"]

    def agreed():
        named = kubectl.get("lease", f"steelyard-vip-{number}", "-n", release.NAMESPACE)["spec"].get("holderIdentity")
        return named in edges and edge.holders(cluster, tcp) == [named] and named
    kubectl.apply(edge.advertisement("by-lease", election="Lease", lease={"duration": "3s"}))
    try:
        node = kubectl.until(agreed, "a Lease of whose node alone has the address", 30)
        kubectl.until(lambda: len(edge.backends(tcp, 81)) == 2, "both backends answer", 30)
        with edge.connecting("by a Lease, the holder's pod is deleted and made anew", tcp, 81) as seen:
            kubectl.run("delete", "pod", "-n", release.NAMESPACE, edge.edge_of(node), "--timeout=90s")
            edge.ready()
            kubectl.until(agreed, "a Lease of whose node alone has the address", 30)
        assert seen["outage_ms"] <= 4000, seen
    finally:
        kubectl.run("delete", "virtualipadvertisement", "by-lease")
    edge.held(cluster, tcp, edges)
    kubectl.until(lambda: len(edge.backends(tcp, 81)) == 2, "both backends answer by VRRP again", 30)


def test_the_address_is_released_with_the_service(tcp, cluster, market):
    kubectl.run("delete", "service", "tcp", "-n", market, "--timeout=30s")
    kubectl.until(lambda: not edge.holders(cluster, tcp), "no node holds it", 20)
