"""SIGTERM: the proxy finishes what it has, refuses nobody who had come, and ends with 0. And POST /drain does it in advance."""
import signal
import threading
import time

import pytest

from harness.backends import EchoBackend
from harness.http_client import HttpConnection, get
from harness.load import Load
from harness.objects import endpoint, endpoint_slice, service
from harness.wait import eventually
from test_endpoint_states import SlowRequest


@pytest.fixture
def running(kubectl, ns, controller, sidecar, backend):
    one = backend("one")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]))
    return one, sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(one)


@pytest.mark.sanitizer
def test_on_sigterm_requests_in_flight_are_answered_and_the_status_is_0(running):
    one, proxy = running
    held = [SlowRequest(proxy.address_of()) for _ in range(8)]
    eventually(lambda: len(one.waiting) == 8, what="requests in flight")
    proxy.send(signal.SIGTERM)
    time.sleep(0.3)
    assert proxy.running(), "it did not wait for the requests in flight"
    one.release()
    assert [request.result().status for request in held] == [200] * 8
    assert proxy.wait(15) == 0


@pytest.mark.sanitizer
def test_a_kept_alive_connection_is_told_to_close_and_loses_no_request(running):
    """Clients that ask again and again on kept connections: each is told `Connection: close` with an answer."""
    _, proxy = running
    broken, stop = [], threading.Event()

    def client():
        connection = HttpConnection(proxy.address_of())
        while not stop.is_set():
            try:
                connection.request()
            except Exception as error:
                broken.append(repr(error))
                return
            if connection.must_close:
                return  # told so, as it should be
            time.sleep(0.002)

    clients = [threading.Thread(target=client) for _ in range(8)]
    for one in clients:
        one.start()
    time.sleep(0.3)
    proxy.send(signal.SIGTERM)
    for one in clients:
        one.join(15)
    stop.set()
    assert broken == []
    assert proxy.wait(15) == 0


def test_an_idle_sidecar_ends_at_once(running):
    _, proxy = running
    start = time.monotonic()
    assert proxy.terminate() == 0
    assert time.monotonic() - start < 5


def test_post_drain_turns_readiness_off_and_goes_on_serving(running):
    _, proxy = running
    proxy.wait_ready()
    with Load(proxy.address_of()) as load:
        eventually(lambda: load.tally.total > 20, what="load")
        assert proxy.admin_get("/drain", "POST").status in (200, 202, 204)
        eventually(lambda: proxy.admin_get("/readyz").status == 503, what="not ready while draining")
        before = load.tally.total
        eventually(lambda: load.tally.total > before + 50, what="load while draining")
    load.assert_no_failure()
    assert proxy.admin_get("/drain", "GET").status == 405


def test_a_tcp_connection_is_served_to_its_end(kubectl, ns, controller, sidecar, backend):
    from harness.tcp_client import TcpClient
    echo = backend("echo", kind=EchoBackend)
    kubectl.apply(service(ns, port_name="tcp", app_protocol="tcp"), endpoint_slice(ns, [endpoint(echo.address)], port_name="tcp"))
    proxy = sidecar(controller(), f"web.{ns}:80").wait_ready_hosts(echo)
    client = TcpClient(proxy.address_of())
    assert client.line() == b"echo"
    proxy.send(signal.SIGTERM)
    time.sleep(0.2)
    client.send(b"still here\n")
    assert client.line() == b"still here"
    assert client.finish() == b"bye\n"
    assert proxy.wait(15) == 0


@pytest.mark.sanitizer
def test_the_controller_ends_with_0_on_sigterm_and_its_proxies_stay(kubectl, ns, controller, sidecar, backend):
    one = backend("one")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]))
    control = controller()
    proxy = sidecar(control, f"web.{ns}:80").wait_ready_hosts(one)
    start = time.monotonic()
    assert control.terminate() == 0
    assert time.monotonic() - start < 5
    assert get(proxy.address_of()).status == 200
