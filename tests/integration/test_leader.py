"""Of several controllers one leads, by a Lease: crashes, orderly ends, cut networks, and the least rights that will do."""
import json
import time

import pytest

from harness.api_server import ADMIN_TOKEN
from harness.cuttable import Cuttable
from harness.kubeconfig import write_kubeconfig
from harness.load import Load
from harness.objects import cluster_role, endpoint, endpoint_slice, service
from harness.steelyard import SLOWDOWN
from harness.wait import eventually, never

QUICK = ("--lease-duration", "3s", "--renew-deadline", "2s", "--retry-period", "400ms")
SLOW = ("--lease-duration", "60s", "--renew-deadline", "40s", "--retry-period", "5s")


@pytest.fixture
def candidate(controller, api_server, ns):
    """candidate("a") starts a controller that takes part in the election of the test's own namespace."""
    def start(name: str, *arguments, kubeconfig=None):
        kubeconfig = kubeconfig or api_server.kubeconfig("controller", token=ADMIN_TOKEN)
        return controller("--kubeconfig", kubeconfig, "--leader-elect", "true", "--namespace", ns, "--identity", name,
                          *(arguments or QUICK), name=name)
    return start


def leads(controller) -> bool:
    return controller.metric("steelyard_controller_leader") == 1


def wait_leads(controller, timeout: float = 10):
    eventually(lambda: leads(controller), timeout * SLOWDOWN, f"{controller.name} leads", interval=0.005)


def lease(kubectl, ns) -> dict:
    return json.loads(kubectl("get", "lease", "steelyard-controller", "-n", ns, "-o", "json"))


def test_one_of_two_leads_and_the_lease_says_which(candidate, kubectl, ns):
    one = candidate("one")
    wait_leads(one)
    two = candidate("two")
    two.wait_log("one_")
    assert not leads(two)
    spec = lease(kubectl, ns)["spec"]
    assert spec["holderIdentity"].startswith("one_") and spec["leaseDurationSeconds"] == 3
    before = spec["renewTime"]
    eventually(lambda: lease(kubectl, ns)["spec"]["renewTime"] > before, what="it is renewed")
    never(lambda: leads(two), 4, "two lead")
    assert one.metric("steelyard_controller_leader_transitions_total") == 1


def test_a_leader_that_crashed_is_replaced_when_its_lease_has_run_out_and_not_before(candidate, kubectl, ns):
    one = candidate("one")
    wait_leads(one)
    two = candidate("two")
    two.wait_log("one_")
    one.kill()
    killed = time.monotonic()
    wait_leads(two, 8)
    took = time.monotonic() - killed
    assert took > 2, f"after {took:.2f} s the first could still have led"
    assert took < 4.5 * SLOWDOWN, f"{took:.2f} s"
    assert lease(kubectl, ns)["spec"]["leaseTransitions"] == 1


@pytest.mark.sanitizer
def test_a_leader_that_ends_hands_over_at_once(candidate):
    """The figures are such that polling, or waiting for the lease, would take far longer."""
    one = candidate("one", *SLOW)
    wait_leads(one)
    two = candidate("two", *SLOW)
    two.wait_log("one_")
    one.send(15)
    told = time.monotonic()
    wait_leads(two)
    assert time.monotonic() - told < 1 * SLOWDOWN
    assert one.wait(5 * SLOWDOWN) == 0
    assert "released" in one.log()


def test_a_leader_that_is_cut_off_stops_before_another_begins_and_goes_on_pushing(
        candidate, api_server, loop, kubectl, ns, sidecar, backend, tmp_path):
    one_backend = backend("one")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one_backend.address)]))
    relay = Cuttable(loop, "127.0.0.1", api_server.port).start()
    try:
        kubeconfig = write_kubeconfig(tmp_path / "relayed", f"https://127.0.0.1:{relay.port}", api_server.ca, token=ADMIN_TOKEN)
        one = candidate("one", kubeconfig=kubeconfig)
        wait_leads(one)
        two = candidate("two")
        two.wait_log("one_")
        proxy = sidecar(one, f"web.{ns}:80").wait_ready_hosts(one_backend)
        with Load(proxy.address_of()) as load:
            relay.cut()
            cut = time.monotonic()
            eventually(lambda: not leads(one) or leads(two), 6 * SLOWDOWN, "the first stops leading", interval=0.005)
            assert not leads(two), "two led at once"
            assert time.monotonic() - cut < 2.5 * SLOWDOWN
            wait_leads(two)
            one.wait_log("leads no longer")
            assert one.answers("/readyz")
            sidecar(one, f"web.{ns}:80", name="late").wait_ready_hosts(one_backend)
            relay.mend()
            eventually(lambda: "two_" in one.log(), 15 * SLOWDOWN, "the first sees who leads now")
            assert not leads(one)
        load.assert_no_failure()
    finally:
        relay.stop()


@pytest.mark.sanitizer
def test_a_leader_ends_promptly_without_an_api_server(candidate, api_server, loop, tmp_path):
    relay = Cuttable(loop, "127.0.0.1", api_server.port).start()
    try:
        kubeconfig = write_kubeconfig(tmp_path / "relayed", f"https://127.0.0.1:{relay.port}", api_server.ca, token=ADMIN_TOKEN)
        one = candidate("one", kubeconfig=kubeconfig)
        wait_leads(one)
        relay.cut()
        assert one.terminate(4 * SLOWDOWN) == 0
    finally:
        relay.stop()


def test_an_api_server_that_comes_back_finds_one_leader(candidate, api_server):
    both = [candidate("one"), candidate("two")]
    eventually(lambda: sum(map(leads, both)) == 1, 10 * SLOWDOWN, "one leads")
    api_server.kill()
    eventually(lambda: sum(map(leads, both)) == 0, 10 * SLOWDOWN, "nobody leads without an API server")
    api_server.start()
    eventually(lambda: sum(map(leads, both)) == 1, 20 * SLOWDOWN, "one leads again")
    never(lambda: sum(map(leads, both)) > 1, 2, "two lead")


def test_a_lease_that_exists_is_led_with_no_more_than_the_rights_to_it(candidate, api_server, kubectl, ns):
    """As the chart has it: the Lease is made empty, with labels; the controller may not create any."""
    user = f"few-rights-{ns}"
    kubectl.apply(
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
         "metadata": {"name": "steelyard-controller", "namespace": ns, "labels": {"app": "chart"}}, "spec": {}},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": user, "namespace": ns},
         "rules": [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": ["steelyard-controller"],
                    "verbs": ["get", "watch", "update", "patch"]}]},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": user, "namespace": ns},
         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
         "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]},
        *cluster_role(user, user, [("", ["services", "pods"]), ("discovery.k8s.io", ["endpointslices"])]))
    kubeconfig = api_server.client_certificate_kubeconfig(user)
    one = candidate("one", *SLOW, kubeconfig=kubeconfig)
    wait_leads(one)
    two = candidate("two", *SLOW, kubeconfig=kubeconfig)
    two.wait_log("one_")
    one.terminate()
    wait_leads(two, 3)
    assert lease(kubectl, ns)["metadata"]["labels"] == {"app": "chart"}


def test_a_lease_taken_by_hand_is_left_alone_while_it_lasts(candidate, kubectl, ns):
    one = candidate("one")
    wait_leads(one)
    kubectl("patch", "lease", "steelyard-controller", "-n", ns, "--type=merge", "-p",
            json.dumps({"spec": {"holderIdentity": "by-hand", "leaseDurationSeconds": 3600}}))
    eventually(lambda: not leads(one), 5 * SLOWDOWN, "it stops at once")
    one.wait_log("by-hand leads")
    kubectl("delete", "lease", "steelyard-controller", "-n", ns)
    wait_leads(one)
