"""Answers that are compressed or kept on their way: read by curl, which knows the codings, from an origin that says what it was asked."""
import subprocess
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from harness.configured import ConfiguredSidecar
from harness.http_client import ConnectionClosed, HttpConnection, get
from harness.wait import eventually

COMPRESSION = {"codings": ["zstd", "br", "gzip"]}
TEXT = b"".join(b"line %d of a text that repeats itself\n" % n for n in range(20_000))
FRESH = ("Cache-Control", "max-age=60")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked[self.path] += 1
        if self.headers.get("If-None-Match") in ('"v1"', 'W/"v1"'):
            return self.answer(304, b"", [("ETag", '"v1"')])
        if self.headers.get("Range"):
            return self.answer(206, TEXT[:10], [("Content-Range", f"bytes 0-9/{len(TEXT)}")])
        getattr(self, "do_" + self.path.partition("?")[0].strip("/"))()

    do_HEAD = do_GET

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200, b"done")

    def do_text(self):
        self.answer(200, TEXT, [("ETag", '"v1"')])

    def do_fresh(self):
        self.answer(200, TEXT[:50_000], [FRESH, ("ETag", '"v1"')])

    def do_small(self):
        self.answer(200, b"small")

    def do_chunked(self):
        self.head(200, [("Transfer-Encoding", "chunked"), FRESH])
        for at in range(0, len(TEXT), 50_000):
            part = TEXT[at:at + 50_000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def do_pieces(self):
        self.head(200, [("Transfer-Encoding", "chunked")])
        self.wfile.write(b"6\r\nfirst \r\n")
        self.server.go_on.wait(20)
        self.wfile.write(b"6\r\nsecond\r\n0\r\n\r\n")

    def do_cut(self):
        self.head(200, [("Content-Length", str(len(TEXT))), FRESH])
        self.wfile.write(TEXT[:100_000])
        self.close_connection = True

    def head(self, status: int, fields):
        self.send_response(status)
        for name, value in [("Content-Type", "text/html"), *fields]:
            self.send_header(name, value)
        self.end_headers()

    def answer(self, status: int, body: bytes, fields=()):
        self.head(status, [*fields, *([] if status == 304 else [("Content-Length", str(len(body)))])])
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def origin():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.asked, server.go_on = Counter(), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.go_on.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(tmp_path, processes, origin):
    def start(**http) -> ConfiguredSidecar:
        one = ConfiguredSidecar(tmp_path, ("127.0.0.1", origin.server_address[1]), policy={"http": http})
        processes.append(one)
        return one.start().wait_answering()
    return start


def curl(proxy, path: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
    return subprocess.run(["curl", "-sS", "-m", "20", *arguments, f"http://127.0.0.1:{proxy.port}{path}"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=check)


def test_curl_reads_what_the_origin_sent(proxy):
    running = proxy(compression=COMPRESSION)
    for path in ("/text", "/chunked"):
        for coding in ("gzip", "br", "zstd"):
            head = curl(running, path, "-o", "/dev/null", "-D", "-", "-H", f"Accept-Encoding: {coding}").stdout.decode().lower()
            assert f"content-encoding: {coding}" in head and "vary: accept-encoding" in head, head
            assert "transfer-encoding: chunked" in head and "content-length" not in head
            assert curl(running, path, "--compressed", "-H", f"Accept-Encoding: {coding}").stdout == TEXT
    eventually(lambda: running.metric("steelyard_compressed_responses_total", coding="gzip") == 4, what="the count")
    assert running.metric("steelyard_compression_output_bytes_total") < running.metric("steelyard_compression_input_bytes_total") / 4


@pytest.mark.sanitizer
def test_what_is_not_to_be_compressed_is_passed_on_as_it_is(proxy):
    running = proxy(compression=COMPRESSION)
    with HttpConnection(running.address) as connection:
        for _ in range(3):
            assert "content-encoding" in connection.request("/text", headers="Accept-Encoding: gzip\r\n").headers
            for path, fields in (("/text", ""), ("/text", "Accept-Encoding: gzip;q=0\r\n"), ("/text", "Accept-Encoding: gzip;q=2\r\n"),
                                 ("/text", "Accept-Encoding: gzip\r\nCookie: session=1\r\n"), ("/small", "Accept-Encoding: gzip\r\n"),
                                 ("/text", "Accept-Encoding: gzip\r\nAuthorization: Basic eA==\r\n")):
                answer = connection.request(path, headers=fields)
                assert "content-encoding" not in answer.headers and answer.body == (b"small" if path == "/small" else TEXT), fields
            part = connection.request("/text", headers="Accept-Encoding: gzip\r\nRange: bytes=0-9\r\n")
            assert (part.status, part.body) == (206, TEXT[:10])
            head = connection.request("/text", "HEAD", headers="Accept-Encoding: br\r\n")
            assert (head.headers["content-encoding"], head.headers["etag"]) == ("br", 'W/"v1"')
            same = connection.request("/text", headers='Accept-Encoding: br\r\nIf-None-Match: W/"v1"\r\n')
            assert (same.status, same.headers["etag"]) == (304, 'W/"v1"')


def test_a_page_in_pieces_is_not_held_back_and_a_cut_one_is_no_whole_one(proxy, origin):
    running = proxy(compression=COMPRESSION)
    child = subprocess.Popen(["curl", "-sSN", "-m", "20", "--compressed", "-H", "Accept-Encoding: gzip", f"http://127.0.0.1:{running.port}/pieces"],
                             stdout=subprocess.PIPE)
    assert child.stdout.read(6) == b"first "
    origin.go_on.set()
    assert (child.stdout.read(), child.wait()) == (b"second", 0)
    assert curl(running, "/cut", "--compressed", check=False).returncode != 0
    with HttpConnection(running.address) as connection, pytest.raises((ConnectionClosed, OSError)):
        connection.request("/cut", headers="Accept-Encoding: gzip\r\n")


@pytest.mark.sanitizer
def test_the_second_time_the_origin_is_not_asked(proxy, origin):
    running = proxy(cache={}, compression=COMPRESSION)
    for path, body in (("/fresh", TEXT[:50_000]), ("/chunked", TEXT)):
        if path == "/chunked":
            running = proxy(cache={"max_bytes": 64 << 20, "max_object_bytes": 4 << 20})
        assert "stored" in get(running.address, path).headers["cache-status"]
        asked = origin.asked[path]
        for _ in range(20):  # over connections of their own, thus over both workers
            answer = get(running.address, path)
            assert answer.body == body and "hit" in answer.headers["cache-status"]
        assert curl(running, path, "--compressed", "-H", "Host: test").stdout == body
        assert origin.asked[path] == asked
    assert running.metric("steelyard_cache_requests_total", result="hit") == 21
    assert running.metric("steelyard_cache_bytes") > len(TEXT)


def test_what_is_changed_is_asked_for_again_and_a_cut_answer_is_not_kept(proxy, origin):
    running = proxy(cache={})
    same = get(running.address, "/fresh")
    assert get(running.address, "/fresh", headers='If-None-Match: "v1"\r\n').status == 304 and origin.asked["/fresh"] == 1
    with HttpConnection(running.address) as connection:
        assert connection.request("/fresh", "POST", body=b"a=b").status == 200
    assert get(running.address, "/fresh").body == same.body and origin.asked["/fresh"] == 2
    for _ in range(2):
        with HttpConnection(running.address) as connection, pytest.raises((ConnectionClosed, OSError)):
            connection.request("/cut")
    assert origin.asked["/cut"] >= 2, "nothing of it was kept"


def test_many_clients_at_once_get_whole_answers(proxy, origin):
    running = proxy(cache={"max_bytes": 1 << 20, "max_object_bytes": 65_536}, compression=COMPRESSION)
    wrong, until = [], time.monotonic() + 3

    def ask(number: int):
        with HttpConnection(running.address) as connection:
            while time.monotonic() < until:
                answer = connection.request(f"/fresh?{number % 7}", headers="" if number % 2 else "Accept-Encoding: identity\r\n")
                if answer.body != TEXT[:50_000]:
                    wrong.append(len(answer.body))
                if number == 0:
                    connection.request("/fresh?1", "POST", body=b"x")
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
