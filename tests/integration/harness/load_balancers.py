"""Services of type LoadBalancer, AddressPools and VirtualIPAdvertisements, and their CustomResourceDefinitions as the chart installs them."""
import json
from pathlib import Path

from .objects import service
from .steelyard import SLOWDOWN
from .wait import eventually

SCHEMAS = Path(__file__).parents[3] / "charts/steelyard/schemas"
KINDS = ["addresspools", "virtualipadvertisements"]
CLASS = "steelyard.dev/vip"
FINALIZER = "steelyard.dev/vip"
ROUTER_ID = "steelyard.dev/virtual-router-id"


def install(kubectl):
    """Waits until the API server serves them. They stay for the tests to come."""
    for kind in KINDS:
        kubectl("apply", "-f", str(SCHEMAS / f"{kind}.yaml"))
    for kind in KINDS:
        kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{kind}.steelyard.dev")
    eventually(lambda: all(kind in kubectl("api-resources", "--api-group=steelyard.dev") for kind in KINDS), what="they are served")


def pool(name: str, *addresses: str, **spec) -> dict:
    return {"apiVersion": "steelyard.dev/v1alpha1", "kind": "AddressPool", "metadata": {"name": name}, "spec": {"addresses": list(addresses), **spec}}


def advertisement(name: str, **spec) -> dict:
    return {"apiVersion": "steelyard.dev/v1alpha1", "kind": "VirtualIPAdvertisement", "metadata": {"name": name}, "spec": spec}


def balanced(ns: str, name: str = "web", annotations: dict | None = None, labels: dict | None = None, port: int = 80, lb_class: str | None = CLASS,
             **spec) -> dict:
    """A Service of type LoadBalancer; `annotations` by their short name."""
    one = service(ns, name, port=port, annotations=annotations)
    one["metadata"]["labels"] = labels or {}
    one["spec"] |= {"type": "LoadBalancer", "allocateLoadBalancerNodePorts": False, **spec}
    if lb_class:
        one["spec"]["loadBalancerClass"] = lb_class
    return one


def read(kubectl, ns: str, name: str = "web") -> dict:
    return json.loads(kubectl("get", "service", name, "-n", ns, "-o", "json"))


def ingress(one: dict) -> list:
    return one.get("status", {}).get("loadBalancer", {}).get("ingress", [])


def addresses(kubectl, ns: str, name: str = "web") -> list:
    return [entry.get("ip") for entry in ingress(read(kubectl, ns, name))]


def wait_addresses(kubectl, ns: str, name: str = "web", count: int = 1) -> list:
    def there():
        found = addresses(kubectl, ns, name)
        assert len(found) == count, found
        return found
    return eventually(there, 15 * SLOWDOWN, f"{ns}/{name} has {count} addresses", interval=0.1)


def wait_free(kubectl, ns: str, name: str = "web"):
    """Nothing of ours is left on it."""
    def gone():
        one = read(kubectl, ns, name)
        assert not ingress(one), one
        assert FINALIZER not in one["metadata"].get("finalizers", []), one
        assert ROUTER_ID not in one["metadata"].get("annotations", {}), one
        return True
    eventually(gone, 15 * SLOWDOWN, f"{ns}/{name} is given back", interval=0.1)


def events(kubectl, ns: str, name: str = "web", reason: str = "") -> list:
    everything = json.loads(kubectl("get", "events.events.k8s.io", "-n", ns, "-o", "json"))["items"]
    return [one for one in everything if one["regarding"].get("name") == name and reason in ("", one["reason"])]


def wait_event(kubectl, ns: str, name: str, reason: str, note: str = "") -> dict:
    def there():
        found = [one for one in events(kubectl, ns, name, reason) if note in one["note"]]
        assert found, events(kubectl, ns, name)
        return found[0]
    return eventually(there, 15 * SLOWDOWN, f"{ns}/{name} has an event {reason}", interval=0.1)


def pool_status(kubectl, name: str) -> dict:
    return json.loads(kubectl("get", "addresspool", name, "-o", "json")).get("status", {})


def accepted(status: dict) -> dict:
    return next((one for one in status.get("conditions", []) if one["type"] == "Accepted"), {})
