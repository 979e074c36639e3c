"""--manifests DIR: the same pipeline from files. Edits are followed, what is wrong is said, and the rest goes on."""
import pytest

from harness.http_client import get
from harness.load import Load
from harness.manifests import static_service, write
from harness.objects import endpoint, endpoint_slice, pod, service
from harness.wait import eventually, never


@pytest.fixture
def directory(tmp_path):
    made = tmp_path / "manifests"
    made.mkdir()
    return made


@pytest.mark.sanitizer
def test_edits_are_followed_without_a_lost_request(directory, manifest_controller, sidecar, backend):
    one, two = backend("one"), backend("two")
    static_service(directory, one)
    proxy = sidecar(manifest_controller(directory), "web.shop:80").wait_ready_hosts(one)
    with Load(proxy.address_of()) as load:
        static_service(directory, one, two)
        proxy.wait_ready_hosts(one, two)
        write(directory, "more.yaml", pod("shop", "unrelated", 3))
        static_service(directory, two)
        proxy.wait_ready_hosts(two)
        eventually(lambda: load.answers_of("two") > 50, what="load on the second")
    load.assert_no_failure()


@pytest.mark.sanitizer
def test_loopback_addresses_are_allowed_here(directory, manifest_controller, sidecar, backend):
    one = backend("one", address="127.0.0.77", port=8077)
    write(directory, "web.yaml", service("shop"), endpoint_slice("shop", [endpoint(one.address)], port=8077))
    proxy = sidecar(manifest_controller(directory), "web.shop:80").wait_ready_hosts(one)
    assert get(proxy.address_of()).backend == "one"


@pytest.mark.sanitizer
def test_a_torn_file_keeps_what_was_good_until_it_is_mended(directory, manifest_controller, sidecar, backend):
    one, two = backend("one"), backend("two")
    static_service(directory, one)
    control = manifest_controller(directory)
    proxy = sidecar(control, "web.shop:80").wait_ready_hosts(one)
    whole = (directory / "web.yaml").read_text()
    with Load(proxy.address_of()) as load:
        (directory / "web.yaml").write_text(whole[:len(whole) // 2] + "\n  - {[")
        assert "web.yaml" in control.wait_log("web.yaml")
        never(lambda: proxy.states() != {one.at: "ready"}, 0.5, "the last good state is gone")
        static_service(directory, one, two)
        proxy.wait_ready_hosts(one, two)
    load.assert_no_failure(at_least=20)


def test_a_bad_document_is_named_and_the_others_of_its_file_count(directory, manifest_controller, sidecar, backend):
    one = backend("one")
    bad = service("shop", "broken")
    bad["spec"]["ports"][0]["port"] = 0
    write(directory, "all.yaml", service("shop"), bad, endpoint_slice("shop", [endpoint(one.address)]))
    control = manifest_controller(directory)
    sidecar(control, "web.shop:80").wait_ready_hosts(one)
    line = control.wait_log("shop/broken")
    for part in ("all.yaml", "document 2", "spec.ports[0].port", "0"):
        assert part in line, f"{part!r} is not in: {line}"


ABSURD = {
    "a weight of -1": (pod("shop", "odd", -1), "steelyard.dev/weight"),
    "a weight of 1e9": (pod("shop", "odd", 1_000_000_000), "steelyard.dev/weight"),
    "port 0": (endpoint_slice("shop", [endpoint("10.77.9.9")], name="odd", port=0), "port"),
    "port 70000": (endpoint_slice("shop", [endpoint("10.77.9.9")], name="odd", port=70000), "port"),
    "an address that is none": (endpoint_slice("shop", [endpoint("10.77.9.999")], name="odd"), "addresses"),
    "an unknown algorithm": (service("shop", "odd", annotations={"algorithm": "fastest"}), "steelyard.dev/algorithm"),
    "a health check that is no JSON": (service("shop", "odd", annotations={"health-check": "{no"}), "steelyard.dev/health-check"),
    "a drain time-out that is none": (service("shop", "odd", annotations={"drain-timeout": "soon"}), "steelyard.dev/drain-timeout"),
    "no metadata": ({"apiVersion": "v1", "kind": "Service", "spec": {}}, "metadata"),
}


@pytest.mark.parametrize("what", ABSURD)
def test_an_absurd_object_is_named_and_hurts_nobody(what, directory, manifest_controller, sidecar, backend):
    one = backend("one")
    odd, field = ABSURD[what]
    static_service(directory, one)
    write(directory, "odd.yaml", odd)
    control = manifest_controller(directory)
    proxy = sidecar(control, "web.shop:80")
    eventually(lambda: proxy.states().get(one.at) == "ready", what="the good Service works")
    assert field in control.wait_log("odd.yaml")
    assert get(proxy.address_of()).backend == "one"


def test_a_file_that_is_removed_takes_its_objects_with_it(directory, manifest_controller, sidecar, backend):
    one, two = backend("one"), backend("two")
    static_service(directory, one)
    write(directory, "second.yaml", endpoint_slice("shop", [endpoint(two.address)], name="web-2"))
    proxy = sidecar(manifest_controller(directory), "web.shop:80").wait_ready_hosts(one, two)
    (directory / "second.yaml").unlink()
    proxy.wait_ready_hosts(one)


def test_a_directory_that_is_not_there_ends_with_2_and_one_line(tmp_path):
    from harness.processes import run
    from harness.steelyard import BINARIES
    status, output, _ = run([BINARIES / "steelyard-controller", "--manifests", tmp_path / "none", "--push-listen", "127.0.0.1:0",
                             "--admin-listen", "127.0.0.1:0"])
    assert (status, len(output.strip().splitlines())) == (2, 1), output
    assert str(tmp_path / "none") in output
