"""Which pods get the sidecar, what it looks like in each, and what happens to those that cannot have it."""
import json

from harness import kubectl, objects
from harness.objects import INJECT, UPSTREAMS

SIDECAR = "steelyard-sidecar"
EXPLICIT = {UPSTREAMS: "18080=web.shop:80"}  # 8080 is the backend's own
LOCAL = "http://127.0.0.1:18080/"


def sidecar_of(pod: dict) -> dict | None:
    return next((each for each in pod["spec"].get("initContainers", []) if each["name"] == SIDECAR), None)


def only_pod(namespace: str, selector: str) -> dict:
    return kubectl.until(lambda: kubectl.pods(namespace, selector), f"a pod {selector} in {namespace}", 30)[0]


def test_a_deployments_pods_get_a_native_sidecar(shop, namespace):
    kubectl.apply(objects.deployment(namespace, "app", objects.backend(), replicas=2, labels=INJECT, annotations=EXPLICIT))
    kubectl.rolled_out("deployment/app", namespace)
    pods = kubectl.pods(namespace, "app=app")
    for pod in pods:
        sidecar = sidecar_of(pod)
        assert sidecar and sidecar["restartPolicy"] == "Always"
        context = sidecar["securityContext"]
        assert context["readOnlyRootFilesystem"] and context["runAsNonRoot"] and context["capabilities"]["drop"] == ["ALL"]
        assert pod["metadata"]["annotations"]["steelyard.dev/status"]
        assert any(status["name"] == SIDECAR and status["ready"] for status in pod["status"]["initContainerStatuses"])
    name = pods[0]["metadata"]["name"]
    assert kubectl.run("exec", "-n", namespace, name, "-c", "app", "--", objects.PROGRAM, "get", LOCAL).startswith("web-")


def test_a_whole_namespace_is_injected_but_for_pods_that_opt_out(shop, namespace):
    kubectl.run("label", "namespace", namespace, "steelyard.dev/inject=enabled")
    idle = objects.pod_spec(objects.container("idle"))
    kubectl.apply(objects.pod(namespace, "in", idle), objects.pod(namespace, "out", idle, labels={"steelyard.dev/inject": "disabled"}))
    kubectl.run("wait", "-n", namespace, "--for=condition=Ready", "pod/in", "pod/out", "--timeout=60s")
    assert sidecar_of(kubectl.get("pod", "in", "-n", namespace))
    assert not sidecar_of(kubectl.get("pod", "out", "-n", namespace))


def test_a_pod_without_a_label_is_left_alone(shop, namespace):
    kubectl.apply(objects.pod(namespace, "plain", objects.pod_spec(objects.container("idle"))))
    pod = kubectl.get("pod", "plain", "-n", namespace)
    assert "initContainers" not in pod["spec"] and "steelyard.dev/status" not in pod["metadata"].get("annotations", {})


def test_a_job_that_needs_the_sidecar_completes(shop, namespace):
    for name, annotations, url in (("explicit", EXPLICIT, LOCAL), ("capture", {}, "http://web.shop.svc.cluster.local/")):
        kubectl.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"namespace": namespace, "name": name},
                       "spec": {"backoffLimit": 0, "template": {
                           "metadata": {"labels": INJECT, "annotations": annotations},
                           "spec": objects.pod_spec(objects.container("get", url), restartPolicy="Never")}}})
    kubectl.run("wait", "-n", namespace, "--for=condition=Complete", "job/explicit", "job/capture", "--timeout=60s")
    assert kubectl.run("logs", "-n", namespace, "job/explicit", "-c", "app").startswith("web-")


def test_a_stateful_set_gets_ready_in_order(shop, namespace):
    spec = {"serviceName": "db", "replicas": 2, "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db", **INJECT}, "annotations": EXPLICIT}, "spec": objects.backend()}}
    kubectl.apply({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"namespace": namespace, "name": "db"}, "spec": spec})
    kubectl.rolled_out("statefulset/db", namespace)
    assert sidecar_of(kubectl.get("pod", "db-1", "-n", namespace))


def test_a_pods_own_init_containers_can_use_the_sidecar(shop, namespace):
    for name, annotations, url in (("explicit", EXPLICIT, LOCAL), ("capture", {}, "http://web.shop.svc.cluster.local/")):
        spec = objects.pod_spec(objects.container("idle"), initContainers=[objects.container("get", url, name="migrate")])
        kubectl.apply(objects.pod(namespace, name, spec, labels=INJECT, annotations=annotations))
    kubectl.run("wait", "-n", namespace, "--for=condition=Ready", "pod/explicit", "pod/capture", "--timeout=60s")
    names = [each["name"] for each in kubectl.get("pod", "explicit", "-n", namespace)["spec"]["initContainers"]]
    assert names.index(SIDECAR) < names.index("migrate")
    assert kubectl.run("logs", "-n", namespace, "capture", "-c", "migrate").startswith("web-")


def test_a_pod_in_the_nodes_network_is_not_injected_and_that_is_said(shop, namespace):
    spec = objects.pod_spec(objects.container("idle"), hostNetwork=True)
    kubectl.apply(objects.pod(namespace, "host", spec, labels=INJECT))
    assert not sidecar_of(kubectl.get("pod", "host", "-n", namespace))
    kubectl.until(lambda: events_with(namespace, "hostNetwork"), "an event that names hostNetwork", 30)


def test_a_bad_annotation_is_refused_by_name_and_an_event_says_so(shop, namespace):
    bad = {UPSTREAMS: "eighty=web.shop:80"}
    words = kubectl.refused(objects.pod(namespace, "bad", objects.pod_spec(objects.container("idle")), labels=INJECT, annotations=bad))
    assert UPSTREAMS in words and "eighty" in words
    kubectl.apply(objects.deployment(namespace, "bad", objects.pod_spec(objects.container("idle")), labels=INJECT, annotations=bad))
    kubectl.until(lambda: events_with(namespace, UPSTREAMS), f"an event that names {UPSTREAMS}", 30)
    assert not kubectl.pods(namespace, "app=bad")


def test_an_excluded_port_is_not_captured(shop, namespace):
    kubectl.apply(objects.pod(namespace, "partly", objects.pod_spec(objects.container("idle")), labels=INJECT,
                              annotations={"steelyard.dev/exclude-ports": "80"}))
    kubectl.run("wait", "-n", namespace, "--for=condition=Ready", "pod/partly", "--timeout=60s")
    url = "http://web.shop.svc.cluster.local/"
    # kube-proxy answers, not the sidecar.
    assert kubectl.run("exec", "-n", namespace, "partly", "-c", "app", "--", objects.PROGRAM, "get", url).startswith("web-")
    assert captured(namespace, "partly") == 0


def captured(namespace: str, pod: str) -> float:
    """Connections that the sidecar's capture listener has seen."""
    text = kubectl.run("get", "--raw", f"/api/v1/namespaces/{namespace}/pods/{pod}:9902/proxy/metrics")
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith("steelyard_capture_connections_total"))


def events_with(namespace: str, words: str) -> list[str]:
    events = kubectl.get("events.events.k8s.io", "-n", namespace)["items"]
    return [event["note"] for event in events if words in event.get("note", "")
            and "steelyard" in json.dumps([event.get("reportingController"), event.get("deprecatedSource")])]
