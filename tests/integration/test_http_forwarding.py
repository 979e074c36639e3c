"""What an ordinary request looks like on the other side, and the parts of HTTP/1.1 that a proxy can get wrong."""
import pytest

from harness.http_client import HttpConnection, get
from harness.manifests import static_service


@pytest.fixture
def running(tmp_path, manifest_controller, sidecar, backend):
    one = backend("one")
    static_service(tmp_path / "manifests", one)
    return one, sidecar(manifest_controller(tmp_path / "manifests"), "web.shop:80").wait_ready_hosts(one)


@pytest.mark.sanitizer
def test_bodies_of_every_framing_arrive_whole(running):
    _, proxy = running
    with HttpConnection(proxy.address_of()) as connection:
        body = b"0123456789" * 50_000
        assert connection.request("/echo", "POST", body=body).body.endswith(body)
        connection.send_raw(b"POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
                            b"5\r\nhello\r\n6;note=x\r\n world\r\n0\r\n\r\n")
        echoed = connection.receive().body
        assert b"hello" in echoed and b" world" in echoed
        assert connection.request("/", "HEAD").body == b""
        assert connection.request("/").backend == "one"


def test_the_backend_learns_who_asked_and_hop_by_hop_headers_stay_behind(running):
    _, proxy = running
    seen = get(proxy.address_of(), "/echo", headers="X-Hop: secret\r\nConnection: x-hop\r\nKeep-Alive: timeout=5\r\n").body.decode().lower()
    assert "x-forwarded-for: 127.0.0.1" in seen
    assert "x-forwarded-proto: http" in seen
    assert "host: test" in seen
    assert "secret" not in seen and "keep-alive:" not in seen


@pytest.mark.sanitizer
def test_connections_to_the_backend_are_used_again(running):
    from harness.load import ask
    one, proxy = running
    tally = ask(proxy.address_of(), 1000, connections=8)
    assert (tally.total, tally.failures) == (1000, [])
    assert one.accepted <= 20, f"{one.accepted} connections for 1,000 requests"


def test_pipelined_requests_are_answered_in_order(running):
    _, proxy = running
    with HttpConnection(proxy.address_of()) as connection:
        connection.send_raw(b"".join(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nn=%d" % n for n in range(5)))
        assert [connection.receive().body[-3:] for _ in range(5)] == [b"n=%d" % n for n in range(5)]


def test_expect_100_continue_is_honoured(running):
    _, proxy = running
    with HttpConnection(proxy.address_of()) as connection:
        connection.send_raw(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert connection.receive().status == 100
        connection.send_raw(b"body")
        answer = connection.receive()
        assert answer.status == 200 and answer.body.endswith(b"body")


def test_a_backend_that_dies_in_an_answer_gives_502_or_an_end_and_the_proxy_goes_on(running):
    import threading
    one, proxy = running
    results = []

    def ask_held():
        try:
            results.append(get(proxy.address_of(), "/hold").status)
        except Exception as error:
            results.append(repr(error))
    waiting = threading.Thread(target=ask_held)
    waiting.start()
    from harness.wait import eventually
    eventually(lambda: one.waiting, what="a request in flight")
    one.die()
    waiting.join(10)
    assert results == [502], results
    assert get(proxy.address_of()).status in (502, 503)
    one.start()
    eventually(lambda: get(proxy.address_of()).status == 200, what="answers again")
