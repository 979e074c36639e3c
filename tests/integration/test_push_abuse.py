"""Clients of the push port that do not behave: they are shown the door, and those that do behave notice nothing."""
import os
import socket
import struct

import pytest
import websocket

from harness.http_client import get
from harness.load import Load
from harness.objects import endpoint, endpoint_slice, service
from harness.tcp_client import send_until_closed
from harness.wait import eventually


@pytest.fixture
def running(kubectl, ns, controller, sidecar, backend):
    """A controller and a well-behaved proxy; after the test both must be as well as before, and a change must arrive."""
    one, two = backend("one"), backend("two")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]))
    control = controller()
    proxy = sidecar(control, f"web.{ns}:80").wait_ready_hosts(one)
    with Load(proxy.address_of()) as load:
        yield control, proxy
        assert control.running(), control.tail()
        kubectl.apply(endpoint_slice(ns, [endpoint(one.address), endpoint(two.address)]))
        proxy.wait_ready_hosts(one, two)
    load.assert_no_failure(at_least=10)


def connect(control) -> websocket.WebSocket:
    return websocket.create_connection(control.push_url, timeout=10)


def closed(connection) -> bool:
    """Whether the controller ends the conversation; what it says before is dropped."""
    try:
        while True:
            opcode, _ = connection.recv_data(control_frame=True)
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return True
    except (websocket.WebSocketConnectionClosedException, ConnectionError):
        return True
    except (websocket.WebSocketTimeoutException, TimeoutError):
        return False


@pytest.mark.sanitizer
def test_bytes_that_are_no_http_are_dropped(running):
    control, _ = running
    for data in (os.urandom(4096), b"\x16\x03\x01" + os.urandom(300), b"GET / HTTP/9.9\r\n\r\n", b"\x00" * 100_000):
        send_until_closed(("127.0.0.1", control.push_port), data, 15)


GARBAGE = {
    "no JSON": "this is no JSON",
    "JSON that is no object": "[1, 2, 3]",
    "another type": '{"type": "nonsense"}',
    "an ack before any hello": '{"type": "ack", "version": "1.1"}',
    "a hello with absurd fields": '{"type": "hello", "protocol": -1, "name": 7, "wants": "everything"}',
    "a hello of a protocol to come": '{"type": "hello", "protocol": 99, "name": "a", "instance": "b", "role": "sidecar", "wants": ["*"]}',
    "a hello without a name": '{"type": "hello", "protocol": 1, "name": "", "instance": "b", "role": "sidecar", "wants": ["*"]}',
    "an empty text": "",
    "deep nesting": "[" * 100_000,
}


@pytest.mark.sanitizer
@pytest.mark.parametrize("what", GARBAGE)
def test_a_first_message_that_is_no_hello_ends_the_session(what, running):
    control, _ = running
    connection = connect(control)
    connection.send(GARBAGE[what])
    assert closed(connection)


@pytest.mark.sanitizer
def test_random_frames_end_the_session(running):
    control, _ = running
    for _ in range(20):
        connection = connect(control)
        try:
            connection.sock.sendall(os.urandom(2000))
        except ConnectionError:
            pass
        connection.sock.close()


@pytest.mark.sanitizer
def test_a_frame_of_100_megabytes_is_refused_before_it_is_held(running):
    control, _ = running
    connection = connect(control)
    size = 100 << 20
    before = resident_kib(control.pid)
    connection.sock.settimeout(20)
    try:
        connection.sock.sendall(struct.pack(">BBQ", 0x81, 0x80 | 127, size) + os.urandom(4))
        sent = 0
        while sent < size:
            connection.sock.sendall(b"x" * (1 << 20))
            sent += 1 << 20
        raise AssertionError("it took all of a frame of 100 MB")
    except ConnectionError:
        pass
    assert resident_kib(control.pid) - before < 40 << 10, "it held much of the frame"


def test_a_client_that_connects_and_says_nothing_is_let_go(running):
    control, _ = running
    silent = [socket.create_connection(("127.0.0.1", control.push_port), 10) for _ in range(50)]
    assert get(control.admin, "/healthz").status == 200
    for one in silent:
        one.close()


@pytest.mark.sanitizer
def test_a_second_proxy_with_the_same_name_is_refused_with_an_error_and_a_metric(running, ns, sidecar):
    control, first = running
    twin = sidecar(control, f"web.{ns}:80", name="twin", arguments=("--name", "one-name"))
    twin.wait_ready()
    twin_2 = sidecar(control, f"web.{ns}:80", name="twin-2", arguments=("--name", "one-name"))
    line = twin_2.wait_log("one-name")
    assert "name" in line
    assert not twin_2.answers("/readyz")
    control.wait_log("one-name")
    refused = [line for line in control.metrics().splitlines() if "refused" in line and line.startswith("steelyard_")]
    assert any(float(line.rsplit(" ", 1)[1]) >= 1 for line in refused), refused
    assert twin.answers("/readyz"), "the first with the name suffers from the second"
    twin.terminate()
    eventually(lambda: twin_2.answers("/readyz"), 30, "the second gets the name once the first is gone")


def resident_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
