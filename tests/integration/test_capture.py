"""Transparent capture: a client that connects to a Service's address is balanced by the proxy beside it, and knows nothing of it."""
import os
import shutil
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import capture, network
from harness.backends import EchoBackend
from harness.capture import CapturingSidecar
from harness.http_client import ConnectionClosed, HttpConnection, get
from harness.load import Load
from harness.manifests import write
from harness.objects import endpoint, endpoint_slice, pod, service
from harness.processes import run
from harness.steelyard import BINARIES, SLOWDOWN
from harness.tcp_client import TcpClient
from harness.wait import eventually

WEB = ("10.96.0.7", 80)
WEB6 = ("fd00:96::7", 80)
UNKNOWN = "10.96.9.9"

pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="the proxy runs as another user, which takes root"),
    pytest.mark.skipif(shutil.which("nft") is None, reason="nftables is not installed (scripts/bootstrap.sh test)"),
]


def web(*backends, name: str = "web", ips=(WEB[0], WEB6[0]), port_name: str = "http", weights: dict | None = None) -> list:
    one = service("shop", name, port_name=port_name)
    one["spec"] |= {"clusterIP": ips[0], "clusterIPs": list(ips)}
    pods = [pod("shop", at, weight) for at, weight in (weights or {}).items()]
    endpoints = [endpoint(backend.address, pod=backend.name if weights else "") for backend in backends]
    return [one, endpoint_slice("shop", endpoints, name=f"{name}-1", of=name, port_name=port_name), *pods]


@pytest.fixture
def captured(processes, tmp_path):
    """captured("http://...") installs the rules and starts a proxy of its own user; the rules go with the test."""
    capture.routes()

    def start(of, *flags, name: str = "sidecar", arguments: tuple = (), uid: int = capture.PROXY_UID, rules_uid: int = 0):
        capture.install(*flags, uid=rules_uid or uid)
        proxy = CapturingSidecar(tmp_path, getattr(of, "url", of), name, arguments, uid)
        processes.append(proxy)
        return proxy.start().wait_answering()

    yield start
    capture.remove()
    capture.unmake_local(UNKNOWN)
    shutil.rmtree(capture.HOME, ignore_errors=True)


@pytest.fixture
def shop(manifest_controller, tmp_path):
    """shop(objects) writes the manifests and starts the controller on them."""
    def start(*objects):
        write(tmp_path / "manifests", "web.yaml", *objects)
        return manifest_controller(tmp_path / "manifests")
    return start


def outcomes(proxy) -> dict:
    return {outcome: proxy.metric("steelyard_capture_connections_total", outcome=outcome)
            for outcome in ("balanced", "passthrough", "refused")}


@pytest.mark.sanitizer
def test_a_service_is_balanced_by_weight_behind_its_own_address(shop, captured, backend):
    heavy, light = backend("heavy"), backend("light")
    proxy = captured(shop(*web(heavy, light, weights={"heavy": 3, "light": 1}))).wait_ready()
    seen = Counter(get(WEB).backend for _ in range(80))
    assert 54 <= seen["heavy"] <= 66 and seen["light"] == 80 - seen["heavy"], seen
    with HttpConnection(WEB) as connection:
        kept = Counter(connection.request().backend for _ in range(40))
    assert kept == {"heavy": 30, "light": 10}, "requests are balanced, not connections"
    assert outcomes(proxy) == {"balanced": 81, "passthrough": 0, "refused": 0}
    if capture.has_ipv6():
        assert get(WEB6).backend in ("heavy", "light")
    assert proxy.metric("steelyard_capture_addresses") == 2


@pytest.mark.sanitizer
def test_plain_tcp_is_relayed_and_each_direction_ends_on_its_own(shop, captured, backend):
    echoes = [backend(f"echo-{number}", kind=EchoBackend) for number in range(2)]
    captured(shop(*web(*echoes, port_name="tcp"))).wait_ready()
    seen = Counter()
    for _ in range(10):
        client = TcpClient(WEB)
        seen[client.line()] += 1
        client.send(b"hello\n")
        assert client.line() == b"hello"
        assert client.finish() == b"bye\n"
    assert len(seen) == 2, seen


@pytest.mark.sanitizer
def test_an_address_that_is_unknown_is_passed_through_untouched(shop, captured, backend):
    capture.make_local(UNKNOWN)
    echo = backend("stranger", kind=EchoBackend, address=UNKNOWN, port=7)
    proxy = captured(shop(*web(backend("one")))).wait_ready()
    client = TcpClient((UNKNOWN, 7))
    assert client.line() == b"stranger"
    sent = os.urandom(1 << 20)
    client.send(sent)
    assert client.reader.read(len(sent)) == sent
    assert client.finish() == b"bye\n"
    assert outcomes(proxy) == {"balanced": 0, "passthrough": 1, "refused": 0}
    echo.die()
    with pytest.raises((ConnectionError, ConnectionClosed)):
        get((UNKNOWN, 7), timeout=15)
    assert proxy.metric("steelyard_capture_passthrough_failures_total") == 1


def test_what_is_excluded_does_not_see_the_proxy(shop, captured, backend):
    capture.make_local(UNKNOWN)
    by_port = backend("by-port", kind=EchoBackend, address=UNKNOWN, port=3306)
    by_range = backend("by-range", kind=EchoBackend, address=UNKNOWN, port=9050)
    proxy = captured(shop(*web(backend("one"))), "--exclude-port=3306", "--exclude-port=9000-9100").wait_ready()
    assert TcpClient((UNKNOWN, by_port.port)).line() == b"by-port"
    assert TcpClient((UNKNOWN, by_range.port)).line() == b"by-range"
    assert get(WEB).backend == "one"
    assert outcomes(proxy) == {"balanced": 1, "passthrough": 0, "refused": 0}
    capture.install(f"--exclude-cidr={UNKNOWN}/32")
    other = backend("by-address", kind=EchoBackend, address=UNKNOWN, port=7)
    assert TcpClient((UNKNOWN, other.port)).line() == b"by-address"
    assert outcomes(proxy)["passthrough"] == 0


def test_the_rules_are_there_once_and_leave_established_connections_alone(shop, captured, backend):
    captured(shop(*web(backend("echo", kind=EchoBackend), port_name="tcp"))).wait_ready()
    client = TcpClient(WEB)
    assert client.line() == b"echo"
    printed = capture.install("--exclude-port=22")
    assert "10.96.0.0/16" in printed and "port 22" in printed and "table" not in printed
    assert capture.listed().count("chain output") == 1
    client.send(b"still here\n")
    assert client.line() == b"still here"
    assert client.finish() == b"bye\n"


def test_rules_that_cannot_be_written_are_one_clear_error_and_change_nothing(captured):
    capture.routes()
    flags = ["--service-cidr=10.96.0.0/16", f"--proxy-uid={capture.PROXY_UID}"]
    status, printed, _ = run(["/usr/bin/setpriv", "--reuid=65534", "--clear-groups",
                              capture.for_anyone(BINARIES / "steelyard-capture"), *flags])
    assert status == 1 and printed.count("\n") <= 3, printed
    assert "NET_ADMIN" in printed and "nothing was changed" in printed
    assert "steelyard" not in capture.listed()
    assert run([BINARIES / "steelyard-capture", "--service-cidr=10.96.0.0/33", "--proxy-uid=1"])[0] == 2


@pytest.mark.sanitizer
def test_without_a_controller_and_across_a_restart_it_goes_on(shop, captured, backend):
    control = shop(*web(backend("one")))
    proxy = captured(control).wait_ready()
    assert get(WEB).backend == "one"
    eventually(lambda: (proxy.state_dir / "config.json").exists(), 10, "the last good configuration")
    control.kill()
    assert get(WEB).backend == "one"
    assert proxy.terminate() == 0
    proxy.start().wait_answering().wait_ready()
    assert get(WEB).backend == "one"
    assert outcomes(proxy) == {"balanced": 1, "passthrough": 0, "refused": 0}


def test_before_its_first_configuration_it_is_not_ready_and_passes_everything_through(captured, backend):
    capture.make_local(UNKNOWN)
    backend("direct", address=UNKNOWN, port=80)
    proxy = captured(f"ws://127.0.0.1:{network.free_port()}")
    assert get(proxy.probes, "/readyz").status == 503
    assert get(proxy.probes, "/healthz").status == 200
    assert get((UNKNOWN, 80)).backend == "direct"
    assert [get(proxy.probes, path).status for path in ("/config", "/upstreams", "/metrics")] == [404, 404, 200]
    assert get(proxy.probes, "/drain", "POST").status in (404, 405)


def test_a_proxy_that_the_rules_do_not_spare_stops_its_own_loop(shop, captured):
    proxy = captured(shop(*web()), rules_uid=capture.PROXY_UID + 1).wait_ready()
    start = time.monotonic()
    with pytest.raises((ConnectionError, ConnectionClosed, TimeoutError)):
        get((UNKNOWN, 7), timeout=15)
    assert time.monotonic() - start < 15
    assert outcomes(proxy)["refused"] >= 1
    eventually(lambda: proxy.metric("steelyard_client_connections") == 0, 15, "no connection left")
    assert outcomes(proxy)["passthrough"] < 1000


@pytest.mark.sanitizer
def test_who_finds_the_port_itself_is_refused(shop, captured, backend):
    proxy = captured(shop(*web(backend("one")))).wait_ready()
    with pytest.raises((ConnectionError, ConnectionClosed)):
        get(("127.0.0.1", capture.PORT))
    assert outcomes(proxy)["refused"] == 1


@pytest.mark.sanitizer
def test_many_first_connections_at_once_are_all_served(shop, captured, backend):
    services = [web(backend(f"b{number}"), name=f"s{number}", ips=[f"10.96.1.{number + 1}"]) for number in range(20)]
    proxy = captured(shop(*[one for objects in services for one in objects])).wait_ready()
    wanted = [number for number in range(20) for _ in range(10)]
    with ThreadPoolExecutor(50) as pool:
        served = list(pool.map(lambda number: get((f"10.96.1.{number + 1}", 80), timeout=20).backend, wanted))
    assert served == [f"b{number}" for number in wanted]
    assert outcomes(proxy) == {"balanced": 200, "passthrough": 0, "refused": 0}
    assert proxy.metric("steelyard_capture_upstreams") == 20


def test_endpoints_that_come_and_go_under_load_cost_no_request(shop, captured, backend, tmp_path):
    first, second, third = backend("a"), backend("b"), backend("c")
    captured(shop(*web(first, second))).wait_ready()
    with Load(WEB, reconnect=1) as load:
        for backends in ((second, third), (first, third), (first, second, third), (second,)):
            time.sleep(0.3)
            write(tmp_path / "manifests", "web.yaml", *web(*backends))
        time.sleep(0.3)
    load.assert_no_failure(100)


def test_what_has_served_nobody_for_long_is_given_up(shop, captured, backend):
    proxy = captured(shop(*web(backend("one"))), arguments=("--capture-idle-timeout", "1s")).wait_ready()
    assert get(WEB).backend == "one"
    assert proxy.metric("steelyard_capture_upstreams") == 1
    eventually(lambda: proxy.metric("steelyard_capture_upstreams") == 0, 15 * SLOWDOWN, "it is given up")
    assert get(WEB).backend == "one"


@pytest.mark.sanitizer
def test_on_sigterm_an_idle_proxy_ends_at_once_and_a_busy_one_when_its_last_connection_does(shop, captured, backend):
    control = shop(*web(backend("echo", kind=EchoBackend), port_name="tcp"))
    proxy = captured(control).wait_ready()
    start = time.monotonic()
    assert proxy.terminate() == 0
    assert time.monotonic() - start < 0.5 * SLOWDOWN
    proxy.start().wait_answering().wait_ready()
    client = TcpClient(WEB)
    assert client.line() == b"echo"
    proxy.send(signal.SIGTERM)
    time.sleep(0.3)
    client.send(b"still here\n")
    assert client.line() == b"still here"
    assert client.finish() == b"bye\n"
    start = time.monotonic()
    assert proxy.wait(15) == 0
    assert time.monotonic() - start < 1 * SLOWDOWN
