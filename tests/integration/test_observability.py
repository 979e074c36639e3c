"""Every expression of every dashboard and rule, asked of a real Prometheus that scrapes real programs under load."""
import sys
from pathlib import Path

import pytest

from harness.backends import EchoBackend
from harness.load import Load
from harness.objects import endpoint, endpoint_slice, pod, service
from harness.prometheus import Prometheus
from harness.tcp_client import TcpClient
from harness.wait import eventually

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "observability"))

from answers import check, over_http, report  # noqa: E402


@pytest.fixture
def scene(kubectl, ns, controller, sidecar, backend, processes, tmp_path):
    """A controller, two proxies, an HTTP upstream with weights and health checks, a TCP one, and a Prometheus that scrapes them."""
    one, two, echo = backend("one"), backend("two"), backend("echo", kind=EchoBackend, port=9000)
    kubectl.apply(pod(ns, "one", weight=3), pod(ns, "two"),
                  service(ns, annotations={"health-check": '{"type": "http", "path": "/healthz", "interval": "1s"}'}),
                  endpoint_slice(ns, [endpoint(one.address, pod="one"), endpoint(two.address, pod="two")]),
                  service(ns, name="db", port=5432, port_name="sql", target_port=9000),
                  endpoint_slice(ns, [endpoint(echo.address)], name="db-1", of="db", port=9000, port_name="sql"))
    control = controller()
    proxies = [sidecar(control, f"web.{ns}:80", f"db.{ns}:5432", name=name) for name in ("a", "b")]
    for proxy in proxies:
        proxy.wait_ready()
    targets = [(control, {"namespace": "steelyard-system", "pod": "controller-1"})]
    targets += [(proxy, {"namespace": ns, "pod": proxy.name}) for proxy in proxies]
    prometheus = Prometheus(tmp_path, targets).start()
    processes.append(prometheus)
    return proxies, [one, two], prometheus.wait_scraping()


def test_every_dashboard_and_rule_has_an_answer_and_no_alert_fires(scene, kubectl, ns):
    proxies, backends, prometheus = scene
    variables = {"namespace": ".*", "upstream": f"{ns}/web:http", "__rate_interval": "10s"}
    loads = [Load(proxy.address_of(f"web.{ns}:80"), connections=2, pause=0.01) for proxy in proxies]
    changes = [0]

    def all_answered():
        # A change now and then, so that batches and acknowledgements have latencies, and a TCP connection.
        changes[0] += 1
        kubectl.apply(pod(ns, "one", weight=2 + changes[0] % 2))
        tcp = TcpClient(proxies[0].address_of(f"db.{ns}:5432"))
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
        print(f"{answer.where}: {answer.example}")


def test_an_alert_of_a_real_prometheus_sees_an_upstream_without_endpoint(scene, kubectl, ns):
    _, _, prometheus = scene
    kubectl.apply(endpoint_slice(ns, []))
    eventually(lambda: prometheus.alerts().get("SteelyardNoHealthyHost") == "pending", 20, "the alert is pending")
