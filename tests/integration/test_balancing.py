"""Who gets a request: by response time, by connections, within bounds, backups, slow starters, near ones (docs/balancing.md)."""
import threading

import pytest

from harness.http_client import HttpConnection
from harness.load import ask
from harness.objects import endpoint, endpoint_slice, pod, service
from harness.wait import eventually


def two(kubectl, ns, backend, annotations, **spec):
    """Service web with backends a and b."""
    backends = {name: backend(name) for name in "ab"}
    kubectl.apply(with_spec(service(ns, annotations=annotations), **spec),
                  endpoint_slice(ns, [endpoint(one.address) for one in backends.values()]))
    return backends


def with_spec(one: dict, **spec) -> dict:
    one["spec"].update(spec)
    return one


def backup(ns, name, priority) -> dict:
    made = pod(ns, name)
    made["metadata"]["annotations"]["steelyard.dev/priority"] = str(priority)
    return made


class Held:
    """Requests for /hold, each on a connection of its own, sent one after the other."""

    def __init__(self, proxy, backends, headers=""):
        self.proxy, self.backends, self.headers, self.threads = proxy, backends, headers, []

    def send(self, count):
        for _ in range(count):
            before = self.waiting()
            self.threads.append(threading.Thread(target=self._one, daemon=True))
            self.threads[-1].start()
            eventually(lambda: self.waiting() == before + 1, what="a backend has the request")
        return self

    def waiting(self):
        return sum(len(one.waiting) for one in self.backends.values())

    def end(self):
        for one in self.backends.values():
            one.release()
        for thread in self.threads:
            thread.join(10)

    def _one(self):
        with HttpConnection(self.proxy.address_of()) as connection:
            connection.request("/hold", headers=self.headers)


def test_least_response_time_leaves_the_slow_backend_little(kubectl, ns, controller, sidecar, backend):
    backends = two(kubectl, ns, backend, {"algorithm": "least-response-time"})
    backends["b"].delay = 0.08
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(*backends.values())
    tally = ask(proxy.address_of(), 600)
    assert not tally.failures
    assert 0 < tally.answers["b"] < 120, tally.answers


def test_least_response_time_comes_back_to_a_backend_that_is_fast_again(kubectl, ns, controller, sidecar, backend):
    backends = two(kubectl, ns, backend, {"algorithm": "least-response-time"})
    backends["b"].delay = 0.08
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(*backends.values())
    ask(proxy.address_of(), 200)
    backends["b"].delay = 0.0
    # What is known of it is forgotten within 15 s.
    eventually(lambda: ask(proxy.address_of(), 200).answers["b"] > 40, 40, "the backend has a share again")


def test_least_connections_spares_the_backend_that_holds_some(kubectl, ns, controller, sidecar, backend):
    backends = two(kubectl, ns, backend, {"algorithm": "least-connections"})
    proxy = sidecar(controller(), f"web.{ns}:80", arguments=("--workers", "1")).wait_ready_hosts(*backends.values())
    held = Held(proxy, backends).send(6)
    assert [len(one.waiting) for one in backends.values()] == [3, 3]
    held.end()


@pytest.mark.parametrize("algorithm", ["ring-hash", "maglev"])
def test_a_hot_key_overflows_to_others_at_the_bound_and_without_one_it_does_not(algorithm, kubectl, ns, controller, sidecar, backend):
    annotations = {"algorithm": algorithm, "hash-key": "header:X-User", "load-factor": "125"}
    backends = two(kubectl, ns, backend, annotations)
    proxy = sidecar(controller(), f"web.{ns}:80", arguments=("--workers", "1")).wait_ready_hosts(*backends.values())
    held = Held(proxy, backends, "X-User: hot\r\n").send(8)
    # Of the eighth request on, ceil(1.25 * 8 / 2) = 5 are the most that one of two may have.
    assert sorted(len(one.waiting) for one in backends.values()) == [3, 5]
    held.end()
    del annotations["load-factor"]
    kubectl.apply(service(ns, annotations=annotations))
    for one in backends.values():
        one.hold()
    eventually(lambda: "load_factor_percent" not in proxy.admin_get("/config").body.decode(), what="the bound is gone")
    held = Held(proxy, backends, "X-User: hot\r\n").send(8)
    assert sorted(len(one.waiting) for one in backends.values()) == [0, 8]
    held.end()


@pytest.mark.sanitizer
def test_backups_take_over_when_the_last_primary_is_gone_and_give_back(kubectl, ns, controller, sidecar, backend):
    backends = {name: backend(name) for name in ("primary", "backup", "last")}
    every = [endpoint(one.address, pod=name) for name, one in backends.items()]
    check = '{"type":"http","path":"/healthz","interval":"100ms","timeout":"1s","rise":1,"fall":1}'
    kubectl.apply(service(ns, annotations={"health-check": check}), backup(ns, "primary", 0), backup(ns, "backup", 1),
                  backup(ns, "last", 15), endpoint_slice(ns, every))
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(*backends.values())
    eventually(lambda: [proxy.hosts()[one.at]["priority"] for one in backends.values()] == [0, 1, 15], what="the priorities")
    eventually(lambda: all(host["health"] == "up" for host in proxy.hosts().values()), what="all are probed")
    assert ask(proxy.address_of(), 200).answers == {"primary": 200}
    backends["primary"].healthy = False
    eventually(lambda: proxy.hosts()[backends["primary"].at]["health"] == "down", what="the primary is down")
    assert ask(proxy.address_of(), 200).answers == {"backup": 200}
    backends["primary"].healthy = True
    eventually(lambda: proxy.hosts()[backends["primary"].at]["health"] == "up", what="the primary is back")
    assert ask(proxy.address_of(), 200).answers == {"primary": 200}
    kubectl("annotate", "pod", "last", "-n", ns, "steelyard.dev/priority=0", "--overwrite")
    eventually(lambda: proxy.hosts()[backends["last"].at]["priority"] == 0, what="the annotation's change is there")
    assert set(ask(proxy.address_of(), 200).answers) == {"primary", "last"}


def test_an_absurd_priority_is_named_and_counts_as_none(kubectl, ns, controller, sidecar, backend):
    one = backend("a")
    kubectl.apply(service(ns), backup(ns, "a", 99), endpoint_slice(ns, [endpoint(one.address, pod="a")]))
    control = controller()
    proxy = sidecar(control, f"web.{ns}:80").wait_ready_hosts(one)
    assert "steelyard.dev/priority" in control.wait_log(f"{ns}/a")
    assert proxy.hosts()[one.at]["priority"] == 0


def test_a_backend_that_comes_later_starts_slowly(kubectl, ns, controller, sidecar, backend):
    early, late = backend("early"), backend("late")
    kubectl.apply(service(ns, annotations={"slow-start": "1h"}), endpoint_slice(ns, [endpoint(early.address)]))
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(early)
    assert proxy.hosts()[early.at]["warm_percent"] == 100
    kubectl.apply(endpoint_slice(ns, [endpoint(early.address), endpoint(late.address)]))
    proxy.wait_ready_hosts(early, late)
    assert proxy.hosts()[late.at]["warm_percent"] == 10
    assert abs(ask(proxy.address_of(), 3000).share("late") - 0.1 / 1.1) < 0.03
    kubectl.apply(service(ns, annotations={"slow-start": "1ms"}))
    eventually(lambda: proxy.hosts()[late.at]["warm_percent"] == 100, what="the short window is over")
    assert abs(ask(proxy.address_of(), 1000).share("late") - 0.5) < 0.03


@pytest.mark.parametrize("annotations,spec", [({"locality": "prefer-same-zone"}, {}), ({}, {"trafficDistribution": "PreferClose"})])
def test_hosts_in_the_zone_of_the_node_serve_until_they_are_down(annotations, spec, kubectl, ns, controller, sidecar, backend):
    check = '{"type":"http","path":"/healthz","interval":"100ms","timeout":"1s","rise":1,"fall":1}'
    backends = {name: backend(name) for name in ("near", "far")}
    kubectl.apply(with_spec(service(ns, annotations={**annotations, "health-check": check}), **spec), endpoint_slice(ns, [
        endpoint(backends["near"].address, zone="east", node="n1"), endpoint(backends["far"].address, zone="west", node="n2")]))
    proxy = sidecar(controller(), f"web.{ns}:80", arguments=("--node", "n1")).wait_ready_hosts(*backends.values())
    eventually(lambda: all(host["health"] == "up" for host in proxy.hosts().values()), what="all are probed")
    assert proxy.hosts()[backends["near"].at]["distance"] == "same-node"
    assert ask(proxy.address_of(), 200).answers == {"near": 200}
    backends["near"].healthy = False
    eventually(lambda: proxy.hosts()[backends["near"].at]["health"] == "down", what="the near one is down")
    assert ask(proxy.address_of(), 200).answers == {"far": 200}


def test_another_zone_than_that_of_the_flag_is_far(kubectl, ns, controller, sidecar, backend):
    backends = {name: backend(name) for name in ("near", "far")}
    kubectl.apply(service(ns, annotations={"locality": "prefer-same-node"}), endpoint_slice(ns, [
        endpoint(backends["far"].address, zone="east", node="n2"), endpoint(backends["near"].address, zone="west", node="n3")]))
    proxy = sidecar(controller(), f"web.{ns}:80", arguments=("--node", "n1", "--zone", "west")).wait_ready_hosts(*backends.values())
    assert {at: host["distance"] for at, host in proxy.hosts().items()} == {
        backends["far"].at: "elsewhere", backends["near"].at: "same-zone"}
    assert ask(proxy.address_of(), 100).answers == {"near": 100}, "nobody is on the node: then the zone"


def test_an_unknown_traffic_distribution_or_locality_is_named(kubectl, ns, controller, sidecar, backend):
    one = backend("a")
    kubectl.apply(service(ns, annotations={"locality": "nearby"}), endpoint_slice(ns, [endpoint(one.address)]))
    control = controller()
    assert "prefer-same-zone" in control.wait_log("nearby")
    sidecar(control, f"web.{ns}:80").wait_ready_hosts(one)


def test_session_affinity_of_a_service_keeps_a_client_on_its_backend(kubectl, ns, controller, sidecar, backend):
    backends = two(kubectl, ns, backend, {}, sessionAffinity="ClientIP")
    control = controller()
    proxies = [sidecar(control, f"web.{ns}:80", name=name).wait_ready_hosts(*backends.values()) for name in ("one", "other")]
    owners = {name for proxy in proxies for name in ask(proxy.address_of(), 100).answers}
    assert len(owners) == 1, "one client, one backend, through every proxy"
