"""The API server and its etcd die and come back. Traffic does not notice, and no change is missed."""
import pytest

from harness.load import Load
from harness.objects import endpoint, endpoint_slice, service
from harness.steelyard import SLOWDOWN
from harness.wait import eventually


@pytest.fixture
def running(kubectl, ns, controller, sidecar, backend):
    """A Service with one backend under load, and a second backend to add."""
    class Running:
        one, two = backend("one"), backend("two")

        def add_second(self):
            kubectl.apply(endpoint_slice(ns, [endpoint(self.one.address), endpoint(self.two.address)]))

        def remove_second(self):
            kubectl.apply(endpoint_slice(ns, [endpoint(self.one.address)]))

        def still_flows(self, load, backend="one"):
            before = load.answers_of(backend)
            eventually(lambda: load.answers_of(backend) > before + 50, what=f"traffic to {backend}")

    it = Running()
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(it.one.address)]))
    it.controller = controller()
    it.sidecar = sidecar(it.controller, f"web.{ns}:80").wait_ready_hosts(it.one)
    return it


@pytest.mark.sanitizer
def test_a_change_made_right_after_the_api_server_was_killed_and_restarted_is_seen(running, api_server):
    with Load(running.sidecar.address_of()) as load:
        running.still_flows(load)
        api_server.kill()
        running.still_flows(load)
        api_server.start()
        running.add_second()
        running.sidecar.wait_ready_hosts(running.one, running.two, timeout=30)
        running.still_flows(load, "two")
    load.assert_no_failure()


def test_changes_go_on_being_seen_after_etcd_was_killed_and_restarted(running, api_server):
    with Load(running.sidecar.address_of()) as load:
        running.still_flows(load)
        api_server.kill_etcd()
        running.still_flows(load)
        api_server.start_etcd()
        api_server.wait_ready()
        running.add_second()
        running.sidecar.wait_ready_hosts(running.one, running.two, timeout=30)
        running.still_flows(load, "two")
    load.assert_no_failure()


def test_changes_made_while_nobody_watched_survive_a_compaction(running, api_server, kubernetes_binaries, kubectl, ns):
    """The controller is stopped, the history it would resume from is compacted away: its watch gets 410, and it lists again."""
    import signal
    with Load(running.sidecar.address_of()) as load:
        running.controller.send(signal.SIGSTOP)
        try:
            running.add_second()
            for number in range(5):
                kubectl("annotate", "service", "web", "-n", ns, f"round={number}", "--overwrite")
            running.remove_second()
            running.add_second()
            api_server.kill()
            api_server.compact_etcd()
            api_server.start()
        finally:
            running.controller.send(signal.SIGCONT)
        running.sidecar.wait_ready_hosts(running.one, running.two, timeout=30)
        running.remove_second()
        running.sidecar.wait_states({running.one.at: "ready"})
    load.assert_no_failure()


def test_what_was_deleted_while_the_api_server_was_away_is_gone_afterwards(running, api_server, kubectl, ns, controller):
    running.add_second()
    running.sidecar.wait_ready_hosts(running.one, running.two)
    with Load(running.sidecar.address_of()) as load:
        running.controller.kill()
        running.remove_second()
        running.controller.start()
        running.sidecar.wait_ready_hosts(running.one, timeout=20)
        running.still_flows(load)
    load.assert_no_failure()


@pytest.mark.sanitizer
def test_a_controller_that_starts_before_its_api_server_waits_for_it(api_server, kubectl, ns, controller, sidecar, backend):
    one = backend("one")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]))
    api_server.kill()
    control = controller()
    assert not control.answers("/readyz"), "ready without having seen the cluster"
    control.wait_log(str(api_server.port))  # it says whom it cannot reach
    proxy = sidecar(control, f"web.{ns}:80")
    api_server.start()
    proxy.wait_ready_hosts(one, timeout=30)
    control.wait_ready()


def test_an_api_server_out_of_reach_costs_next_to_no_cpu(api_server, controller):
    """Back-off: some tries a minute, not a busy loop."""
    import time
    api_server.kill()
    control = controller()
    time.sleep(1)
    before = control.cpu_seconds()
    time.sleep(2)
    # Of seven that ask, each a few times, at about 1 ms. A busy loop takes 2 s.
    assert control.cpu_seconds() - before < 0.2 * SLOWDOWN
