"""A real Prometheus in the cluster, scraping the controllers and every sidecar, with the chart's rules."""
import json
import urllib.parse

from . import kubectl, release
from .machine import E2E, ROOT

NAMESPACE = "monitoring"
MANIFEST = E2E / "manifests/prometheus.yaml"
RULES = ROOT / "charts/steelyard/rules"


def install():
    """Idempotent. Returns when every target there is now has been scraped."""
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    kubectl.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "steelyard-rules", "namespace": NAMESPACE},
                   "data": {path.name: path.read_text() for path in sorted(RULES.glob("*.yaml"))}})
    kubectl.run("apply", "-f", MANIFEST)
    kubectl.rolled_out("deployment/prometheus", NAMESPACE)
    kubectl.until(_all_up, "every target scraped", 60, pause=3)


def _all_up() -> bool:
    refresh()  # pods come and go
    problems = [f"{target['scrapeUrl']} of {target['labels']}: {target['health']} {target['lastError']}" for target in targets()
                if target["health"] != "up"]
    if problems:
        raise kubectl.KubectlError("\n".join(problems))
    return bool(targets())


def refresh():
    """Tells Prometheus the pods there are now: those with a sidecar's or a controller's metrics port."""
    found = [{"targets": [f"{pod['status']['podIP']}:{port['containerPort']}"],
              "labels": {"namespace": pod["metadata"]["namespace"], "pod": pod["metadata"]["name"],
                         "container": container["name"], "node": pod["spec"]["nodeName"]}}
             for pod in kubectl.get("pods", "-A", "--field-selector=status.phase=Running")["items"]
             if "deletionTimestamp" not in pod["metadata"]
             for container in pod["spec"]["containers"] + pod["spec"].get("initContainers", [])
             for port in container.get("ports", []) if _ours(pod, port)]
    kubectl.run("exec", "-i", "-n", NAMESPACE, "deployment/prometheus", "--", "sh", "-c",
                "cat >/data/targets.new && mv /data/targets.new /data/targets.json", text=json.dumps(found))


def _ours(pod: dict, port: dict) -> bool:
    return port.get("name") in ("steelyard-stats", "edge-stats", "vip-stats") or (port.get("name") == "metrics" and pod["metadata"]["namespace"] == release.NAMESPACE)


def uninstall():
    kubectl.run("delete", "-f", MANIFEST, "--ignore-not-found", "--wait=false")


def _get(path: str, **parameters) -> dict:
    """Through the API server: nothing of the cluster's network is needed here."""
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    url = f"/api/v1/namespaces/{NAMESPACE}/services/prometheus:web/proxy/api/v1/{path}{query}"
    answer = json.loads(kubectl.run("get", "--raw", url))
    assert answer["status"] == "success", answer
    return answer["data"]


def data(expression: str) -> dict:
    """The "data" of an instant query, whatever its type."""
    return _get("query", query=expression)


def query(expression: str) -> list[dict]:
    """The samples of an instant query."""
    return data(expression)["result"]


def query_range(expression: str, start: float, end: float, step: str = "5s") -> list[dict]:
    return _get("query_range", query=expression, start=start, end=end, step=step)["result"]


def targets() -> list[dict]:
    return _get("targets")["activeTargets"]


def rules() -> list[dict]:
    return [rule for group in _get("rules")["groups"] for rule in group["rules"]]
