"""What the conditions of an endpoint mean: ready, draining, absent; and what health checks add."""
import json
import threading

import pytest

from harness.http_client import get
from harness.load import Load, ask
from harness.objects import draining, endpoint, endpoint_slice, service
from harness.wait import eventually, never


class SlowRequest:
    """One request that its backend holds back; `result()` waits for its answer."""

    def __init__(self, address):
        self.outcome = None
        self._thread = threading.Thread(target=self._run, args=(address,), daemon=True)
        self._thread.start()

    def _run(self, address):
        try:
            self.outcome = get(address, "/hold", timeout=30)
        except Exception as error:
            self.outcome = error

    def result(self):
        self._thread.join(30)
        return self.outcome


@pytest.mark.sanitizer
def test_a_terminating_endpoint_finishes_what_it_has_and_gets_nothing_new(kubectl, ns, controller, sidecar, backend):
    leaving, staying = backend("leaving"), backend("staying")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(leaving.address)]))
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(leaving)
    held = [SlowRequest(proxy.address_of()) for _ in range(5)]
    eventually(lambda: len(leaving.waiting) == 5, what="five requests in flight")

    kubectl.apply(endpoint_slice(ns, [draining(leaving.address), endpoint(staying.address)]))
    proxy.wait_states({leaving.at: "draining", staying.at: "ready"})
    tally = ask(proxy.address_of(), 300)
    assert (tally.answers["staying"], tally.failures) == (300, [])
    assert leaving.requests == 5

    leaving.release()
    assert [(one.result().status, one.result().backend) for one in held] == [(200, "leaving")] * 5


def test_an_endpoint_that_leaves_the_slice_finishes_what_it_has(kubectl, ns, controller, sidecar, backend):
    leaving, staying = backend("leaving"), backend("staying")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(leaving.address)]))
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(leaving)
    held = SlowRequest(proxy.address_of())
    eventually(lambda: leaving.waiting, what="a request in flight")
    kubectl.apply(endpoint_slice(ns, [endpoint(staying.address)]))
    eventually(lambda: proxy.states().get(staying.at) == "ready", what="the new endpoint")
    assert ask(proxy.address_of(), 50).answers["staying"] == 50
    leaving.release()
    assert held.result().status == 200


def test_an_endpoint_neither_ready_nor_serving_is_absent(kubectl, ns, controller, sidecar, backend):
    good, starting, dead = backend("good"), backend("starting"), backend("dead")
    kubectl.apply(service(ns), endpoint_slice(ns, [
        endpoint(good.address), endpoint(starting.address, ready=False, serving=False),
        endpoint(dead.address, ready=False, serving=False, terminating=True)]))
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(good)
    assert ask(proxy.address_of(), 100).answers["good"] == 100
    assert starting.requests == dead.requests == 0


def test_when_all_endpoints_are_draining_they_still_serve(kubectl, ns, controller, sidecar, backend):
    """Better a backend that is about to leave than none: kube-proxy does the same."""
    last = backend("last")
    kubectl.apply(service(ns), endpoint_slice(ns, [draining(last.address)]))
    proxy = sidecar(controller(), f"web.{ns}:80").wait_states({last.at: "draining"})
    assert ask(proxy.address_of(), 50).answers["last"] == 50


def test_a_service_without_endpoints_is_answered_503_until_it_has_one(kubectl, ns, controller, sidecar, backend):
    one = backend("one")
    kubectl.apply(service(ns))
    proxy = sidecar(controller(), f"web.{ns}:80")
    eventually(lambda: get(proxy.address_of()).status == 503, what="503 without endpoints")
    kubectl.apply(endpoint_slice(ns, [endpoint(one.address)]))
    proxy.wait_ready_hosts(one)
    assert get(proxy.address_of()).backend == "one"


CHECK = {"type": "http", "path": "/healthz", "interval": "200ms", "timeout": "150ms", "rise": 1, "fall": 2}


@pytest.mark.sanitizer
def test_a_backend_that_fails_its_health_check_gets_nothing_until_it_is_well(kubectl, ns, controller, sidecar, backend):
    well, ill = backend("well"), backend("ill")
    kubectl.apply(service(ns, annotations={"health-check": json.dumps(CHECK)}),
                  endpoint_slice(ns, [endpoint(well.address), endpoint(ill.address)]))
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(well, ill)

    def health(of):
        return proxy.hosts()[of.at]["health"]

    eventually(lambda: health(ill) == "up" and health(well) == "up", what="both are up")
    with Load(proxy.address_of()) as load:
        ill.healthy = False
        eventually(lambda: health(ill) == "down", what="the ill one is down")
        taken = ill.requests
        never(lambda: ill.requests > taken + 8, 0.5, "requests to a backend that is down")
        ill.healthy = True
        eventually(lambda: health(ill) == "up", what="up again")
        eventually(lambda: ill.requests > taken + 20, what="requests again")
    load.assert_no_failure()
