"""The CustomResourceDefinition of LoadBalancingPolicy, as the chart installs it."""
from pathlib import Path

from .wait import eventually

CRD = Path(__file__).parents[3] / "charts/steelyard/schemas/loadbalancingpolicies.yaml"
NAME = "loadbalancingpolicies.steelyard.dev"


def install(kubectl):
    """Waits until the API server serves it. It stays for the tests to come."""
    kubectl("apply", "-f", str(CRD))
    kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{NAME}")
    eventually(lambda: "loadbalancingpolicies" in kubectl("api-resources", "--api-group=steelyard.dev"), what="it is served")
