"""The chart, installed as a user would: helm install with the images that are in the nodes."""
import json
import time

from . import kubectl
from .machine import ROOT, call

NAME = "steelyard"
NAMESPACE = "steelyard-system"
CHART = ROOT / "charts/steelyard"


def helm(*words, timeout: float = 180) -> str:
    return call("helm", *words, timeout=timeout)


def install(chart=CHART, action: str = "install", **values: str) -> float:
    """`action`: install or upgrade. Returns the seconds until helm saw everything Ready."""
    settings = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    start = time.monotonic()
    helm(action, NAME, chart, "--namespace", NAMESPACE, "--create-namespace", "--wait", "--timeout", "120s", *settings)
    return time.monotonic() - start


def uninstall():
    helm("uninstall", NAME, "--namespace", NAMESPACE, "--wait", "--timeout", "120s")


def installed() -> bool:
    return any(release["name"] == NAME for release in json.loads(helm("list", "--namespace", NAMESPACE, "--output", "json")))


def controllers() -> list[dict]:
    return kubectl.pods(NAMESPACE, "app.kubernetes.io/name=steelyard,app.kubernetes.io/component=controller")


def leader() -> str:
    """The pod that writes."""
    holder = kubectl.get("lease", "steelyard-controller", "-n", NAMESPACE)["spec"].get("holderIdentity") or ""
    return next((pod["metadata"]["name"] for pod in controllers() if pod["metadata"]["name"] in holder), "")
