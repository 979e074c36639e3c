"""Requests that two parsers could read in two ways are refused: the right status, a closed connection, nothing for the backend."""
import pytest

from harness.http_client import ConnectionClosed, HttpConnection, get
from harness.manifests import static_service
from harness.wait import eventually

HOST = b"Host: test\r\n"
REFUSED = {
    "Content-Length and Transfer-Encoding": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "two different Content-Lengths": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"),
    "a list of Content-Lengths": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4, 5\r\n\r\nabcde"),
    "a signed Content-Length": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +4\r\n\r\nabcd"),
    "a negative Content-Length": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -4\r\n\r\nabcd"),
    "a Content-Length past 64 bits": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 18446744073709551617\r\n\r\na"),
    "bare LF after the request line": (400, b"GET / HTTP/1.1\n" + HOST + b"\r\n"),
    "bare LF after a header": (400, b"GET / HTTP/1.1\r\nHost: test\nX: y\r\n\r\n"),
    "bare CR in a value": (400, b"GET / HTTP/1.1\r\nHost: test\r\nX: a\rb\r\n\r\n"),
    "NUL in a value": (400, b"GET / HTTP/1.1\r\nHost: test\r\nX: a\x00b\r\n\r\n"),
    "a folded header": (400, b"GET / HTTP/1.1\r\nHost: test\r\nX: a\r\n b\r\n\r\n"),
    "a space before the colon": (400, b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    "a space before the first header": (400, b"GET / HTTP/1.1\r\n Host: test\r\n\r\n"),
    "no Host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "two Hosts": (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    "Transfer-Encoding with another coding": (None, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    "a disguised chunked": (None, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "Transfer-Encoding in HTTP/1.0": (400, b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a negative chunk size": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n"),
    "a chunk size in 0x": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n"),
    "a chunk size past 64 bits": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n"),
    "a chunk longer than it says": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n"),
    "bare LF after a chunk size": (400, b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n"),
    "another version": (None, b"GET / HTTP/3.7\r\n" + HOST + b"\r\n"),
    "two spaces in the request line": (400, b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n"),
    "a header of 100 KB": (431, b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 100_000 + b"\r\n\r\n"),
    "2,000 headers": (431, b"GET / HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: y\r\n" % n for n in range(2000)) + b"\r\n"),
    "bytes that are no HTTP": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x80" * 200),
}


@pytest.fixture
def running(tmp_path, manifest_controller, sidecar, backend):
    one = backend("one")
    static_service(tmp_path / "manifests", one)
    return one, sidecar(manifest_controller(tmp_path / "manifests"), "web.shop:80").wait_ready_hosts(one)


@pytest.mark.sanitizer
def test_an_ambiguous_request_is_refused_and_its_connection_closed(running):
    one, proxy = running
    wrong = []
    for what, (status, data) in REFUSED.items():
        problem = refused(proxy.address_of(), status, data)
        if problem:
            wrong.append(f"{what}: {problem}")
    assert wrong == []
    assert get(proxy.address_of()).status == 200, "a good request suffers"


@pytest.mark.sanitizer
def test_what_follows_a_refused_request_is_never_answered(running):
    """The smuggled second request: were the first one read differently, the backend would see it."""
    one, proxy = running
    for what, (_, data) in REFUSED.items():
        with HttpConnection(proxy.address_of()) as connection:
            try:
                connection.send_raw(data + b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n")
                connection.receive()
            except (OSError, ConnectionClosed):
                continue
            assert connection.closed_by_peer(), what
    assert get(proxy.address_of()).status == 200
    assert "/smuggled" not in one.paths


def refused(address, status, data: bytes) -> str:
    """What is wrong with how the proxy answers; empty if nothing is. Without a status any 4xx or 5xx will do."""
    with HttpConnection(address) as connection:
        try:
            connection.send_raw(data)
            answer = connection.receive()
        except (OSError, ConnectionClosed) as error:
            return f"no answer ({error!r})"
        if status is None and not 400 <= answer.status < 600 or status is not None and answer.status != status:
            return f"{answer.status} instead of {status or '4xx or 5xx'}"
        return "" if connection.closed_by_peer() else "the connection stays open"


def test_many_bad_requests_at_once_do_not_hurt_the_good_ones(running):
    from harness.load import Load
    _, proxy = running
    with Load(proxy.address_of()) as load:
        for _ in range(5):
            for _, data in REFUSED.values():
                with HttpConnection(proxy.address_of()) as connection:
                    connection.send_raw(data)
        eventually(lambda: load.tally.total > 100, what="good requests")
    load.assert_no_failure()
