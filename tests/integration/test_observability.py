"""What both programs show, against real ones: docs/observability.md names all of it and nothing else, the limit of series holds, and every
expression of every dashboard and rule has an answer in a real Prometheus."""
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import load_balancers, manifests, network, policies
from harness.api_server import ADMIN_TOKEN
from harness.backends import EchoBackend
from harness.configured import ConfiguredSidecar
from harness.edge import virtual_ip
from harness.load import Load, ask
from harness.objects import endpoint, endpoint_slice, pod, service
from harness.prometheus import Prometheus
from harness.tcp_client import TcpClient
from harness.wait import eventually
from harness.webhook import CONFIG

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "observability"))

from answers import check, over_http, report  # noqa: E402
from exposition import documented, shown  # noqa: E402

HEALTH_CHECK = '{"type": "http", "path": "/healthz", "interval": "1s"}'


@dataclass
class Scene:
    controllers: list  # two replicas, one of which leads
    proxies: list      # one of each replica; the second captures and logs as well
    echo: EchoBackend


@pytest.fixture
def scene(kubectl, ns, api_server, controller, sidecar, backend, tmp_path):
    """All that can be switched on: an HTTP upstream with weights and health checks, a TCP and a UDP one, election, certificates, the webhook."""
    policies.install(kubectl)
    load_balancers.install(kubectl)
    kubectl.apply(load_balancers.pool("front", "198.51.100.0/24", namespaces=[ns]))
    # What other tests left behind is wrong on purpose here and there, and there is an alert about that.
    kubectl("delete", "services,endpointslices.discovery.k8s.io", "--all", "--all-namespaces", "--wait=false")
    one, two, echo = backend("one"), backend("two"), backend("echo", kind=EchoBackend, port=9000)
    kubectl.apply(pod(ns, "one", weight=3), pod(ns, "two"),
                  service(ns, annotations={"health-check": HEALTH_CHECK}),
                  endpoint_slice(ns, [endpoint(one.address, pod="one"), endpoint(two.address, pod="two")]),
                  service(ns, name="db", port=5432, port_name="sql", target_port=9000),
                  endpoint_slice(ns, [endpoint(echo.address)], name="db-1", of="db", port=9000, port_name="sql"),
                  service(ns, name="dns", port=53, port_name="dns", protocol="UDP"),
                  endpoint_slice(ns, [endpoint(echo.address)], name="dns-1", of="dns", port_name="dns", protocol="UDP"))
    config = tmp_path / "inject.yaml"
    config.write_text(CONFIG.format(image="steelyard/sidecar:test", level="info"))
    common = ("--kubeconfig", api_server.kubeconfig("controller", token=ADMIN_TOKEN), "--namespace", ns, "--leader-elect", "true",
              "--push-tls", "managed", "--tls-names", "127.0.0.1", "--inject-config", config)
    controllers = [controller(*common, "--webhook-listen", f"127.0.0.1:{network.free_port()}", "--identity", name, name=name)
                   for name in ("controller-1", "controller-2")]
    eventually(lambda: sum(one.metric("steelyard_controller_leader") for one in controllers) == 1, 30, "one of them leads")
    ca = tmp_path / "ca.crt"
    ca.write_text(eventually(lambda: authority(kubectl, ns), 30, "there is a CA"))
    proxies = [sidecar(one.url.replace("ws:", "wss:"), f"web.{ns}:80", f"db.{ns}:5432", f"udp/dns.{ns}:dns", name=name,
                       arguments=("--controller-ca", ca, "--capture-listen", str(network.free_port() if name == "b" else 0),
                                  "--access-log", "/dev/null" if name == "b" else "off"))
               for one, name in zip(controllers, ("a", "b"))]
    for proxy in proxies:
        proxy.wait_ready()
    yield Scene(controllers, proxies, echo)
    kubectl("delete", "addresspool", "front")


def authority(kubectl, ns) -> str:
    return kubectl("get", "configmap", "steelyard-ca", "-n", ns, "--ignore-not-found", "-o", r"jsonpath={.data.ca\.crt}")


@pytest.fixture
def prometheus(scene, ns, processes, tmp_path):
    targets = [(one, {"namespace": "steelyard-system", "pod": one.name}) for one in scene.controllers]
    targets += [(one, {"namespace": ns, "pod": one.name}) for one in scene.proxies]
    process = Prometheus(tmp_path, targets).start()
    processes.append(process)
    return process.wait_scraping()


def test_the_document_names_every_metric_and_no_other(scene, kubectl, ns, manifest_controller, backend, processes, tmp_path):
    directory = tmp_path / "manifests"
    manifests.static_service(directory, backend("three"))
    content = ConfiguredSidecar(tmp_path, policy={"http": {"compression": {}, "cache": {}}}, name="content")
    state = tmp_path / "vip-state.json"
    state.write_text(json.dumps({"format": 1, "boot_id": "", "monotonic_ms": int(time.monotonic() * 1000), "routers": [
        {"id": 17, "family": "ipv4", "interface": "eth0", "state": "backup", "priority": 200, "addresses": ["192.0.2.7"], "since_ms": 0,
         "conflicts": 0, "splits": 0, "problem": ""}]}))
    edge = ConfiguredSidecar(tmp_path, name="edge", resources=(virtual_ip(lease_duration_ms=5000),), arguments=(
        "--role", "edge", "--node", "worker-1", "--vip-config", tmp_path / "vip.json", "--vip-state", state))
    processes.extend([content, edge])
    # Before what it was told of steelyard-vip is too old: from then on it claims nothing.
    edge.start().wait_answering()
    claiming = eventually(lambda: "steelyard_virtual_ip_lease_seconds{" in (text := edge.metrics()) and text, 4, "the edge claims a lease")
    programs = [*scene.controllers, *scene.proxies, manifest_controller(directory, name="manifests").wait_ready(),
                content.start().wait_answering()]
    # The age of a watch's last event is known once there was one.
    kubectl.apply(pod(ns, "one", weight=2), service(ns), endpoint_slice(ns, []))
    for kind in ("Services", "EndpointSlices", "Pods"):
        eventually(lambda k=kind: scene.controllers[0].metric("steelyard_kube_events_total", kind=k) > 0, what=f"an event of {kind}")
    expositions = [claiming, *(one.metrics() for one in programs)]
    for text in expositions:
        done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")
    said, real = documented(), shown(*expositions)
    assert sorted(real.keys() - said.keys()) == [], "not in docs/observability.md"
    assert sorted(said.keys() - real.keys()) == [], "in docs/observability.md and nowhere else"
    assert {name: said[name] for name in said if said[name] != real[name]} == {name: real[name] for name in said if said[name] != real[name]}


def test_counters_of_known_reasons_are_there_before_the_first(scene):
    """An alert on an increase misses what a counter begins with."""
    assert 'steelyard_push_refused_total{reason="unauthorized"} 0' in scene.controllers[0].metrics()
    assert 'steelyard_kube_errors_total{kind="Pods",reason="forbidden"} 0' in scene.controllers[0].metrics()
    assert 'steelyard_health_transitions_total{' in scene.proxies[0].metrics()


def test_the_limit_of_series_leaves_out_endpoints_and_says_so(kubectl, ns, controller, sidecar, backend):
    real = backend("real")
    many = [endpoint(f"10.200.{i // 250}.{i % 250 + 1}") for i in range(300)]
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(real.address), *many]),
                  service(ns, name="z"), endpoint_slice(ns, [endpoint(real.address)], name="z-1", of="z"))
    control = controller()
    small = sidecar(control, f"web.{ns}:80", f"z.{ns}:80", name="small", arguments=("--metrics-series-limit", "1000"))
    eventually(lambda: len(small.hosts()) == 301, what="all hosts are known")
    assert len([line for line in small.metrics().splitlines() if not line.startswith("#")]) <= 1000
    assert small.metric("steelyard_metrics_series") <= small.metric("steelyard_metrics_series_limit") == 1000
    assert small.metric("steelyard_metrics_series_dropped_total") > 500
    addresses = shown_addresses(small)
    assert 0 < len(addresses) < 300 and addresses == shown_addresses(small), "each scrape shows the same ones"
    assert shown_addresses(small, "steelyard_endpoint_requests_total") == addresses, "an endpoint is shown whole or not at all"
    assert not ask(small.address_of(f"z.{ns}:80"), 20).failures
    assert small.metric("steelyard_upstream_requests_total", upstream=f"{ns}/z:http") == 20, "upstreams stay"


def shown_addresses(program, metric: str = "steelyard_endpoint_weight") -> list:
    return [line.split("} ")[0].removeprefix(metric) for line in program.metrics().splitlines() if line.startswith(metric + "{")]


def test_every_dashboard_and_rule_has_an_answer_and_no_alert_fires(scene, prometheus, kubectl, ns):
    variables = {"namespace": ".*", "upstream": f"{ns}/web:http", "__rate_interval": "10s"}
    loads = [Load(proxy.address_of(f"web.{ns}:80"), connections=2, pause=0.01) for proxy in scene.proxies]
    changes = [0]

    def all_answered():
        # A change now and then, so that batches and acknowledgements have latencies, and a TCP connection.
        changes[0] += 1
        kubectl.apply(pod(ns, "one", weight=2 + changes[0] % 2))
        tcp = TcpClient(scene.proxies[0].address_of(f"db.{ns}:5432"))
        assert tcp.line() == b"echo"
        tcp.finish()
        answers = check(over_http(prometheus.url), variables)
        assert not report(answers), report(answers)
        return answers

    with loads[0], loads[1]:
        answers = eventually(all_answered, 60, "every expression is answered", interval=1)
    for load in loads:
        load.assert_no_failure()
    assert prometheus.rule_problems() == []
    assert prometheus.alerts() == {}
    for answer in answers:
        print(f"{answer.where} = {answer.example}")


def test_an_alert_of_a_real_prometheus_sees_an_upstream_without_endpoint(prometheus, kubectl, ns):
    kubectl.apply(endpoint_slice(ns, []))
    eventually(lambda: prometheus.alerts().get("SteelyardNoHealthyHost") == "pending", 20, "the alert is pending")
