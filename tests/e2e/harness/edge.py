"""The edge and its virtual IPs, seen from outside of the cluster: from where this process runs, which is where the nodes' network is."""
import contextlib
import ipaddress
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

from . import kubectl, objects, release
from .machine import ROOT, call, say

sys.path.append(str(ROOT / "bench"))
import failover_client  # noqa: E402

CLASS = "steelyard.dev/vip"
REQUESTED = "steelyard.dev/loadBalancerIPs"
SHARED = "steelyard.dev/allow-shared-ip"
DAEMONSET = "daemonset/steelyard-edge"
CRASH = ("pkill", "-9", "-f")


def network() -> ipaddress.IPv4Network:
    """kind's, which nodes and virtual IPs share."""
    found = json.loads(call("docker", "network", "inspect", "kind"))[0]["IPAM"]["Config"]
    return next(ipaddress.IPv4Network(each["Subnet"]) for each in found if ":" not in each["Subnet"])


def addresses(first: int, count: int) -> list[str]:
    """From the upper end of the network, which Docker gives to containers last: the `first` from above, and `count` - 1 more."""
    top = int(network().broadcast_address)
    return [str(ipaddress.IPv4Address(top - first + number)) for number in range(count)]


def pool(name: str, own: list[str], **spec) -> dict:
    return {"apiVersion": "steelyard.dev/v1alpha1", "kind": "AddressPool", "metadata": {"name": name},
            "spec": {"addresses": [f"{own[0]}-{own[-1]}"], **spec}}


def advertisement(name: str, **spec) -> dict:
    return {"apiVersion": "steelyard.dev/v1alpha1", "kind": "VirtualIPAdvertisement", "metadata": {"name": name}, "spec": spec}


def service(namespace: str, name: str, ports: list[dict], selector: dict, annotations: dict | None = None, **spec) -> dict:
    made = objects.service(namespace, name, annotations, selector=selector)
    made["spec"] |= {"type": "LoadBalancer", "loadBalancerClass": CLASS, "allocateLoadBalancerNodePorts": False, "ports": ports, **spec}
    return made


def port(number: int, target: int | str = 8080, **more) -> dict:
    return {"name": f"p{number}", "port": number, "targetPort": target, **more}


def address_of(namespace: str, name: str, seconds: int = 20) -> str:
    """The first of the addresses in the Service's status."""
    def given():
        ingress = kubectl.get("service", name, "-n", namespace)["status"].get("loadBalancer", {}).get("ingress", [])
        assert all(each.get("ipMode") == "Proxy" for each in ingress), ingress
        return ingress and ingress[0]["ip"]
    return kubectl.until(given, f"an address for {namespace}/{name}", seconds)


def events(namespace: str, name: str) -> set[str]:
    found = kubectl.get("events", "-n", namespace, "--field-selector", f"involvedObject.name={name},involvedObject.kind=Service")
    return {event["reason"] for event in found["items"]}


def holders(cluster, address: str) -> list[str]:
    """The nodes that have the address on an interface."""
    return [node for node in cluster.nodes() if cluster.in_node(node, "ip", "-oneline", "address", "show", "to", address).strip()]


def held(cluster, address: str, by: list[str] | None = None, seconds: int = 20) -> str:
    """Waits until exactly one node holds it (of those named); which."""
    def one():
        found = holders(cluster, address)
        return len(found) == 1 and (by is None or found[0] in by) and found[0]
    return kubectl.until(one, f"one node holding {address}", seconds)


class Conversation:
    """One connection over which HTTP is asked again and again."""

    def __init__(self, address: str, number: int, seconds: float = 5):
        self.peer = f"{address}:{number}"
        self.socket = socket.create_connection((address, number), timeout=seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def ask(self, more: str = "") -> str:
        """The name of the backend that answered."""
        self.socket.sendall(f"GET / HTTP/1.1\r\nHost: {self.peer}\r\n{more}\r\n".encode())
        answer = b""
        while piece := self.socket.recv(65536):
            answer += piece
            if b"\r\n\r\n" in answer and answer.endswith(b"\n"):
                break
        found = re.search(rb"^X-Backend: (\S+)", answer, re.M)
        assert found, f"{self.peer} answered {answer[:200]!r}"
        return found[1].decode()


def get(address: str, number: int, seconds: float = 5) -> str:
    """Asks over a connection of its own; the name of the backend that answered."""
    with Conversation(address, number, seconds) as conversation:
        return conversation.ask("Connection: close\r\n")


def backends(address: str, number: int, count: int = 20) -> set[str]:
    return {get(address, number) for _ in range(count)}


def resolve(server: str, name: str, seconds: float = 5) -> int:
    """Asks the DNS server for addresses of `name` over UDP; how many it gave."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack("!HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(seconds)
        client.connect((server, 53))
        client.send(struct.pack("!HHHHHH", 0x5379, 0x0100, 1, 0, 0, 0) + question)
        answer = client.recv(4096)
    number, _, _, count = struct.unpack("!HHHH", answer[:8])
    assert number == 0x5379, answer[:12].hex()
    return count


@contextlib.contextmanager
def connecting(what: str, address: str, number: int):
    """A client that connects every 10 ms during the block. Yields a dict that afterwards has its figures (failover_client.judge), for
    what happened from the moment of `mark` (set it in the block) on, until that of `until` if the block sets it."""
    with tempfile.TemporaryDirectory(prefix="steelyard-e2e-") as directory:
        path = os.path.join(directory, "attempts")
        client = subprocess.Popen([sys.executable, failover_client.__file__, address, str(number), path, "http"])
        figures: dict = {}
        try:
            time.sleep(2)
            figures["mark"] = time.monotonic()
            yield figures
            ended = time.monotonic()
            time.sleep(1.2)  # an attempt may take a second
        finally:
            client.kill()
            client.wait()
        figures |= failover_client.judge(failover_client.attempts(path), figures["mark"], figures.get("until", ended))
    say(f"    {what}: outage {figures['outage_ms']} ms, {figures['failed']} of {figures['attempts']} connects failed, "
        f"{figures['failed_later_than_1s']} of them later than 1 s after, slowest success {figures['slowest_ms']} ms")
    assert figures["attempts"] > 100, "the client hardly ran"


@contextlib.contextmanager
def cut_off(cluster, node: str):
    """The node's cable is pulled: it runs on, and nothing reaches it nor leaves it."""
    index = cluster.in_node(node, "cat", "/sys/class/net/eth0/iflink").strip()
    links = json.loads(call("ip", "-json", "link", "show"))
    name = next(link["ifname"] for link in links if str(link["ifindex"]) == index)
    call("ip", "link", "set", name, "down")
    try:
        yield
    finally:
        call("ip", "link", "set", name, "up")
        kubectl.run("wait", "--for=condition=Ready", "node", "--all", "--timeout=120s")
        ready()


def ready():
    """All edges and controllers are there and do what they should."""
    kubectl.rolled_out(DAEMONSET, release.NAMESPACE)
    kubectl.rolled_out("deployment/steelyard-controller", release.NAMESPACE)


def edge_of(node: str) -> str:
    """The pod of the edge on that node."""
    found = kubectl.get("pods", "-n", release.NAMESPACE, "-l", "app.kubernetes.io/component=edge", "--field-selector", f"spec.nodeName={node}")
    return found["items"][0]["metadata"]["name"]


def metrics(node: str, number: int = 9913) -> str:
    """What steelyard-vip of that node shows; it listens on the node's address."""
    found = kubectl.get("node", node)["status"]["addresses"]
    own = next(each["address"] for each in found if each["type"] == "InternalIP")
    return urllib.request.urlopen(f"http://{own}:{number}/metrics", timeout=10).read().decode()
