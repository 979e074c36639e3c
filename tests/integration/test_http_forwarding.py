"""What an ordinary request looks like on the other side, and the parts of HTTP/1.1 that a proxy can get wrong."""
import pytest

from harness.http_client import HttpConnection, get
from harness.manifests import static_service
from harness.wait import eventually


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


CLAIMS = ("X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.test\r\nX-Real-IP: 203.0.113.9\r\n"
          "Forwarded: for=203.0.113.9\r\nX_Forwarded_For: 203.0.113.9\r\nX-Request-Id: abc\r\n")
TRACE = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"


def who_asked(proxy, headers: str) -> dict:
    """The fields that the backend got, in small letters; one that came twice has both values."""
    head = get(proxy.address_of(), "/echo", headers=headers).body.decode().split("\r\n\r\n")[0]
    fields: dict = {}
    for line in head.split("\r\n")[1:]:
        name, value = line.split(": ", 1)
        fields[name.lower()] = fields[name.lower()] + " + " + value if name.lower() in fields else value
    return fields


def test_a_client_is_not_believed_in_who_it_is(running):
    _, proxy = running
    seen = who_asked(proxy, CLAIMS + TRACE.replace("af", "AF"))
    assert not [name for name in seen if "_" in name or name in ("forwarded", "traceparent")]
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"], seen["x-forwarded-host"]) == ("127.0.0.1", "http", "test")
    assert seen["x-real-ip"] == "127.0.0.1"
    assert seen["x-request-id"] == "abc", "that one is the application's, beside a sidecar"
    assert who_asked(proxy, TRACE)["traceparent"] == TRACE.split(": ")[1].strip()


def test_a_trusted_peer_is_believed_and_added_to(tmp_path, manifest_controller, sidecar, backend):
    one = backend("one")
    static_service(tmp_path / "manifests", one)
    flags = ("--trusted-proxies", "127.0.0.0/8,10.0.0.0/8", "--forwarded", "true", "--request-id", "true", "--trace-context", "true")
    proxy = sidecar(manifest_controller(tmp_path / "manifests"), "web.shop:80", arguments=flags).wait_ready_hosts(one)
    seen = who_asked(proxy, CLAIMS)
    assert seen["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert (seen["x-forwarded-proto"], seen["x-forwarded-host"], seen["x-real-ip"]) == ("https", "shop.test", "203.0.113.9")
    assert seen["forwarded"] == 'for=203.0.113.9, for=127.0.0.1;host="test";proto=http'
    assert seen["x-request-id"] == "abc" and "x_forwarded_for" not in seen
    seen = who_asked(proxy, "X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.7\r\nX-Request-Id: a b\r\n" + TRACE)
    assert seen["x-real-ip"] == "203.0.113.9"
    assert seen["traceparent"] == TRACE.split(": ")[1].strip()
    made = [who_asked(proxy, "")["x-request-id"] for _ in range(20)] + [seen["x-request-id"]]
    assert len(set(made)) == 21 and all(len(bytes.fromhex(one)) == 16 for one in made)
    assert len(who_asked(proxy, "tracestate: a=b\r\n")["traceparent"]) == 55


def test_the_access_log_has_the_request_id_that_the_backend_gets(tmp_path, manifest_controller, sidecar, backend):
    one, log = backend("one"), tmp_path / "log"
    static_service(tmp_path / "manifests", one)
    flags = ("--request-id", "true", "--access-log", str(log), "--access-log-format", "%{request_id}")
    proxy = sidecar(manifest_controller(tmp_path / "manifests"), "web.shop:80", arguments=flags).wait_ready_hosts(one)
    told = [who_asked(proxy, "X-Request-Id: abc\r\n")["x-request-id"] for _ in range(3)]
    eventually(lambda: len(log.read_text().split()) >= 3, what="the lines")
    assert sorted(log.read_text().split()) == sorted(told), "two workers write in any order"
    assert "abc" not in told


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
    eventually(lambda: one.waiting, what="a request in flight")
    one.die()
    waiting.join(10)
    assert results == [502], results
    assert get(proxy.address_of()).status in (502, 503)
    one.start()
    eventually(lambda: get(proxy.address_of()).status == 200, what="answers again")
