"""Endpoints come and go under load: nobody notices."""
import pytest

from harness.load import Load
from harness.objects import draining, endpoint, endpoint_slice, service
from harness.wait import eventually


@pytest.mark.sanitizer
def test_scaling_up_and_down_loses_no_request(kubectl, ns, controller, sidecar, backend):
    one, two, three = (backend(name) for name in ("one", "two", "three"))
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]))
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(one)

    with Load(proxy.address_of()) as load:
        eventually(lambda: load.answers_of("one") > 50, what="load on the first backend")

        kubectl.apply(endpoint_slice(ns, [endpoint(it.address) for it in (one, two, three)]))
        eventually(lambda: load.answers_of("two") > 50 and load.answers_of("three") > 50, 20, "load on the new backends")

        # As a rolling update does it: first draining, then gone from the slice, then the process ends.
        kubectl.apply(endpoint_slice(ns, [draining(one.address), draining(two.address), endpoint(three.address)]))
        proxy.wait_states({one.at: "draining", two.at: "draining", three.at: "ready"})
        eventually(lambda: one.active == 0 and two.active == 0, what="the draining backends have nothing left")
        kubectl.apply(endpoint_slice(ns, [endpoint(three.address)]))
        proxy.wait_ready_hosts(three)
        one.die()
        two.die()
        before = load.answers_of("three")
        eventually(lambda: load.answers_of("three") > before + 100, 20, "load on the backend that stays")
    load.assert_no_failure(at_least=250)


def test_an_endpoint_removed_without_a_warning_loses_no_request(kubectl, ns, controller, sidecar, backend):
    one, two = backend("one"), backend("two")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address), endpoint(two.address)]))
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(one, two)
    with Load(proxy.address_of()) as load:
        eventually(lambda: load.answers_of("one") > 20 and load.answers_of("two") > 20, what="load on both")
        kubectl.apply(endpoint_slice(ns, [endpoint(two.address)]))
        eventually(lambda: one.at not in proxy.states() or proxy.states()[one.at] == "draining", what="the first is gone")
        taken = one.requests
        before = load.answers_of("two")
        eventually(lambda: load.answers_of("two") > before + 100, what="load on the one that stays")
        assert one.requests <= taken + 8, "the removed endpoint still gets requests"
    load.assert_no_failure()


def test_a_backend_that_refuses_connections_costs_no_request(kubectl, ns, controller, sidecar, backend):
    """Nothing told Kubernetes yet: the connect fails, and the request goes to another host."""
    one, two = backend("one"), backend("two")
    two.stop_accepting()
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address), endpoint(two.address)]))
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(one, two)
    with Load(proxy.address_of()) as load:
        eventually(lambda: load.answers_of("one") > 200, what="all the load on the backend that lives")
    load.assert_no_failure()


@pytest.mark.sanitizer
def test_many_slices_of_one_service_are_one_set_of_endpoints(kubectl, ns, controller, sidecar, backend):
    one, two = backend("one"), backend("two")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)], name="web-1"),
                  endpoint_slice(ns, [endpoint(two.address)], name="web-2"))
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(one, two)
    kubectl.delete("endpointslice", "web-1", ns)
    proxy.wait_ready_hosts(two)


def test_a_deleted_service_is_answered_503_and_a_new_one_works_at_once(kubectl, ns, controller, sidecar, backend):
    from harness.http_client import get
    one = backend("one")
    objects = service(ns), endpoint_slice(ns, [endpoint(one.address)])
    kubectl.apply(*objects)
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(one)
    kubectl.delete("service", "web", ns)
    eventually(lambda: get(proxy.address_of()).status == 503, what="503 without the Service")
    kubectl.apply(*objects)
    eventually(lambda: get(proxy.address_of()).backend == "one", what="answers again")
