"""/metrics of both programs, as promtool sees them, and that they tell the truth."""
import subprocess

import pytest

from harness.load import ask
from harness.objects import endpoint, endpoint_slice, service
from harness.wait import eventually


@pytest.fixture
def running(kubectl, ns, controller, sidecar, backend):
    one, two = backend("one"), backend("two")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address), endpoint(two.address)]))
    control = controller()
    proxy = sidecar(control, f"web.{ns}:80").wait_ready_hosts(one, two)
    assert not ask(proxy.address_of(), 200).failures
    return control, proxy


@pytest.mark.parametrize("which", ["controller", "sidecar"])
def test_promtool_finds_nothing_to_say_about_the_metrics(which, running):
    program = dict(zip(("controller", "sidecar"), running))[which]
    exposition = program.metrics()
    assert exposition.count("\nsteelyard_") > 10, "hardly any metrics"
    done = subprocess.run(["promtool", "check", "metrics"], input=exposition, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_requests_are_counted_exactly_and_the_hosts_share_them(running):
    _, proxy = running
    hosts = proxy.hosts().values()
    assert sum(host["requests"] for host in hosts) == 200
    assert all(host["failures"] == 0 for host in hosts)
    names = [line for line in proxy.metrics().splitlines() if line.startswith("steelyard_") and line.endswith(" 200")]
    assert any("requests_total" in line for line in names), "no counter of requests says 200"


@pytest.mark.sanitizer
def test_what_is_in_flight_goes_back_to_zero(running):
    _, proxy = running
    eventually(lambda: all(host["active"] == 0 for host in proxy.hosts().values()), what="nothing in flight")


@pytest.mark.parametrize("path, status", [("/healthz", 200), ("/nowhere", 404)])
def test_the_admin_listeners_answer_like_any_http_server(path, status, running):
    for program in running:
        assert program.admin_get(path).status == status
        assert program.admin_get(path, "DELETE").status in (404, 405)


def test_the_config_shown_is_the_one_in_force(running, ns):
    import json
    _, proxy = running
    assert f"{ns}/web:http" in json.dumps(json.loads(proxy.admin_get("/config").body))
