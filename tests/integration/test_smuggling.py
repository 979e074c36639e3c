"""The smuggling matrix: requests and answers that two parsers could read in two ways.

Whatever comes, the backend sees no other requests than the proxy answered, and the next client on the same connection to it gets
its own answer.
"""
import itertools
import re
import socket

import pytest

from harness.http_client import ConnectionClosed, HttpConnection
from harness.manifests import static_service
from harness.smuggling import FORWARDED, REFUSED, UNFINISHED, get
from harness.strict_http import StrictBackend, answer_of
from harness.wait import eventually

WHO_ASKED = re.compile(rb"(?i)^(?:x-forwarded-(?:for|proto|host)|x-real-ip|x-request-id|forwarded|traceparent): .*\r\n", re.M)
FOLLOWER = b"GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n"
_numbers = itertools.count(1)


class Matrix:
    """One proxy with one worker, one backend: requests follow each other on one connection as long as that can be used."""

    def __init__(self, proxy, backend):
        self.address, self.backend = proxy.address_of(), backend
        self.wrong: list[str] = []

    def innocent(self, what: str):
        target = f"/innocent-{next(_numbers)}"
        with HttpConnection(self.address) as connection:
            answer = connection.request(target)
        if (answer.status, answer.body) != (200, target.encode()):
            self.wrong.append(f"{what}: the next client got {answer.status} {answer.body[:100]!r} instead of its own answer")

    def came(self, what: str) -> list:
        """The requests that reached the backend, without innocent ones; what it could not read is wrong."""
        requests, violations, received = self.backend.take()
        self.wrong += [f"{what}: the backend cannot read: {violation}" for violation in violations]
        seen = [one for one in requests if not one.target.startswith(b"/innocent")]
        if any(one.target == b"/smuggled" for one in seen):
            self.wrong.append(f"{what}: the backend saw the smuggled request in {received[:400]!r}")
        return seen

    def check(self):
        assert self.wrong == [], "\n".join(self.wrong)


@pytest.fixture
def matrix(tmp_path, manifest_controller, sidecar, backend):
    one = backend("strict", kind=StrictBackend)
    static_service(tmp_path / "manifests", one)
    proxy = sidecar(manifest_controller(tmp_path / "manifests"), "web.shop:80", arguments=("--workers", "1"))
    made = Matrix(proxy.wait_ready_hosts(one), one)
    made.innocent("before")
    made.came("before")
    return made


def pour(connection: HttpConnection, data: bytes, piecewise: bool):
    try:
        if not piecewise:
            return connection.send_raw(data)
        for n in range(len(data)):
            connection.send_raw(data[n:n + 1])
    except OSError:
        pass  # refused before all of it was sent


@pytest.mark.sanitizer
@pytest.mark.parametrize("piecewise", [False, True], ids=["whole", "byte by byte"])
def test_what_two_parsers_read_differently_is_refused(matrix, piecewise):
    for what, (status, reason, data) in REFUSED.items():
        if piecewise and len(data) > 2000:
            continue
        with HttpConnection(matrix.address) as connection:
            pour(connection, data + FOLLOWER, piecewise)
            try:
                answer = connection.receive()
                got = (answer.status, answer.body.strip().rsplit(b": ", 1)[-1])
                if got != (status, reason):
                    matrix.wrong.append(f"{what}: {got} instead of {(status, reason)}")
                if connection.buffer or not connection.closed_by_peer():
                    matrix.wrong.append(f"{what}: there is something behind the refusal")
            except (OSError, ConnectionClosed) as error:
                matrix.wrong.append(f"{what}: no answer ({error!r})")
        matrix.innocent(what)
        if came := matrix.came(what):
            matrix.wrong.append(f"{what}: the backend got {[one.raw for one in came]}")
    matrix.check()
    if not piecewise:
        assert matrix.backend.accepted < 10, "the connection to the backend was not the same one"


@pytest.mark.sanitizer
@pytest.mark.parametrize("piecewise", [False, True], ids=["whole", "byte by byte"])
def test_what_is_forwarded_has_one_form(matrix, piecewise):
    for what, (data, forms) in FORWARDED.items():
        with HttpConnection(matrix.address) as connection:
            pour(connection, data, piecewise)
            bodies = [answer_to(connection, form) for form in forms]
        matrix.innocent(what)
        came = matrix.came(what)
        forwarded = [WHO_ASKED.sub(b"", one.raw) for one in came]
        if [canonical(one) for one in forwarded] != [canonical(form) for form in forms]:
            matrix.wrong.append(f"{what}: the backend got {forwarded} instead of {forms}")
        if bodies != [b"" if one.method == b"HEAD" else one.target for one in came]:
            matrix.wrong.append(f"{what}: the answers are {bodies}")
    matrix.check()
    assert matrix.backend.accepted < 20, "the connection to the backend was not the same one"


def answer_to(connection: HttpConnection, form: bytes) -> bytes:
    answer = connection.receive(head_only=form.startswith(b"HEAD "))
    return answer.body if answer.status == 200 else b"%d %s" % (answer.status, answer.body)


def canonical(request: bytes) -> bytes:
    """The proxy writes the coding behind the other fields: where it stands tells nothing."""
    head, empty, body = request.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    return b"\r\n".join([line, *fields[:1], *sorted(fields[1:])]) + empty + body


@pytest.mark.sanitizer
def test_what_is_never_finished_is_no_request(matrix):
    for what, data in UNFINISHED.items():
        with HttpConnection(matrix.address) as connection:
            connection.send_raw(data)
            connection.socket.shutdown(socket.SHUT_WR)
            if not connection.closed_by_peer():
                matrix.wrong.append(f"{what}: the connection stays open")
        matrix.innocent(what)
        if came := matrix.came(what):
            matrix.wrong.append(f"{what}: the backend got {[one.raw for one in came]}")
    matrix.check()


OK = b"HTTP/1.1 200 OK\r\n"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"


def reply(fields: bytes, body: bytes = b"", line: bytes = OK) -> bytes:
    return line + fields + b"\r\n" + body


# What the backend does with a GET -> what the client gets: a status and a body, or None for an answer that breaks off.
BAD = (502, None)
ANSWERS = {
    # --- framing that contradicts itself
    "a length beside a coding": ([reply(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n" + POISON)], BAD),
    "two lengths": ([reply(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello!")], BAD),
    "a list of lengths": ([reply(b"Content-Length: 5, 5\r\n", b"hello")], BAD),
    "a length with a sign": ([reply(b"Content-Length: +5\r\n", b"hello")], BAD),
    "another coding": ([reply(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n")], BAD),
    "a coding and chunked": ([reply(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n")], BAD),
    "two codings": ([reply(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n")], BAD),
    "chunked in HTTP/1.0": ([reply(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"HTTP/1.0 200 OK\r\n")], BAD),
    # --- heads that are none
    "a bare LF": ([b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"], BAD),
    "a bare CR in a value": ([reply(b"X: a\rb\r\nContent-Length: 0\r\n")], BAD),
    "a folded field": ([reply(b"X: a\r\n b\r\nContent-Length: 0\r\n")], BAD),
    "a space before a colon": ([reply(b"Content-Length : 0\r\n")], BAD),
    "a NUL in a value": ([reply(b"X: \x00\r\nContent-Length: 0\r\n")], BAD),
    "another version": ([reply(b"Content-Length: 0\r\n", line=b"HTTP/2.0 200 OK\r\n")], BAD),
    "a status of two digits": ([reply(b"Content-Length: 0\r\n", line=b"HTTP/1.1 20 OK\r\n")], BAD),
    "a status of 999": ([reply(b"Content-Length: 0\r\n", line=b"HTTP/1.1 999 OK\r\n")], BAD),
    "no HTTP": ([b"hello\r\n\r\n"], BAD),
    "a head that never ends": ([reply(b"".join(b"X-%d: %s\r\n" % (n, b"y" * 100) for n in range(300)))], BAD),
    "a value that never ends": ([OK + b"X: " + b"y" * 100_000], BAD),
    # --- lengths that lie
    "less than the length, then the end": ([reply(b"Content-Length: 50\r\n", b"hello"), None], BAD),
    "much less than the length, then the end": ([reply(b"Content-Length: 5000000\r\n", b"hello"), None], None),
    "less than a chunk, then the end": ([reply(b"Transfer-Encoding: chunked\r\n", b"50\r\nhello"), None], None),
    "no last chunk, then the end": ([reply(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n"), None], None),
    "a bad chunk size": ([reply(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\nx\r\n")], None),
    "a chunk past 64 bits": ([reply(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n10000000000000000\r\n")], None),
    "a length among the trailers": ([reply(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n")], None),
    "more than the length": ([reply(b"Content-Length: 5\r\n", b"helloGARBAGE")], (200, b"hello")),
    "more than the last chunk": ([reply(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n" + POISON)], (200, b"hello")),
    # --- more answers than questions
    "two answers at once": ([reply(b"Content-Length: 5\r\n", b"hello") + POISON], (200, b"hello")),
    "another answer later": ([reply(b"Content-Length: 5\r\n", b"hello"), 0.02, POISON], (200, b"hello")),
    "204 with a body": ([reply(b"Content-Length: 50\r\n", POISON, b"HTTP/1.1 204 No Content\r\n")], (204, b"")),
    "204 with chunks": ([reply(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"HTTP/1.1 204 No\r\n")], (204, b"")),
    "304 with a body": ([reply(b"Content-Length: 50\r\n", POISON, b"HTTP/1.1 304 Not Modified\r\n")], (304, b"")),
    # --- interim answers
    "100 that nobody asked for": ([b"HTTP/1.1 100 Continue\r\n\r\n" + answer_of(b"hello")], (200, b"hello")),
    "103, then the answer": ([b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0.01, answer_of(b"hello")], (200, b"hello")),
    "a hundred of them": ([b"HTTP/1.1 102 Processing\r\n\r\n" * 100 + answer_of(b"hello")], (200, b"hello")),
    "a thousand of them": ([b"HTTP/1.1 102 Processing\r\n\r\n" * 1000 + answer_of(b"hello")], BAD),
    "103 with a length": ([b"HTTP/1.1 103 Hints\r\nContent-Length: 5\r\n\r\n" + answer_of(b"hello")], (200, b"hello")),
    "103 with a body": ([b"HTTP/1.1 103 Hints\r\nContent-Length: 5\r\n\r\nhello" + answer_of(b"hello")], BAD),
    "101 without having been asked": ([b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n" + POISON], BAD),
    # --- endings
    "no answer but the end": ([None], BAD),
    "half a head, then the end": ([OK + b"Content-Length: 5\r\n", None], BAD),
    "a body that the end ends": ([reply(b"", b"hello"), None], (200, b"hello")),
    "an answer and the end": ([answer_of(b"hello"), None], (200, b"hello")),
}
DECIDES_BY_METHOD = {
    "HEAD with a body": ([reply(b"Content-Length: %d\r\n" % len(POISON), POISON)], (200, b"")),
    "HEAD with chunks": ([reply(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n")], (200, b"")),
}


def told(connection: HttpConnection, head_only: bool):
    """The final answer: its status and body, or None when it breaks off."""
    try:
        while (answer := connection.receive(head_only)).status < 200:
            pass
        return answer.status, answer.body
    except (OSError, ConnectionClosed):
        return None


@pytest.mark.sanitizer
@pytest.mark.parametrize("method, rows", [("GET", ANSWERS), ("POST", ANSWERS), ("HEAD", DECIDES_BY_METHOD)], ids=["GET", "POST", "HEAD"])
def test_a_backend_that_lies_harms_only_its_own_exchange(matrix, method, rows):
    for what, (steps, expected) in rows.items():
        matrix.backend.script = lambda request, steps=steps: steps if request.target == b"/row" else None
        if method == "POST" and what == "less than the length, then the end":
            expected = None  # it cannot be asked again, so what there was went to the client at once
        with HttpConnection(matrix.address) as connection:
            connection.send("/row", method)
            got = told(connection, method == "HEAD")
            if got is not None and expected is not None and expected[1] is None:
                got = (got[0], None)
            if got != expected:
                matrix.wrong.append(f"{what}: {got} instead of {expected}")
            if "later" in what:
                eventually(lambda: not matrix.backend.connections, what="the connection with an answer too many is given up")
            still = follow(connection) if got is not None else None
            if still is not None and still != (200, b"/second"):
                matrix.wrong.append(f"{what}: the same client's second answer is {still}")
        matrix.innocent(what)
        # With its only host in doubt the next one may be told so, but never gets another's answer.
        for one in matrix.came(what):
            if one.target not in (b"/row", b"/second"):
                matrix.wrong.append(f"{what}: the backend got {one.raw}")
    matrix.check()


def follow(connection: HttpConnection):
    try:
        connection.send("/second")
        answer = connection.receive()
        return answer.status, answer.body
    except (OSError, ConnectionClosed):
        return None


def test_answers_come_in_the_order_of_the_requests_whatever_takes_long(matrix):
    slow = {b"/%d" % n: [0.1 if n % 3 == 0 else 0.0, answer_of(b"/%d" % n)] for n in range(9)}
    matrix.backend.script = lambda request: slow.get(request.target)
    with HttpConnection(matrix.address) as connection:
        connection.send_raw(b"".join(get(target=b"/%d" % n) for n in range(9)))
        assert [connection.receive().body for _ in range(9)] == [b"/%d" % n for n in range(9)]
    matrix.came("pipelined")
    matrix.check()


def test_a_tunnel_begins_only_where_both_sides_said_so(matrix):
    switched = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
    matrix.backend.script = lambda request: [switched] if request.target == b"/t" else None
    with HttpConnection(matrix.address) as connection:
        connection.send_raw(get(b"Connection: upgrade\r\nUpgrade: x\r\n"))
        assert connection.receive().status == 101
    matrix.innocent("behind a tunnel")
    for fields in (b"Upgrade: x\r\n", b"Connection: upgrade\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n"):
        with HttpConnection(matrix.address) as connection:
            connection.send_raw(get(fields))
            assert connection.receive().status == 502, fields
        matrix.innocent("behind a tunnel that was refused")
    matrix.came("tunnels")
    matrix.check()
