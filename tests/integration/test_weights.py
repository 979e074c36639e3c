"""A pod's annotation is its share of the traffic."""
import pytest

from harness.http_client import HttpConnection
from harness.load import ask
from harness.objects import endpoint, endpoint_slice, pod, service
from harness.wait import eventually


def three_pods(kubectl, ns, backend, weights, annotations=None):
    backends = {name: backend(name) for name in weights}
    kubectl.apply(service(ns, annotations=annotations), *(pod(ns, name, weight) for name, weight in weights.items()),
                  endpoint_slice(ns, [endpoint(one.address, pod=name) for name, one in backends.items()]))
    return backends


@pytest.mark.sanitizer
def test_weights_1_2_5_give_shares_within_a_point_over_10000_requests(kubectl, ns, controller, sidecar, backend):
    weights = {"small": 1, "middle": 2, "large": 5}
    backends = three_pods(kubectl, ns, backend, weights)
    proxy = sidecar(controller(), f"web.{ns}:80").wait_weights({backends[name].at: weights[name] for name in weights})
    tally = ask(proxy.address_of(), 10_000)
    assert not tally.failures
    assert tally.total == 10_000
    for name, weight in weights.items():
        assert abs(tally.share(name) - weight / 8) < 0.01, f"{name}: {tally.share(name):.4f} instead of {weight / 8}"


def test_a_changed_annotation_changes_the_share_while_requests_run(kubectl, ns, controller, sidecar, backend):
    backends = three_pods(kubectl, ns, backend, {"a": 1, "b": 1, "c": None})
    proxy = sidecar(controller(), f"web.{ns}:80").wait_weights({it.at: 1 for it in backends.values()})
    kubectl("annotate", "pod", "c", "-n", ns, "steelyard.dev/weight=8", "--overwrite")
    proxy.wait_weights({backends["a"].at: 1, backends["b"].at: 1, backends["c"].at: 8})
    tally = ask(proxy.address_of(), 2_000)
    assert not tally.failures
    assert abs(tally.share("c") - 0.8) < 0.02


def test_weight_0_takes_nothing_new(kubectl, ns, controller, sidecar, backend):
    backends = three_pods(kubectl, ns, backend, {"on": 1, "off": 0})
    proxy = sidecar(controller(), f"web.{ns}:80").wait_weights({backends["on"].at: 1, backends["off"].at: 0})
    tally = ask(proxy.address_of(), 200)
    assert (tally.answers["on"], tally.failures) == (200, [])


@pytest.mark.parametrize("nonsense", ["-1", "1000000000", "1e9", "heavy", "", "0.5", "99999999999999999999999"])
def test_an_absurd_weight_is_named_in_the_log_and_counts_as_1(nonsense, kubectl, ns, controller, sidecar, backend):
    backends = three_pods(kubectl, ns, backend, {"a": 4, "b": nonsense})
    control = controller()
    sidecar(control, f"web.{ns}:80").wait_weights({backends["a"].at: 4, backends["b"].at: 1})
    line = control.wait_log(f"{ns}/b")
    assert "steelyard.dev/weight" in line, line


def test_a_weight_that_became_absurd_keeps_the_other_pods_going(kubectl, ns, controller, sidecar, backend):
    backends = three_pods(kubectl, ns, backend, {"a": 3, "b": 2})
    control = controller()
    proxy = sidecar(control, f"web.{ns}:80").wait_weights({backends["a"].at: 3, backends["b"].at: 2})
    kubectl("annotate", "pod", "b", "-n", ns, "steelyard.dev/weight=-7", "--overwrite")
    control.wait_log(f"{ns}/b")
    kubectl("annotate", "pod", "a", "-n", ns, "steelyard.dev/weight=6", "--overwrite")
    eventually(lambda: proxy.hosts()[backends["a"].at]["weight"] == 6, what="the good pod's new weight")
    assert ask(proxy.address_of(), 100).failures == []


def test_maglev_by_cookie_is_the_same_on_two_proxies_and_by_weight(kubectl, ns, controller, sidecar, backend):
    backends = three_pods(kubectl, ns, backend, {"a": 1, "b": 1, "c": 2}, {"algorithm": "maglev", "hash-key": "cookie:sid"})
    control = controller()
    wanted = {backends["a"].at: 1, backends["b"].at: 1, backends["c"].at: 2}
    proxies = [sidecar(control, f"web.{ns}:80", name=name).wait_weights(wanted) for name in ("one", "other")]
    owners = [_owners(proxy, 600) for proxy in proxies]
    assert owners[0] == owners[1]
    assert abs(owners[0].count("c") / 600 - 0.5) < 0.1
    backends["a"].stop_accepting()  # a's keys go elsewhere, the others' stay; both proxies agree
    kubectl.apply(endpoint_slice(ns, [endpoint(backends[name].address, pod=name) for name in ("b", "c")]))
    for proxy in proxies:
        proxy.wait_weights({backends["b"].at: 1, backends["c"].at: 2})
    after = [_owners(proxy, 600) for proxy in proxies]
    assert after[0] == after[1]
    moved = sum(1 for before, now in zip(owners[0], after[0]) if before not in ("a", now))
    assert moved <= 12, f"{moved} of 600 keys moved between pods that stayed"


def _owners(proxy, users: int) -> list:
    with HttpConnection(proxy.address_of()) as connection:
        return [connection.request("/", headers=f"Cookie: theme=dark; sid=user-{n}\r\n").backend for n in range(users)]
