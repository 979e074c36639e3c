"""What is wrong with a Service is told on it, by a Warning Event: by the leader, once."""
import json

import pytest

from harness.objects import endpoint, endpoint_slice, service
from harness.steelyard import SLOWDOWN
from harness.wait import eventually, never


@pytest.fixture(autouse=True)
def mended(kubectl, ns):
    """A Service with a problem would be one for every controller of the tests to come."""
    yield
    kubectl("delete", "services", "--all", "-n", ns)


def events(kubectl, ns) -> list:
    """Ours: the API server has some of its own to tell of Services."""
    everything = json.loads(kubectl("get", "events.events.k8s.io", "-n", ns, "-o", "json"))["items"]
    return [event for event in everything if event["reportingController"] == "steelyard.dev/controller"]


def broken(ns, algorithm: str = "fastest", name: str = "web") -> dict:
    return service(ns, name, annotations={"algorithm": algorithm})


def test_a_bad_annotation_is_an_event_that_names_it(controller, kubectl, ns):
    kubectl.apply(broken(ns), endpoint_slice(ns, [endpoint("10.77.0.9")]))
    control = controller().wait_ready()
    one, = eventually(lambda: events(kubectl, ns), 10 * SLOWDOWN, "an event")
    assert one["type"] == "Warning" and one["reason"] == "InvalidAnnotation" and one["action"] == "Translate"
    assert "steelyard.dev/algorithm" in one["note"] and "fastest" in one["note"]
    uid = json.loads(kubectl("get", "service", "web", "-n", ns, "-o", "json"))["metadata"]["uid"]
    assert one["regarding"] == {"apiVersion": "v1", "kind": "Service", "namespace": ns, "name": "web", "uid": uid}
    assert "InvalidAnnotation" in kubectl("describe", "service", "web", "-n", ns)
    assert control.metric("steelyard_controller_events_total", result="created") >= 1


def test_it_is_told_once_also_by_the_next_controller(controller, kubectl, ns):
    kubectl.apply(broken(ns))
    first = controller(name="first").wait_ready()
    eventually(lambda: events(kubectl, ns), 10 * SLOWDOWN, "an event")
    kubectl.apply(endpoint_slice(ns, [endpoint("10.77.0.9")]))  # the Service is translated again
    first.terminate()
    second = controller(name="second").wait_ready()
    eventually(lambda: second.metric("steelyard_controller_events_total", result="known") >= 1, 10 * SLOWDOWN, "it is known")
    one, = events(kubectl, ns)
    assert "series" not in one or not one["series"]


def test_another_fault_is_another_event(controller, kubectl, ns):
    kubectl.apply(broken(ns))
    controller().wait_ready()
    eventually(lambda: len(events(kubectl, ns)) == 1, 10 * SLOWDOWN, "one event")
    kubectl.apply(broken(ns, "slowest"))
    eventually(lambda: len(events(kubectl, ns)) == 2, 10 * SLOWDOWN, "two events")


def test_only_the_leader_tells_and_the_next_one_goes_on(controller, api_server, kubectl, ns):
    def start(name):
        from harness.api_server import ADMIN_TOKEN
        return controller("--kubeconfig", api_server.kubeconfig("controller", token=ADMIN_TOKEN), "--leader-elect", "true",
                          "--namespace", ns, "--identity", name, name=name)
    one = start("one").wait_ready()
    eventually(lambda: one.metric("steelyard_controller_leader") == 1, 10 * SLOWDOWN)
    two = start("two").wait_ready()
    kubectl.apply(broken(ns))
    eventually(lambda: events(kubectl, ns), 10 * SLOWDOWN, "an event")
    never(lambda: sum(two.metric("steelyard_controller_events_total", result=r) for r in ("created", "known", "failed")), 1)
    one.terminate()
    kubectl.apply(broken(ns, name="other"))
    eventually(lambda: any(event["regarding"]["name"] == "other" for event in events(kubectl, ns)), 10 * SLOWDOWN, "told by two")


def test_an_outage_delays_events_and_disturbs_nothing(controller, api_server, kubectl, ns, sidecar, backend):
    one = backend("one")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]))
    control = controller()
    proxy = sidecar(control, f"web.{ns}:80").wait_ready_hosts(one)
    kubectl.apply(broken(ns, name="bad"))
    api_server.kill()
    api_server.start()
    eventually(lambda: any(event["regarding"]["name"] == "bad" for event in events(kubectl, ns)), 40 * SLOWDOWN, "told")
    assert proxy.states() == {one.at: "ready"}
    assert control.terminate(5 * SLOWDOWN) == 0
