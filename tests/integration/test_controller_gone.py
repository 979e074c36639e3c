"""The controller dies: traffic goes on, and a proxy that starts without one serves what it last knew."""
import pytest

from harness import network
from harness.load import Load, ask
from harness.objects import endpoint, endpoint_slice, pod, service
from harness.wait import eventually


@pytest.fixture
def running(kubectl, ns, controller, sidecar, backend):
    class Running:
        one, two = backend("one"), backend("two")
    it = Running()
    kubectl.apply(service(ns), pod(ns, "one", 3), pod(ns, "two", 1),
                  endpoint_slice(ns, [endpoint(it.one.address, "one"), endpoint(it.two.address, "two")]))
    it.controller = controller()
    it.sidecar = sidecar(it.controller, f"web.{ns}:80").wait_weights({it.one.at: 3, it.two.at: 1})
    return it


def state_files(proxy):
    return [one for one in proxy.state_dir.rglob("*") if one.is_file() and one.stat().st_size > 0]


@pytest.mark.sanitizer
def test_traffic_goes_on_while_the_controller_is_gone_and_changes_after_it_is_back(running, kubectl, ns):
    with Load(running.sidecar.address_of()) as load:
        eventually(lambda: load.tally.total > 50, what="load")
        running.controller.kill()
        before = load.tally.total
        eventually(lambda: load.tally.total > before + 200, what="load without a controller")
        kubectl.apply(endpoint_slice(ns, [endpoint(running.one.address, "one")]))
        running.controller.start()
        running.sidecar.wait_ready_hosts(running.one, timeout=20)
    load.assert_no_failure(at_least=250)


@pytest.mark.sanitizer
def test_a_sidecar_restarted_without_a_controller_serves_the_last_good_configuration(running):
    eventually(lambda: state_files(running.sidecar), what="a file in the state directory")
    running.controller.kill()
    assert running.sidecar.terminate() == 0
    running.sidecar.start().wait_answering().wait_weights({running.one.at: 3, running.two.at: 1})
    tally = ask(running.sidecar.address_of(), 400)
    assert not tally.failures
    assert abs(tally.share("one") - 0.75) < 0.02


@pytest.mark.parametrize("damage", ["torn", "garbage", "empty"])
def test_a_damaged_state_file_is_said_and_the_sidecar_starts_all_the_same(damage, running):
    files = eventually(lambda: state_files(running.sidecar), what="a file in the state directory")
    running.sidecar.kill()
    running.controller.kill()
    for file in files:
        whole = file.read_bytes()
        file.write_bytes({"torn": whole[:len(whole) // 2], "garbage": b"\x00\xff" * 500, "empty": b""}[damage])
    running.sidecar.start().wait_answering()
    running.sidecar.wait_log(str(running.sidecar.state_dir))
    assert not running.sidecar.answers("/readyz"), "ready with nothing to serve"
    running.controller.start()
    running.sidecar.wait_ready_hosts(running.one, running.two, timeout=20)
    assert not ask(running.sidecar.address_of(), 50).failures


def test_a_sidecar_that_was_killed_at_any_moment_finds_a_whole_state_file(running, kubectl, ns):
    """Written aside and renamed: kill -9 while configurations arrive never leaves half a file."""
    for number in range(3):
        kubectl("annotate", "pod", "two", "-n", ns, f"steelyard.dev/weight={number + 5}", "--overwrite")
        running.sidecar.kill()
        running.sidecar.start().wait_answering()
        eventually(lambda: set(running.sidecar.states()) == {running.one.at, running.two.at}, what="both hosts")
    running.sidecar.wait_weights({running.one.at: 3, running.two.at: 7})


def test_a_sidecar_that_starts_before_the_controller_waits_for_it(kubectl, ns, controller, sidecar, backend):
    one = backend("one")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]))
    port = network.free_port()
    proxy = sidecar(f"ws://127.0.0.1:{port}", f"web.{ns}:80")
    assert not proxy.answers("/readyz")
    controller(push_port=port)
    proxy.wait_ready_hosts(one, timeout=20)
    proxy.wait_ready()
