"""Endpoints whose node is gone while Kubernetes still calls them ready: nobody refuses, nobody answers, and no client is to notice for long."""
import time

import pytest

from harness import silence
from harness.backends import EchoBackend
from harness.load import Load
from harness.manifests import write
from harness.objects import endpoint, endpoint_slice, service
from harness.tcp_client import TcpClient
from harness.udp import UdpBackend, UdpClient
from harness.wait import eventually

pytestmark = pytest.mark.skipif(silence.missing, reason="nftables is not installed (scripts/bootstrap.sh test)")

FLAGS = ("--connect-timeout=300ms", "--eject-percent=70")


@pytest.fixture
def shop(manifest_controller, sidecar, backend, tmp_path):
    """shop(3, kind=...) gives that many backends behind a proxy: (backends, proxy)."""
    def build(count: int, flags=FLAGS, **options):
        tcp, udp = options.get("kind") is EchoBackend, options.get("kind") is UdpBackend
        backends = [backend(f"web-{number}", **options) for number in range(count)]
        port = {"port_name": "tcp", "app_protocol": "kubernetes.io/tcp"} if tcp else {"protocol": "UDP"} if udp else {}
        endpoints = [endpoint(one.address) for one in backends]
        write(tmp_path / "manifests", "web.yaml", service("shop", **port),
              endpoint_slice("shop", endpoints, **({"port_name": "tcp"} if tcp else {"protocol": "UDP"} if udp else {})))
        proxy = sidecar(manifest_controller(tmp_path / "manifests"), "udp/web.shop:http" if udp else "web.shop:80", arguments=flags)
        return backends, proxy.wait_ready_hosts(*backends)
    return build


def ejected(proxy) -> set:
    return {address for address, host in proxy.hosts().items() if host["ejected"]}


def test_tcp_connections_go_elsewhere_and_come_back(shop):
    backends, proxy = shop(3, kind=EchoBackend)
    lost = backends[0]
    with silence.silent(lost.address):
        greetings = [TcpClient(proxy.address_of()).line() for _ in range(30)]
        assert b"web-0" not in greetings
        assert ejected(proxy) == {lost.at}
        # It is tried again now and then, each time by one connection, which still finds somebody else.
        assert proxy.hosts()[lost.at]["failures"] < 10
    eventually(lambda: TcpClient(proxy.address_of()).line() == b"web-0", timeout=60, what="it is well again and serves")
    eventually(lambda: not ejected(proxy))


def test_requests_that_went_out_on_pooled_connections_go_elsewhere(shop):
    """The pool is full of connections to the lost host: no connect tells that it is gone, only that nothing is acknowledged."""
    backends, proxy = shop(3)
    lost = backends[1]
    with Load(proxy.address_of(), connections=12, reconnect=1_000_000) as load:
        eventually(lambda: all(load.answers_of(one.name) > 50 for one in backends))
        with silence.silent(lost.address):
            eventually(lambda: ejected(proxy) == {lost.at}, timeout=20)
            before = load.answers_of(backends[0].name)
            eventually(lambda: load.answers_of(backends[0].name) > before + 1000, timeout=30,
                       what="all clients are served by those that are left")
        eventually(lambda: not ejected(proxy), timeout=60)
        before = load.answers_of(lost.name)
        eventually(lambda: load.answers_of(lost.name) > before + 50, what="it takes its share again")
    load.assert_no_failure()


def test_more_than_the_share_is_never_left_aside(shop):
    backends, proxy = shop(4, flags=("--connect-timeout=300ms",), kind=EchoBackend)
    with silence.silent(*(one.address for one in backends[:3])):
        greetings = [TcpClient(proxy.address_of()).line() for _ in range(12)]
        assert set(greetings) == {b"web-3"}
        assert len(ejected(proxy)) <= 2, "half of four"


def test_it_can_be_switched_off(shop):
    backends, proxy = shop(2, flags=("--connect-timeout=100ms", "--eject-after=0"), kind=EchoBackend)
    with silence.silent(backends[0].address):
        assert {TcpClient(proxy.address_of()).line() for _ in range(8)} == {b"web-1"}
        assert not ejected(proxy)


def test_udp_sessions_go_elsewhere_and_come_back(shop):
    backends, proxy = shop(3, kind=UdpBackend)
    lost = backends[0]
    clients = [UdpClient(proxy.address_of()) for _ in range(12)]
    moved = [client for client in clients if client.ask() == lost.name]
    assert moved, "each worker deals hosts out in turn"
    for client in moved:
        client.socket.settimeout(0.1)
    with silence.silent(lost.address):
        eventually(lambda: all([client.ask_in_vain_or() for client in moved]), what="they are served again")
        assert proxy.metric("steelyard_upstream_ejections_total") >= 1
        names = [UdpClient(proxy.address_of(), timeout=1).ask_in_vain_or() for _ in range(12)]
        assert names.count("") <= 2, "whoever is new finds somebody at once, but for who tries the host again"
    assert proxy.metric("steelyard_upstream_udp_sessions_total") == 24, "who moved has the session that it had"

    def tries_again():
        return UdpClient(proxy.address_of(), timeout=0.3).ask_in_vain_or() == lost.name
    eventually(tries_again, 60, "it is well again and serves")
    eventually(lambda: not ejected(proxy))


def test_udp_hosts_that_never_answer_are_not_missed(shop):
    """As of syslog: silence is what they do when they are well, and nobody can tell when they are gone."""
    backends, proxy = shop(2, kind=UdpBackend, mute=True)
    client = UdpClient(proxy.address_of())
    deadline = time.monotonic() + 7
    while time.monotonic() < deadline:
        client.socket.send(b"x")
        time.sleep(0.02)
    assert not ejected(proxy)
    assert proxy.metric("steelyard_upstream_connect_failures_total") == 0
    assert min(one.accepted for one in backends) == 0, "the session stays with its host"


def test_udp_hosts_that_the_network_cannot_reach_are_left_aside_at_once(shop):
    backends, proxy = shop(2, kind=UdpBackend, mute=True)
    with silence.silent(backends[0].address, unreachable=True):
        for _ in range(4):
            UdpClient(proxy.address_of()).socket.send(b"x")
        eventually(lambda: ejected(proxy) == {backends[0].at}, what="ICMP host unreachable is heard of")
