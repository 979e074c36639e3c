"""Plain TCP: bytes arrive whole, each direction ends on its own, and a dead backend is passed over."""
import os
import threading
from collections import Counter

import pytest

from harness.backends import EchoBackend
from harness.objects import endpoint, endpoint_slice, service
from harness.tcp_client import TcpClient


@pytest.fixture
def tcp(kubectl, ns, controller, sidecar, backend):
    """tcp(2) gives that many echo backends behind a proxy: (backends, proxy)."""
    def build(count: int):
        backends = [backend(f"echo-{number}", kind=EchoBackend) for number in range(count)]
        kubectl.apply(service(ns, port_name="tcp", app_protocol="kubernetes.io/tcp"),
                      endpoint_slice(ns, [endpoint(one.address) for one in backends], port_name="tcp"))
        return backends, sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(*backends)
    return build


@pytest.mark.sanitizer
def test_connections_are_spread_and_each_direction_ends_on_its_own(tcp):
    backends, proxy = tcp(2)
    seen = Counter()
    for _ in range(20):
        client = TcpClient(proxy.address_of())
        seen[client.line()] += 1
        client.send(b"hello\n")
        assert client.line() == b"hello"
        assert client.finish() == b"bye\n"
    assert set(seen.values()) == {10} or min(seen.values()) >= 5, seen


@pytest.mark.sanitizer
def test_a_large_transfer_with_a_slow_reader_arrives_whole(tcp):
    _, proxy = tcp(1)
    client = TcpClient(proxy.address_of(), timeout=60)
    client.line()
    sent = os.urandom(16 << 20)
    writer = threading.Thread(target=client.send, args=(sent,))
    writer.start()
    received = bytearray()
    while len(received) < len(sent):
        received += client.reader.read1(65536)
    writer.join()
    assert received == sent
    assert client.finish() == b"bye\n"


def test_a_dead_backend_is_passed_over(tcp):
    (dead, alive), proxy = tcp(2)
    dead.die()
    assert [TcpClient(proxy.address_of()).line() for _ in range(10)] == [b"echo-1"] * 10


def test_when_the_backend_dies_the_client_learns_it(tcp):
    (one,), proxy = tcp(1)
    client = TcpClient(proxy.address_of())
    assert client.line() == b"echo-0"
    one.die()
    try:
        assert client.reader.read() == b""
    except ConnectionResetError:
        pass
