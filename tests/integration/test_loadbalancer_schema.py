"""The CustomResourceDefinitions of AddressPool and VirtualIPAdvertisement on a real API server: what they let in, and what they refuse."""
from pathlib import Path

import pytest
import yaml

from harness.load_balancers import advertisement, install, pool


@pytest.fixture
def crds(kubectl):
    install(kubectl)


def apply(kubectl, one: dict) -> str:
    """What kubectl says to a server-side dry run: nothing is left behind."""
    return kubectl("apply", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(one), check=False)


EXAMPLES = Path(__file__).parents[2] / "examples/loadbalancer/advertisements.yaml"


def test_the_examples_are_let_in(crds, kubectl):
    answer = kubectl("apply", "--dry-run=server", "-f", str(EXAMPLES), check=False)
    assert answer.count("created (server dry run)") == EXAMPLES.read_text().count("\nkind: ") == 6, answer


SELECTOR = {"matchLabels": {"app": "web", "example.com/tier": ""},
            "matchExpressions": [{"key": "a", "operator": "In", "values": ["b", ""]}, {"key": "c", "operator": "DoesNotExist"}]}
VRRP = {"advertisementInterval": "1s", "preempt": False, "preemptDelay": "1m30s", "acceptMode": True, "virtualRouterIDs": {"first": 10, "last": 99},
        "unicastPeers": ["192.0.2.1", "2001:db8::1"]}


def test_every_field_is_let_in(crds, kubectl):
    full = pool("front", "192.0.2.0/28", "192.0.2.32-192.0.2.40", "2001:db8::/120", "2001:db8:1::1-2001:db8:1::ff", autoAssign=False, namespaces=["shop"],
                serviceSelector=SELECTOR)
    assert "created (server dry run)" in apply(kubectl, full)
    assert "created (server dry run)" in apply(kubectl, pool("front", "192.0.2.9/32"))
    assert "created (server dry run)" in apply(kubectl, advertisement("all"))
    assert "created" in apply(kubectl, advertisement("all", addressPools=["front"], interfaces=["eth*", "bond0.12"], nodes=["node-1.example"], nodeSelector=SELECTOR,
                                                    vrrp=VRRP))
    for interval in ("10ms", "40950ms", "1s500ms"):
        assert "created" in apply(kubectl, advertisement("all", vrrp={"advertisementInterval": interval})), interval


def test_each_election_is_let_in(crds, kubectl):
    for spec in ({"election": "VRRP"}, {"election": "Lease"}, {"election": "Lease", "lease": {"duration": "1s"}}, {"lease": {"duration": "1m"}}):
        assert "created" in apply(kubectl, advertisement("all", **spec)), spec


def expression(**fields) -> dict:
    return {"serviceSelector": {"matchExpressions": [fields]}}


ADDRESSES = {
    "none": ([], "spec.addresses: Invalid value"),
    "65": ([f"10.0.{i}.0/24" for i in range(65)], "must have at most 64 items"),
    "twice": (["10.0.0.0/8", "10.0.0.0/8"], "Duplicate value"),
    "an address alone": (["192.0.2.1"], "must be a CIDR (192.0.2.0/28) or a range"),
    "a prefix": (["192.0.2.0/33"], "must be a CIDR such as"),
    "a CIDR": (["192.0.2.999/24"], "must be a CIDR such as"),
    "an end": (["192.0.2.1-192.0.2.999"], "must begin and end with an IP address"),
    "two families": (["192.0.2.1-2001:db8::1"], "begins in one IP family and ends in the other"),
    "a name": (["example.com"], "must be a CIDR (192.0.2.0/28) or a range"),
}
POOLS = {
    "an unknown field": ({"range": "x"}, 'unknown field "spec.range"'),
    "a namespace": ({"namespaces": ["Shop"]}, "spec.namespaces[0]"),
    "no boolean": ({"autoAssign": "yes"}, "spec.autoAssign"),
    "a key": ({"serviceSelector": {"matchLabels": {"-a": "x"}}}, "a key is not that of a label"),
    "a value": ({"serviceSelector": {"matchLabels": {"a": "x y"}}}, "spec.serviceSelector.matchLabels.a"),
    "an operator": (expression(key="a", operator="Gt", values=["1"]), 'Unsupported value: "Gt"'),
    "no values": (expression(key="a", operator="In"), "values is required with In and NotIn"),
    "values": (expression(key="a", operator="Exists", values=["b"]), "values belongs to the operators In and NotIn"),
}
ADVERTISEMENTS = {
    "an unknown field": ({"interface": "eth0"}, 'unknown field "spec.interface"'),
    "an interface": ({"interfaces": ["eth0/1"]}, "spec.interfaces[0]"),
    "a long interface": ({"interfaces": ["a" * 16]}, "may not be more than 15"),
    "a node": ({"nodes": ["Node"]}, "spec.nodes[0]"),
    "a node's key": ({"nodeSelector": {"matchLabels": {"-a": "x"}}}, "a key is not that of a label"),
    "a node's value": ({"nodeSelector": {"matchLabels": {"a": "x y"}}}, "spec.nodeSelector.matchLabels.a"),
    "no values": ({"nodeSelector": {"matchExpressions": [{"key": "a", "operator": "NotIn"}]}}, "values is required with In and NotIn"),
    "values": ({"nodeSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}},
               "values belongs to the operators In and NotIn"),
    "an operator": ({"nodeSelector": {"matchExpressions": [{"key": "a", "operator": "Gt"}]}}, 'Unsupported value: "Gt"'),
    "no object": ({"nodeSelector": ["a"]}, "spec.nodeSelector"),
    "a pool": ({"addressPools": [""]}, "spec.addressPools[0]"),
    "a short interval": ({"vrrp": {"advertisementInterval": "5ms"}}, "must be from 10ms to 40950ms"),
    "a long interval": ({"vrrp": {"advertisementInterval": "41s"}}, "must be from 10ms to 40950ms"),
    "half a unit": ({"vrrp": {"advertisementInterval": "105ms"}}, "must be a multiple of 10ms"),
    "an election": ({"election": "Raft"}, 'Unsupported value: "Raft"'),
    "a short lease": ({"lease": {"duration": "500ms"}}, "must be from 1s to 1m"),
    "a long lease": ({"lease": {"duration": "61s"}}, "must be from 1s to 1m"),
    "a lease of half seconds": ({"lease": {"duration": "1s500ms"}}, "must be whole seconds"),
    "a delay": ({"vrrp": {"preemptDelay": "2h"}}, "must be from 0s to 1h"),
    "an id": ({"vrrp": {"virtualRouterIDs": {"first": 0}}}, "should be greater than or equal to 1"),
    "ids": ({"vrrp": {"virtualRouterIDs": {"first": 9, "last": 8}}}, "last comes before first"),
    "a peer": ({"vrrp": {"unicastPeers": ["192.0.2.0/24"]}}, "must be an IP address"),
}


def refused(answer: str, says: str):
    assert says in answer, answer
    assert "created" not in answer


@pytest.mark.parametrize("case", ADDRESSES)
def test_addresses_refused(crds, kubectl, case):
    given, says = ADDRESSES[case]
    refused(apply(kubectl, pool("front", *given)), says)


@pytest.mark.parametrize("case", POOLS)
def test_pools_refused(crds, kubectl, case):
    spec, says = POOLS[case]
    refused(apply(kubectl, pool("front", "192.0.2.0/28", **spec)), says)


@pytest.mark.parametrize("case", ADVERTISEMENTS)
def test_advertisements_refused(crds, kubectl, case):
    spec, says = ADVERTISEMENTS[case]
    refused(apply(kubectl, advertisement("all", **spec)), says)


def test_kubectl_shows_what_matters(crds, kubectl):
    kubectl.apply(pool("shown", "203.0.113.240/28", autoAssign=False), advertisement("shown", addressPools=["shown"]))
    try:
        head, line = kubectl("get", "addresspool", "shown").splitlines()
        assert head.split() == ["NAME", "TOTAL", "ASSIGNED", "AVAILABLE", "AUTO", "ACCEPTED", "AGE"]
        assert line.split()[:2] == ["shown", "false"]
        assert kubectl("get", "vipadv", "shown").splitlines()[0].split() == ["NAME", "POOLS", "INTERFACES", "ACCEPTED", "AGE"]
        assert "A multiple of 10ms." in kubectl("explain", "vipadv.spec.vrrp.advertisementInterval")
    finally:
        kubectl("delete", "addresspool/shown", "vipadv/shown")
