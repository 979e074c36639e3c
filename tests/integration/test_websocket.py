"""WebSockets through the proxy: messages of every size, whoever leaves first, silence, draining, and upgrades that do not happen."""
import os
import signal
import time

import pytest
import websocket

from harness.configured import ConfiguredSidecar
from harness.http_client import HttpConnection, get
from harness.wait import eventually

pytest.importorskip("websockets")
from harness.websocket_echo import EchoServer  # noqa: E402

UPGRADE = ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


@pytest.fixture
def echo(tmp_path, processes):
    server = EchoServer(tmp_path)
    processes.append(server)
    return server.start()


@pytest.fixture
def proxy(tmp_path, processes):
    def start(*backends, policy=None, arguments=()) -> ConfiguredSidecar:
        one = ConfiguredSidecar(tmp_path, *((each.address, each.port) for each in backends), policy=policy, arguments=arguments)
        processes.append(one)
        return one.start().wait_answering()
    return start


def connect(proxy, **options) -> websocket.WebSocket:
    return websocket.create_connection(f"ws://127.0.0.1:{proxy.port}/chat", timeout=10, **options)


@pytest.mark.sanitizer
def test_messages_of_every_size_come_back(proxy, echo):
    running = proxy(echo)
    sockets = [connect(running) for _ in range(20)]
    for size in (0, 1, 125, 126, 65_535, 65_536, 1 << 20):
        message = os.urandom(size)
        for one in sockets:
            one.send_binary(message)
        assert all(one.recv() == message for one in sockets), size
    assert running.metric("steelyard_upstream_active") == 20
    for one in sockets:
        one.ping("still there")
        one.close()
    eventually(lambda: running.metric("steelyard_upstream_active") == 0, what="all have left")
    assert running.metric("steelyard_upstream_requests_total", code="1xx") == 20


def test_a_server_that_dies_ends_the_clients_connection(proxy, echo):
    one = connect(proxy(echo))
    echo.kill()
    with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
        one.recv()


@pytest.mark.sanitizer
def test_silence_ends_a_tunnel_and_a_word_in_time_does_not(proxy, echo):
    running = proxy(echo, policy={"timeouts": {"tunnel_idle_ms": 2500}})
    talks, silent = connect(running), connect(running)
    for _ in range(8):
        time.sleep(0.5)
        talks.send("x")
        assert talks.recv() == "x"
    eventually(lambda: running.metric("steelyard_upstream_active") == 1, what="the silent one is gone")
    with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
        silent.recv()
    talks.send("y")
    assert talks.recv() == "y"


@pytest.mark.sanitizer
def test_a_tunnel_goes_on_while_the_proxy_drains_and_ends_with_it(proxy, echo):
    running = proxy(echo, arguments=("--drain-delay", "0s", "--drain-timeout", "4s"))
    one = connect(running)
    start = time.monotonic()
    running.send(signal.SIGTERM)
    while time.monotonic() - start < 2:
        one.send("x")
        assert one.recv() == "x"
        time.sleep(0.1)
    assert running.running(), "it did not wait for the tunnel"
    with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
        while time.monotonic() - start < 30:
            one.send("x")
            one.recv()
            time.sleep(0.1)
    assert running.wait() == 0


def test_with_its_last_tunnel_the_draining_proxy_ends(proxy, echo):
    running = proxy(echo, arguments=("--drain-delay", "0s", "--drain-timeout", "60s"))
    one = connect(running)
    running.send(signal.SIGTERM)
    one.send("last words")
    assert one.recv() == "last words"
    one.close()
    assert running.wait() == 0


@pytest.mark.sanitizer
def test_upgrades_that_do_not_happen(proxy, echo, backend):
    plain = backend("plain")
    declining = proxy(plain)
    with HttpConnection(declining.address) as connection:
        assert connection.request("/", headers=UPGRADE).backend == "plain"
        assert connection.request("/").backend == "plain", "the connection goes on"
        seen = connection.request("/echo", headers="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAM\r\n").body
        assert b"h2c" not in seen and b"HTTP2-Settings" not in seen, "no way around the proxy by another protocol"
        seen = connection.request("/echo", headers="Upgrade: websocket\r\n").body
        assert b"websocket" not in seen, "Connection does not name it"
    with HttpConnection(declining.address) as connection:
        connection.send_raw(b"GET /echo HTTP/1.0\r\nHost: a\r\n" + UPGRADE.encode() + b"\r\n")
        assert b"websocket" not in connection.receive().body, "HTTP/1.0 has no upgrades"


def test_the_server_refuses_what_is_no_handshake_and_the_client_sees_why(proxy, echo):
    running = proxy(echo)
    wrong = UPGRADE.replace("dGhlIHNhbXBsZSBub25jZQ==", "short")
    assert get(running.address, "/chat", headers=wrong).status == 400
    assert get(running.address, "/chat", headers=UPGRADE.replace("Version: 13", "Version: 7")).status in (400, 426)
    assert get(running.address, "/chat").status == 426
    assert running.metric("steelyard_upstream_active") == 0
