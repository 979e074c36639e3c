"""Role edge: addresses that come later, who may connect, this node's endpoints, clients' addresses, what steelyard-vip is told and says."""
import json
import os
import shutil
import socket
import subprocess
import time

import pytest

from harness import network
from harness.edge import CLIENT, CLIENT6, NODE, POD, POD6, VIP, VIP6, Edge, Surroundings, listener, virtual_ip
from harness.manifests import write
from harness.objects import endpoint, endpoint_slice, service
from harness.processes import run
from harness.steelyard import BINARIES, SLOWDOWN, Sidecar
from harness.wait import eventually

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="networks of its own take root"),
    pytest.mark.skipif(shutil.which("nft") is None, reason="nftables is not installed (scripts/bootstrap.sh test)"),
]

HERE = {"address": POD, "port": 8000, "node": NODE}
HERE6 = {"address": POD6, "port": 8000, "node": NODE}
NOWHERE = {"address": "10.88.0.9", "port": 8000, "node": "worker-2"}


@pytest.fixture
def around():
    made = Surroundings()
    yield made
    made.end()


@pytest.fixture
def edge(processes, tmp_path):
    """edge(resource, ...) starts an edge with these listeners and virtual IPs."""
    def start(*resources, **options):
        proxy = Edge(tmp_path, *resources, **options)
        processes.append(proxy)
        return proxy.start().wait_answering()
    return start


@pytest.fixture
def way_back():
    def capture(*flags):
        status, printed, _ = run([BINARIES / "steelyard-capture", "--return-path", *flags])
        assert status == 0, printed
        return printed
    yield capture
    run([BINARIES / "steelyard-capture", "--return-path", "--remove"])


def test_a_listener_waits_for_its_address(around, edge):
    port = network.free_port()
    proxy = edge(listener(port), listener(port, "udp"), listener(port, address=VIP6), endpoints=(HERE,))
    assert all("problem" not in one for one in proxy.listeners().values()), proxy.listeners()
    assert around.ask("tcp", VIP, port, timeout=0.5) == ""
    around.hold(VIP)
    around.hold(VIP6)
    node = "10.88.0.1"
    assert around.ask("tcp", VIP, port) == node
    assert around.ask("udp", VIP, port) == node
    assert around.ask("tcp", VIP6, port) == node, "IPv6 outside, IPv4 within"


def test_only_source_ranges_are_served(around, edge):
    port = network.free_port()
    others, ours = ["198.51.100.0/24", "::/0"], ["198.51.100.0/24", "192.0.2.64/26"]
    proxy = edge(listener(port, source_ranges=others), listener(port, "udp", source_ranges=others),
                 listener(port + 1, source_ranges=ours), listener(port + 1, "udp", source_ranges=ours), endpoints=(HERE,))
    around.hold(VIP)
    network.free_port()
    for kind in ("tcp", "udp"):
        assert around.ask(kind, VIP, port, timeout=1) == ""
        assert around.ask(kind, VIP, port + 1) == "10.88.0.1"
    assert proxy.metric("steelyard_client_connections_refused_total", reason="source_range") == 1
    assert proxy.metric("steelyard_upstream_udp_dropped_total", reason="source_range") == 1


def test_the_address_in_a_trusted_proxy_header_is_the_one_that_counts(around, edge):
    port = network.free_port()
    edge(listener(port, address="127.0.0.1", source_ranges=["198.51.100.0/24"]), endpoints=(HERE,),
         arguments=("--proxy-protocol-from", "127.0.0.0/8"))

    def told(source: str) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
            one.sendall(f"PROXY TCP4 {source} 192.0.2.7 40000 80\r\nhello".encode())
            try:
                return one.recv(100)
            except ConnectionError:
                return b""
    assert told("198.51.100.7") == b"10.88.0.1"
    assert told("203.0.113.7") == b""


def test_a_local_listener_uses_only_endpoints_on_its_node(around, edge):
    port = network.free_port()
    network.free_port()
    edge(listener(port, local_only=True), endpoints=(NOWHERE, HERE, {**NOWHERE, "address": "10.88.0.10"}))
    around.hold(VIP)
    assert [around.ask("tcp", VIP, port) for _ in range(5)] == ["10.88.0.1"] * 5


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_transparent_listener_shows_endpoints_the_clients_address(around, edge, way_back, kind):
    port = network.free_port()
    proxy = edge(listener(port, kind, transparent=True, local_only=True),
                 listener(port, kind, address=VIP6, transparent=True, local_only=True), endpoints=(HERE,))
    around.hold(VIP)
    around.hold(VIP6)
    assert around.ask(kind, VIP, port, timeout=1) == "", "without a way back no answer arrives"
    way_back()
    assert "marked" in way_back(), "twice is as good as once"
    assert around.ask(kind, VIP, port) == CLIENT
    assert proxy.metric("steelyard_transparent_fallbacks_total") == 0
    assert around.ask(kind, VIP6, port) == "10.88.0.1", "of another family: served all the same"
    assert proxy.metric("steelyard_transparent_fallbacks_total") >= 1
    rules = subprocess.run(["ip", "rule"], capture_output=True, text=True).stdout
    assert rules.count("lookup 15006") == 1, rules
    way_back("--remove")
    way_back("--remove")
    assert "15006" not in subprocess.run(["ip", "rule"], capture_output=True, text=True).stdout
    assert "steelyard_return" not in subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_transparency_holds_for_ipv6(around, edge, way_back, kind):
    port = network.free_port()
    edge(listener(port, kind, address=VIP6, transparent=True), endpoints=(HERE6,))
    around.hold(VIP6)
    way_back()
    assert around.ask(kind, VIP6, port) == CLIENT6


def test_without_the_capabilities_it_serves_what_it_can_and_says_why(around, edge):
    port = network.free_port()
    proxy = edge(listener(port, transparent=True), listener(80, address="127.0.0.1"), endpoints=(HERE,),
                 prefix=(shutil.which("setpriv"), "--bounding-set=-net_raw,-net_admin,-net_bind_service"))
    around.hold(VIP)
    assert around.ask("tcp", VIP, port) == "10.88.0.1"
    assert proxy.metric("steelyard_transparent_fallbacks_total") == 1
    assert "do not see clients' addresses" in proxy.tail(200)
    (privileged,) = [one for one in proxy.listeners().values() if one["port"] == 80]
    assert "CAP_NET_BIND_SERVICE" in privileged["problem"]


def test_steelyard_vip_is_told_what_this_node_should_do(around, edge):
    port = network.free_port()
    proxy = edge(listener(port, local_only=True), virtual_ip(local_upstreams=["shop/web:web"], interfaces=["eth*"]),
                 {**virtual_ip(nodes=["worker-2"]), "name": "shop/elsewhere", "addresses": ["192.0.2.8"], "router_id": 18},
                 endpoints=(HERE, NOWHERE), policy={"health_check": {"interval_ms": 100, "timeout_ms": 200, "fall": 2, "rise": 1}})
    eventually(proxy.told, 5 * SLOWDOWN, "the file is written")
    (router,) = proxy.told()
    assert (router["id"], router["family"], router["interfaces"]) == (17, "ipv4", ["eth*"])
    assert [one.removesuffix("/32") for one in router["addresses"]] == [VIP]
    assert 128 <= router["priority"] <= 247
    around.mirror.kill()
    eventually(lambda: proxy.told() == [], 10 * SLOWDOWN, "no endpoint here is up any more: the node takes no part")


def test_a_drain_hands_over_while_connections_are_still_taken(around, edge):
    port = network.free_port()
    proxy = edge(listener(port), virtual_ip(), endpoints=(HERE,))
    around.hold(VIP)
    eventually(proxy.told, 5 * SLOWDOWN, "the file is written")
    assert proxy.admin_get("/drain", "POST").status == 202
    eventually(lambda: proxy.told()[0]["priority"] == 1, 5 * SLOWDOWN, "another node may take over")
    assert not proxy.answers("/readyz")
    assert around.ask("tcp", VIP, port) == "10.88.0.1"


def test_a_listener_that_cannot_be_opened_is_shown_and_opened_when_it_can(around, edge):
    port = network.free_port()
    taken = socket.socket()
    taken.bind(("127.0.0.1", port))
    taken.listen()
    proxy = edge(listener(port, address="127.0.0.1"), listener(port + 1), {**virtual_ip(), "addresses": [VIP]}, endpoints=(HERE,))
    network.free_port()
    around.hold(VIP)
    name = f"vip/shop/web:{port}/tcp@127.0.0.1"
    assert "in use" in proxy.listeners()[name]["problem"]
    assert proxy.metric("steelyard_listeners_failed") == 1
    assert around.ask("tcp", VIP, port + 1) == "10.88.0.1", "the other one is not harmed"
    taken.close()
    eventually(lambda: "problem" not in proxy.listeners()[name], 5 * SLOWDOWN, "it is tried again")


def state(**more) -> str:
    router = {"id": 17, "family": "ipv4", "interface": "eth0", "state": "master", "priority": 213, "addresses": [f"{VIP}/32"],
              "since_ms": 1, "conflicts": 0, "splits": 0, "problem": "", **more}
    return json.dumps({"format": 1, "boot_id": "b", "monotonic_ms": int(time.monotonic() * 1000), "routers": [router]})


def test_what_steelyard_vip_does_is_shown_and_a_bad_file_passed_over(around, edge):
    proxy = edge(virtual_ip())
    assert proxy.metric("steelyard_virtual_ip_silent") == 1

    def write(text: str):
        draft = proxy.vip_state.with_suffix(".new")
        draft.write_text(text)
        draft.rename(proxy.vip_state)

    write(state())
    eventually(lambda: proxy.metric("steelyard_virtual_ip_state", router_id="17", family="ipv4", state="master") == 1,
               5 * SLOWDOWN, "it is master")
    assert proxy.metric("steelyard_virtual_ip_silent") == 0
    write("{")
    eventually(lambda: proxy.metric("steelyard_virtual_ip_state_failures_total") == 1, 5 * SLOWDOWN, "the bad file is seen")
    assert proxy.virtual_ips()["state"][0]["state"] == "master"
    write(state(state="backup", conflicts=3))
    eventually(lambda: proxy.virtual_ips()["state"][0]["state"] == "backup", 5 * SLOWDOWN, "it goes on")
    assert proxy.metric("steelyard_virtual_ip_conflicts_total", router_id="17") == 3
    eventually(lambda: proxy.virtual_ips()["state"][0]["state"] == "fault", 10 * SLOWDOWN, "silence is a fault")


def balanced(port: int, ranges: list, policy: str = "Local") -> list:
    """A Service whose address the controllers have agreed on already, with one endpoint here and one elsewhere."""
    one = service("shop", port=port, port_name="web", annotations={"virtual-router-id": "17"})
    one["spec"] |= {"type": "LoadBalancer", "loadBalancerClass": "steelyard.dev/vip", "externalTrafficPolicy": policy,
                    "loadBalancerSourceRanges": ranges}
    one["status"] = {"loadBalancer": {"ingress": [{"ip": VIP, "ipMode": "Proxy"}]}}
    return [one, endpoint_slice("shop", [endpoint(POD, node=NODE), endpoint("10.88.0.9", node="worker-2")], port_name="web")]


def test_a_service_of_type_load_balancer_is_served_also_without_its_controller(around, processes, manifest_controller, tmp_path):
    port = network.free_port()
    write(tmp_path / "manifests", "web.yaml", *balanced(port, ["192.0.2.0/24"]))
    controller = manifest_controller(tmp_path / "manifests")

    def start() -> Sidecar:
        proxy = Sidecar(tmp_path, controller.url, name="edge", arguments=(
            "--role", "edge", "--node", NODE, "--vip-config", tmp_path / "vip.json", "--drain-delay", "0s"))
        processes.append(proxy)
        return proxy.start().wait_answering().wait_ready()

    def told() -> list:
        return json.loads((tmp_path / "vip.json").read_text())["routers"] if (tmp_path / "vip.json").exists() else []

    proxy = start()
    around.hold(VIP)
    eventually(lambda: around.ask("tcp", VIP, port, timeout=1) == "10.88.0.1", 10 * SLOWDOWN, "served by the endpoint on its node")
    (router,) = told()
    assert (router["id"], [one.removesuffix("/32") for one in router["addresses"]]) == (17, [VIP])
    write(tmp_path / "manifests", "web.yaml", *balanced(port, ["198.51.100.0/24"]))
    eventually(lambda: around.ask("tcp", VIP, port, timeout=1) == "", 10 * SLOWDOWN, "its source ranges do not have the client any more")
    write(tmp_path / "manifests", "web.yaml", *balanced(port, ["192.0.2.0/24"]))
    eventually(lambda: around.ask("tcp", VIP, port, timeout=1) == "10.88.0.1", 10 * SLOWDOWN, "they have it again")
    controller.terminate()
    proxy.terminate()
    (tmp_path / "vip.json").unlink()
    start()
    eventually(told, 5 * SLOWDOWN, "what it knew is enough")
    assert around.ask("tcp", VIP, port) == "10.88.0.1"
