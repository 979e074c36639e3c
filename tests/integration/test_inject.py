"""The injecting webhook, called by a real API server: what it stores, what it refuses, and what happens when the controller is away."""
import json
import time

import pytest

from harness.api_server import ADMIN_TOKEN
from harness.objects import namespace as namespace_object
from harness.steelyard import SLOWDOWN
from harness.wait import eventually
from harness.webhook import Webhook, create, pod

EXPLICIT = {"upstreams": "8080=web:80,9000=api.other:http"}


@pytest.fixture
def webhook(kubectl, controller, api_server, ns, tmp_path):
    """A controller that serves the webhook for namespace `ns`, registered at the API server."""
    hook = Webhook(tmp_path)
    hook.controller = controller("--kubeconfig", api_server.kubeconfig("controller", token=ADMIN_TOKEN), *hook.flags)
    hook.name = f"injector-{ns}"
    register(kubectl, hook, ns)
    yield hook
    kubectl("delete", "mutatingwebhookconfiguration", hook.name)


def register(kubectl, hook, ns, **options):
    """In force once a pod of the probe's is injected: the API server takes a moment to notice a registration."""
    kubectl.apply(hook.registration(hook.name, [ns], **options))
    if options.get("failure_policy") == "Ignore":
        return
    eventually(lambda: create(kubectl, pod(ns, "probe", EXPLICIT, "enabled"), "--dry-run=server").injected, 15 * SLOWDOWN,
               "the registration is in force", interval=0.2)


def label_namespace(kubectl, ns, value="enabled", more=None):
    manifest = namespace_object(ns)
    manifest["metadata"]["labels"] = {"steelyard.dev/inject": value, **(more or {})}
    kubectl.apply(manifest)


# --- what is stored ---------------------------------------------------------------------------------------------------
def test_a_pod_with_upstreams_is_stored_with_its_sidecar(webhook, kubectl, ns):
    made = create(kubectl, pod(ns, annotations=EXPLICIT, label="enabled", initContainers=[{"name": "migrate", "image": "m"}]))
    assert made.ok, made.said
    assert made.init == ["steelyard-sidecar", "migrate"]
    sidecar = made.container("steelyard-sidecar")
    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["image"] == "steelyard/sidecar:test"
    assert [word for word in sidecar["args"] if "upstream" in word] == [
        f"--upstream=8080=web.{ns}:80", "--upstream=9000=api.other:http"]
    assert sidecar["startupProbe"]["httpGet"]["path"] == "/readyz"
    env = {one["name"]: one.get("value") for one in sidecar["env"]}
    assert env["STEELYARD_CONTROLLER_CA_PEM"].strip() == webhook.ca.read_text().strip()
    volumes = {one["name"]: one for one in made.object["spec"]["volumes"]}
    token = volumes["steelyard-token"]["projected"]["sources"][0]["serviceAccountToken"]
    assert token == {"audience": "steelyard", "expirationSeconds": 3600, "path": "token"}
    assert "steelyard-state" in volumes
    assert made.object["metadata"]["annotations"]["steelyard.dev/status"].startswith("injected mode=explicit")


def test_a_pod_without_upstreams_is_captured(webhook, kubectl, ns):
    made = create(kubectl, pod(ns, annotations={"exclude-ports": "3306,9000-9100"}, label="enabled",
                               securityContext={"runAsNonRoot": True, "runAsUser": 1000}))
    assert made.ok, made.said
    assert made.init == ["steelyard-capture", "steelyard-sidecar"]
    capture = made.container("steelyard-capture")
    assert capture["args"] == ["--port=15001", "--proxy-uid=64832", "--service-cidr=10.96.0.0/16", "--exclude-port=3306",
                               "--exclude-port=9000-9100"]
    assert capture["securityContext"]["capabilities"] == {"add": ["NET_ADMIN"], "drop": ["ALL"]}
    assert capture["securityContext"]["runAsNonRoot"] is False


def test_a_name_that_the_api_server_makes_up(webhook, kubectl, ns):
    manifest = pod(ns, annotations=EXPLICIT, label="enabled")
    manifest["metadata"]["generateName"] = manifest["metadata"].pop("name") + "-"
    made = create(kubectl, manifest)
    assert made.injected and made.object["metadata"]["name"].startswith("web-"), made.said


def test_an_injected_pod_that_is_created_again_is_not_injected_twice(webhook, kubectl, ns):
    made = create(kubectl, pod(ns, annotations=EXPLICIT, label="enabled")).object
    for field in ("uid", "resourceVersion", "creationTimestamp", "managedFields"):
        made["metadata"].pop(field, None)
    made["metadata"]["name"] = "copy"
    made.pop("status")
    copy = create(kubectl, made)
    assert copy.ok, copy.said
    assert copy.init == ["steelyard-sidecar"]
    assert len(copy.object["spec"]["volumes"]) == 2


def test_the_pods_label_wins_over_its_namespaces(webhook, kubectl, ns):
    assert not create(kubectl, pod(ns, "plain")).injected
    label_namespace(kubectl, ns)
    eventually(lambda: create(kubectl, pod(ns, "probe"), "--dry-run=server").injected, 10 * SLOWDOWN,
               "the namespace's label is seen", interval=0.2)
    assert create(kubectl, pod(ns, "by-namespace")).injected
    assert not create(kubectl, pod(ns, "opted-out", label="disabled")).injected


@pytest.mark.sanitizer
def test_the_outcomes_are_counted(webhook, kubectl, ns):
    def count(result):
        return webhook.controller.metric("steelyard_controller_injections_total", result=result)
    before = {result: count(result) for result in ("injected", "skipped", "refused", "error")}
    create(kubectl, pod(ns, "one", EXPLICIT, "enabled"))
    create(kubectl, pod(ns, "two", EXPLICIT, "enabled", hostNetwork=True))
    create(kubectl, pod(ns, "three", {"upstreams": "x"}, "enabled"))
    webhook.post(b"{}")
    assert {result: count(result) - before[result] for result in before} == {
        "injected": 1, "skipped": 1, "refused": 1, "error": 1}


# --- what is refused, what is warned of -------------------------------------------------------------------------------
@pytest.mark.parametrize("annotations, said", [
    ({"upstreams": "8080=web.shop:80,9000"}, "annotation steelyard.dev/upstreams: item 2 '9000': there is no '='"),
    ({"upstreams": "9902=web:80"}, "annotation steelyard.dev/upstreams: item 1 '9902=web:80': port 9902 is the sidecar's own"),
    ({"exclude-ports": "9000-80"}, "annotation steelyard.dev/exclude-ports: item 1: '9000-80' is a range that ends before it begins"),
    ({"exclude-cidrs": "10.0.0.1/8"}, "annotation steelyard.dev/exclude-cidrs: item 1: '10.0.0.1/8' has address bits beyond its prefix"),
])
def test_a_bad_annotation_is_refused_with_what_is_wrong(webhook, kubectl, ns, annotations, said):
    made = create(kubectl, pod(ns, annotations=annotations, label="enabled"))
    assert not made.ok
    assert 'admission webhook "pod.injector.steelyard.dev" denied the request: ' + said in made.said, made.said
    assert "not found" in kubectl("get", "pod", "web", "-n", ns, check=False).lower()


def test_a_refusal_is_an_event_that_names_the_annotation(webhook, kubectl, ns):
    assert not create(kubectl, pod(ns, "dry", {"upstreams": "y"}, "enabled"), "--dry-run=server").ok
    assert not create(kubectl, pod(ns, "bad", {"upstreams": "x"}, "enabled")).ok

    def event():
        events = json.loads(kubectl("get", "events.events.k8s.io", "-n", ns, "-o", "json"))["items"]
        return next((one for one in events if one["reason"] == "InvalidAnnotation"), None)
    seen = eventually(event, 10 * SLOWDOWN, "an event about the refused pod")
    assert "annotation steelyard.dev/upstreams: item 1 'x'" in seen["note"]
    assert (seen["type"], seen["regarding"]["kind"], seen["regarding"]["name"]) == ("Warning", "Pod", "bad")


def test_a_pod_on_its_nodes_network_runs_uninjected_with_a_warning(webhook, kubectl, ns):
    made = create(kubectl, pod(ns, label="enabled", hostNetwork=True))
    assert made.ok and not made.injected
    assert "Warning: steelyard: a pod with hostNetwork: true" in made.said, made.said


def test_the_pod_security_levels_that_each_mode_needs(webhook, kubectl, ns):
    label_namespace(kubectl, ns, more={"pod-security.kubernetes.io/enforce": "restricted"})
    strict = {"securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}}
    container = {"name": "app", "image": "a", "securityContext": {
        "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}
    eventually(lambda: create(kubectl, pod(ns, "probe", EXPLICIT, **strict, containers=[container]), "--dry-run=server").injected,
               10 * SLOWDOWN, "the namespace's label is seen", interval=0.2)
    assert create(kubectl, pod(ns, "explicit", EXPLICIT, **strict, containers=[container])).injected
    captured = create(kubectl, pod(ns, "captured", **strict, containers=[container]))
    assert not captured.ok
    assert 'violates PodSecurity "restricted' in captured.said and "NET_ADMIN" in captured.said, captured.said


# --- the file, the certificate, the controller's absence --------------------------------------------------------------
def test_a_changed_configuration_counts_for_the_next_pod_and_a_bad_one_does_not(webhook, kubectl, ns):
    def image(name):
        return create(kubectl, pod(ns, name, EXPLICIT, "enabled"), "--dry-run=server").container("steelyard-sidecar")["image"]
    assert image("a") == "steelyard/sidecar:test"
    webhook.configure("steelyard/sidecar:newer")
    eventually(lambda: image("b") == "steelyard/sidecar:newer", 10 * SLOWDOWN, "the new image", interval=0.2)
    webhook.configure("steelyard/sidecar:broken", level="loud")
    assert "inject.yaml, logLevel" in webhook.controller.wait_log("'loud' is not one of")
    assert image("c") == "steelyard/sidecar:newer"


def test_a_controller_that_is_away_concerns_only_pods_that_opted_in(webhook, kubectl, ns):
    webhook.controller.kill()
    refused = create(kubectl, pod(ns, "opted-in", EXPLICIT, "enabled"))
    assert not refused.ok
    assert 'failed calling webhook "pod.injector.steelyard.dev"' in refused.said, refused.said
    assert create(kubectl, pod(ns, "plain")).ok, "nobody else is concerned"

    register(kubectl, webhook, ns, failure_policy="Ignore")

    def uninjected():
        made = create(kubectl, pod(ns, "ignored", EXPLICIT, "enabled"), "--dry-run=server")
        return made.ok and not made.injected
    eventually(uninjected, 15 * SLOWDOWN, "with failurePolicy Ignore the pod runs uninjected", interval=0.2)
    webhook.controller.start()
    webhook.controller.wait_answering()
    eventually(lambda: create(kubectl, pod(ns, "back", EXPLICIT, "enabled"), "--dry-run=server").injected, 15 * SLOWDOWN,
               "the webhook is back", interval=0.2)


def test_the_controllers_own_authority_is_put_into_the_registration(kubectl, controller, api_server, ns, tmp_path):
    hook = Webhook(tmp_path)
    hook.name = f"injector-{ns}"
    kubectl.apply(hook.registration(hook.name, [ns], ca=b""))
    controller("--kubeconfig", api_server.kubeconfig("controller", token=ADMIN_TOKEN), "--webhook-listen",
               f"127.0.0.1:{hook.port}", "--inject-config", hook.config, "--push-tls", "managed", "--namespace", ns,
               "--tls-names", "localhost,127.0.0.1", "--webhook-config", hook.name)
    try:
        eventually(lambda: create(kubectl, pod(ns, "probe", EXPLICIT, "enabled"), "--dry-run=server").injected, 20 * SLOWDOWN,
                   "the API server trusts the controller", interval=0.2)
        made = create(kubectl, pod(ns, "web", EXPLICIT, "enabled"))
        authority = json.loads(kubectl("get", "configmap", "steelyard-ca", "-n", ns, "-o", "json"))["data"]["ca.crt"]
        env = {one["name"]: one.get("value") for one in made.container("steelyard-sidecar")["env"]}
        assert env["STEELYARD_CONTROLLER_CA_PEM"].strip() == authority.strip()
    finally:
        kubectl("delete", "mutatingwebhookconfiguration", hook.name)


def test_the_clusters_own_service_networks_are_found(kubectl, controller, api_server, ns, tmp_path):
    hook = Webhook(tmp_path)
    hook.name = f"injector-{ns}"
    hook.config.write_text("image: a\ncontrollerURL: wss://127.0.0.1:9443/push\n")
    controller("--kubeconfig", api_server.kubeconfig("controller", token=ADMIN_TOKEN), *hook.flags)
    register(kubectl, hook, ns)
    try:
        def captured():
            made = create(kubectl, pod(ns, "web", label="enabled"), "--dry-run=server")
            assert made.ok, made.said
            return "--service-cidr=10.96.0.0/16" in made.container("steelyard-capture")["args"]
        eventually(captured, 15 * SLOWDOWN, "capture of the API server's --service-cluster-ip-range", interval=0.2)
    finally:
        kubectl("delete", "mutatingwebhookconfiguration", hook.name)


# --- those who are no API server --------------------------------------------------------------------------------------
@pytest.mark.sanitizer
@pytest.mark.parametrize("body, said", [
    (b"", b"the body is not JSON"), (b"{", b"the body is not JSON"), (b"[" * 100_000, b"nests deeper"),
    (b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1beta1"}', b"apiVersion: 'admission.k8s.io/v1beta1' is not"),
    (b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {}}', b"request.uid"),
])
def test_what_is_no_review_is_told_so(webhook, body, said):
    status, answer = webhook.post(body)
    assert (status, said in answer) == (400, True), answer


@pytest.mark.sanitizer
def test_a_crowd_of_silent_peers_holds_up_nobody(webhook, kubectl, ns):
    from harness.http_client import HttpConnection
    eventually(lambda: webhook.controller.answers("/readyz"), 15 * SLOWDOWN, "the controller is ready")
    silent = [HttpConnection(("127.0.0.1", webhook.port)) for _ in range(400)]
    try:
        for number in range(5):
            start = time.monotonic()
            assert create(kubectl, pod(ns, f"pod-{number}", EXPLICIT, "enabled")).injected
            assert time.monotonic() - start < 4 * SLOWDOWN
            start = time.monotonic()
            assert webhook.controller.answers("/readyz")
            assert time.monotonic() - start < 0.5 * SLOWDOWN, "pushing has a thread of its own"
        assert webhook.controller.metric("steelyard_controller_webhook_connections") <= 129
    finally:
        for one in silent:
            one.close()


@pytest.mark.sanitizer
def test_it_ends_in_good_order(webhook, kubectl, ns):
    assert create(kubectl, pod(ns, annotations=EXPLICIT, label="enabled")).injected
    start = time.monotonic()
    assert webhook.controller.terminate() == 0
    assert time.monotonic() - start < 5 * SLOWDOWN
