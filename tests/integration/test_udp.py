"""UDP: clients stick to their host while it is there, answers come back from where they were asked, nothing of a change is noticed by who
has a host that stays."""
import signal
from collections import Counter

import pytest

from harness.objects import draining, endpoint, endpoint_slice, pod, service
from harness.udp import UdpBackend, UdpClient
from harness.wait import eventually


@pytest.fixture
def udp(kubectl, ns, controller, sidecar, backend):
    """udp(2) gives that many echoing backends behind a proxy: (backends, proxy)."""
    def build(count: int, weights=(), arguments=()):
        backends = [backend(f"udp-{number}", kind=UdpBackend) for number in range(count)]
        pods = [pod(ns, one.name, weight=weight) for one, weight in zip(backends, weights)]
        if pods:
            kubectl.apply(*pods)
        apply(kubectl, ns, *(endpoint(one.address, pod=one.name if weights else "") for one in backends))
        proxy = sidecar(controller(), f"udp/dns.{ns}:dns", arguments=arguments)
        return backends, proxy.wait_ready_hosts(*backends)
    return build


def apply(kubectl, ns, *endpoints):
    kubectl.apply(service(ns, name="dns", port=53, port_name="dns", protocol="UDP"),
                  endpoint_slice(ns, list(endpoints), name="dns-1", of="dns", port_name="dns", protocol="UDP"))


@pytest.mark.sanitizer
def test_clients_are_spread_by_weight_and_each_stays_with_its_host(udp):
    (heavy, light), proxy = udp(2, weights=(3, 1))
    proxy.wait_weights({heavy.at: 3, light.at: 1})
    clients = [UdpClient(proxy.address_of()) for _ in range(80)]
    first = [client.ask(b"1") for client in clients]
    seen = Counter(first)
    assert 54 <= seen["udp-0"] <= 66, seen
    for _ in range(3):
        assert [client.ask(b"again") for client in clients] == first
    assert proxy.metric("steelyard_upstream_udp_sessions_total") == 80
    eventually(lambda: proxy.metric("steelyard_upstream_udp_datagrams_total", to="client") == 320, 5, "all are counted")


@pytest.mark.sanitizer
def test_every_length_goes_through_whole(udp):
    _, proxy = udp(1)
    client = UdpClient(proxy.address_of())
    for size in (0, 1, 512, 1473, 9000, 65000):
        client.ask(b"x" * size)


def test_two_thousand_clients_are_served_at_once_and_beyond_the_bound_the_idlest_goes(udp):
    _, proxy = udp(2, arguments=("--max-udp-sessions", "600", "--workers", "1"))
    for _ in range(4):
        clients = [UdpClient(proxy.address_of()) for _ in range(500)]
        for client in clients:
            client.socket.send(b"hello")
        for client in clients:
            assert client.socket.recv(100).endswith(b":hello")
        for client in clients:
            client.close()
    assert proxy.metric("steelyard_upstream_udp_sessions") == 600
    # A port that the system gives out again is the client that had it before.
    assert 1200 < proxy.metric("steelyard_upstream_udp_evicted_total") <= 1400


def test_a_roll_out_moves_clients_and_loses_no_datagram_of_who_stays(kubectl, ns, udp):
    (old, stays), proxy = udp(2)
    clients = [UdpClient(proxy.address_of()) for _ in range(20)]
    first = [client.ask() for client in clients]
    apply(kubectl, ns, draining(old.address), endpoint(stays.address))
    proxy.wait_states({old.at: "draining", stays.at: "ready"})
    assert [client.ask() for client in clients] == first, "what drains keeps its clients"
    assert {UdpClient(proxy.address_of()).ask() for _ in range(10)} == {"udp-1"}
    apply(kubectl, ns, endpoint(stays.address))
    proxy.wait_ready_hosts(stays)
    assert {client.ask() for client in clients} == {"udp-1"}


def test_a_dead_host_is_passed_over_with_the_next_datagram(udp):
    (dead, _), proxy = udp(2)
    clients = [UdpClient(proxy.address_of(), timeout=0.3) for _ in range(10)]
    assert {client.ask() for client in clients} == {"udp-0", "udp-1"}
    dead.stop_accepting()

    def all_served():
        for client in clients:
            try:
                assert client.ask(b"again") == "udp-1"
            except TimeoutError:
                return False
        return True
    eventually(all_served, 15, "every client has moved")


def test_at_the_end_who_has_a_session_is_served_on_and_nobody_new(udp):
    _, proxy = udp(1, arguments=("--drain-delay", "200ms"))
    client = UdpClient(proxy.address_of(), timeout=0.5)
    assert client.ask() == "udp-0"
    proxy.send(signal.SIGTERM)

    def refused():
        try:
            return not UdpClient(proxy.address_of(), timeout=0.2).ask()
        except OSError:
            return True
    eventually(refused, 10, "nobody new is served")
    assert client.ask(b"still") == "udp-0"
    eventually(lambda: not proxy.running(), 20, "it ends once its clients are silent")
    assert proxy.wait() == 0
