"""The access log: what a line says, that nobody can forge one, and that no request ever waits for its reader."""
import json
import os
import re
import signal
import socket
import struct
import time

import pytest

from harness.backends import EchoBackend
from harness.http_client import HttpConnection, get
from harness.load import ask
from harness.manifests import static_service, write
from harness.objects import endpoint, endpoint_slice, service
from harness.processes import run
from harness.steelyard import BINARIES
from harness.tcp_client import TcpClient
from harness.wait import eventually

FIELDS = ["time", "client", "client_port", "real_ip", "listener", "upstream", "endpoint", "method", "path", "host", "protocol", "status",
          "failure", "request_bytes", "response_bytes", "duration_ms", "answer_ms", "tries", "user_agent", "referer", "request_id"]


@pytest.fixture
def logged(tmp_path, manifest_controller, sidecar, backend):
    """logged("--access-log-sample", "0") gives a backend, the proxy before it, and the file of its access log."""
    def build(*arguments, target=tmp_path / "access.log"):
        one = backend("one")
        static_service(tmp_path / "manifests", one)
        controller = manifest_controller(tmp_path / "manifests")
        proxy = sidecar(controller, "web.shop:80", arguments=("--access-log", str(target), *arguments))
        return one, proxy.wait_ready_hosts(one), target
    return build


def lines(file, count: int) -> list:
    """Every line of the file, once there are so many."""
    def there():
        found = file.read_text().splitlines() if file.exists() else []
        assert len(found) >= count, found
        return found
    found = eventually(there, 10, f"{count} lines in {file}")
    assert len(found) == count, found
    return found


@pytest.mark.sanitizer
def test_a_line_says_what_was_sent_and_answered(logged):
    one, proxy, file = logged()
    with HttpConnection(proxy.address_of()) as connection:
        port = connection.socket.getsockname()[1]
        body = b"x" * 5000
        request = (b"POST /echo?q=%22a%22 HTTP/1.1\r\nHost: web.example\r\nUser-Agent: test/1\r\nReferer: http://there/\r\n"
                   b"X-Request-Id: id-7\r\nContent-Length: 5000\r\n\r\n" + body)
        before = time.time()
        connection.send_raw(request)
        answer = connection.receive()
        assert answer.status == 200
        connection.request("/two", headers="Connection: close\r\n")
    first, second = (json.loads(line) for line in lines(file, 2))
    assert list(first) == FIELDS
    when = time.strptime(first["time"][:19], "%Y-%m-%dT%H:%M:%S")
    assert abs(before - time.mktime(when) + time.timezone) < 60 and re.fullmatch(r".{19}\.\d{3}Z", first["time"])
    expected = {"client": "127.0.0.1", "client_port": port, "real_ip": "127.0.0.1", "listener": "upstream-0", "upstream": "shop/web:80", "endpoint": one.at,
                "method": "POST", "path": "/echo?q=%22a%22", "host": "web.example", "protocol": "HTTP/1.1", "status": 200,
                "failure": None, "request_bytes": len(request), "tries": 1, "user_agent": "test/1", "referer": "http://there/",
                "request_id": "id-7"}
    shown = {name: first[name] for name in expected}
    expected["upstream"] = shown["upstream"]  # by its port's name or number
    assert shown == expected
    assert first["upstream"].startswith("shop/web:")
    assert first["response_bytes"] > len(answer.body)
    assert 0 < first["answer_ms"] <= first["duration_ms"] < 10_000
    assert (second["path"], second["user_agent"], second["referer"]) == ("/two", None, None)


def test_failures_are_named(logged):
    one, proxy, file = logged()
    address = proxy.address_of()
    with HttpConnection(address) as connection:
        connection.send_raw(b"GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n")
        assert connection.receive().status == 400
    (malformed,) = (json.loads(line) for line in lines(file, 1))
    assert (malformed["status"], malformed["failure"], malformed["path"]) == (400, "bad_content_length", None)
    with HttpConnection(address) as connection:
        connection.send("/hold")
        eventually(lambda: one.waiting, 10, "the request is with the backend")
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing breaks off
    gone = json.loads(lines(file, 2)[1])
    assert (gone["status"], gone["failure"], gone["path"], gone["response_bytes"]) == (0, "client_gone", "/hold", 0)
    with HttpConnection(address) as connection:
        connection.send("/hold", "POST", body=b"once")
        eventually(lambda: one.active, 10, "the request is with the backend")
        one.die()
        assert connection.receive().status == 502
        reset = json.loads(lines(file, 3)[2])
        assert (reset["status"], reset["failure"], reset["endpoint"], reset["tries"]) == (502, "upstream_reset", one.at, 1)
    assert get(address).status == 502
    refused = json.loads(lines(file, 4)[3])
    assert (refused["status"], refused["failure"], refused["answer_ms"]) == (502, "connect", None)


@pytest.mark.sanitizer
def test_nobody_can_forge_a_field_or_a_line(logged):
    _, proxy, file = logged()
    evil = rb'x","status":999,"y":"\" \x1b[2J \xff\xc3\xa9' + b'\x80\t{"time":"forged"}'
    with HttpConnection(proxy.address_of()) as connection:
        connection.send_raw(b'GET /"},{"status":999}\\ HTTP/1.1\r\nHost: test\r\nUser-Agent: ' + evil + b"\r\n\r\n")
        assert connection.receive().status == 200
        connection.request("/" + "p" * 3000)
    first, second = lines(file, 2)
    assert all(" " <= c <= "~" for c in first)
    shown = json.loads(first)
    assert list(shown) == FIELDS and shown["status"] == 200
    assert shown["path"] == '/"},{"status":999}\\'
    assert shown["user_agent"].encode("latin-1") == evil
    assert json.loads(second)["path"] == "/" + "p" * 1020 + "..."


def test_a_format_of_ones_own(logged):
    _, proxy, file = logged("--access-log-format", '%{client} "%{method} %{path} %{protocol}" %{status} "%{user_agent}" "%{referer}" 100%%')
    assert get(proxy.address_of(), "/a?b", headers='User-Agent: say "hi" \\\r\n').status == 200
    assert lines(file, 1) == [r'127.0.0.1 "GET /a?b HTTP/1.1" 200 "say \x22hi\x22 \x5c" "-" 100%']


def test_who_asked_behind_a_trusted_proxy_and_the_id_that_the_endpoint_sees(logged):
    _, proxy, file = logged("--access-log-format", "%{client} %{real_ip} %{request_id}", "--trusted-proxies", "127.0.0.0/8", "--request-id", "true")
    seen = get(proxy.address_of(), "/echo", headers="X-Forwarded-For: 192.0.2.7\r\n").body.decode().lower()
    given = re.search(r"x-request-id: (\S+)", seen).group(1)
    assert lines(file, 1) == [f"127.0.0.1 192.0.2.7 {given}"]


def test_sampling_keeps_every_failure(logged):
    one, proxy, file = logged("--access-log-sample", "0.25", "--access-log-format", "%{status} %{failure}")
    assert ask(proxy.address_of(), 2000, connections=4).failures == []
    one.die()
    for _ in range(20):
        assert get(proxy.address_of()).status == 502
    eventually(lambda: file.read_text().count("502 connect\n") == 20, 10, "20 failures in the log")
    assert 350 <= file.read_text().count("200 -\n") <= 650
    eventually(lambda: proxy.metric("steelyard_access_log_lines_total") == len(file.read_text().splitlines()), 5, "the lines are counted")
    assert proxy.metric("steelyard_access_log_dropped_total") == 0


def test_after_a_rename_and_sigusr1_lines_go_to_a_new_file(logged):
    _, proxy, file = logged("--access-log-format", "%{path}")
    assert get(proxy.address_of(), "/before").status == 200
    moved = file.rename(file.with_suffix(".1"))
    proxy.send(signal.SIGUSR1)
    eventually(file.exists, 5, "the file is made anew")
    assert get(proxy.address_of(), "/after").status == 200
    assert lines(file, 1) == ["/after"]
    assert moved.read_text() == "/before\n"


def test_sigusr1_harms_nobody_who_has_no_log(tmp_path, manifest_controller, sidecar, backend):
    one = backend("one")
    static_service(tmp_path / "manifests", one)
    proxy = sidecar(manifest_controller(tmp_path / "manifests"), "web.shop:80").wait_ready_hosts(one)
    proxy.send(signal.SIGUSR1)
    assert get(proxy.address_of()).status == 200
    assert "steelyard_access_log" not in proxy.metrics()


def test_what_is_buffered_is_written_at_the_end(logged):
    one, proxy, file = logged("--access-log-format", "%{path} %{failure}", "--drain-delay", "0s", "--drain-timeout", "300ms")
    with HttpConnection(proxy.address_of()) as connection:
        connection.send("/hold")
        eventually(lambda: one.waiting, 10, "the request is with the backend")
        assert ask(proxy.address_of(), 500, connections=2).failures == []
        assert proxy.terminate() == 0
    found = file.read_text().splitlines()
    assert len(found) == 501 and found[-1] == "/hold shutdown"


@pytest.mark.sanitizer
def test_a_pipe_that_nobody_reads_slows_no_request(logged, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    _, proxy, _ = logged(target=pipe)
    took = []
    with HttpConnection(proxy.address_of()) as connection:
        for number in range(6000):  # more than the pipe and a worker's buffer hold
            start = time.monotonic()
            assert connection.request("/" + "x" * 900, headers="User-Agent: " + "y" * 200 + "\r\nReferer: " + "z" * 500 + "\r\n").status == 200
            took.append(time.monotonic() - start)
            if number >= 1000 and number % 100 == 0 and proxy.metric("steelyard_access_log_dropped_total", reason="full") > 100:
                break
    assert proxy.metric("steelyard_access_log_dropped_total", reason="full") > 0
    assert sorted(took)[len(took) // 2] < 0.05 and max(took) < 2
    start = time.monotonic()
    assert proxy.terminate(10) == 0
    assert time.monotonic() - start < 6


def test_a_full_disk_is_said_once_and_counted(logged):
    _, proxy, _ = logged(target="/dev/full")
    assert ask(proxy.address_of(), 500, connections=4).failures == []
    eventually(lambda: proxy.metric("steelyard_access_log_dropped_total", reason="error") == 500, 5, "500 lost lines")
    assert proxy.metric("steelyard_access_log_write_errors_total") >= 1
    assert proxy.log().count("cannot be written: No space left on device") == 1


@pytest.mark.sanitizer
def test_a_tcp_connection_is_one_line_at_its_end(tmp_path, manifest_controller, sidecar, backend):
    one = backend("one", kind=EchoBackend)
    write(tmp_path / "manifests", "tcp.yaml", service("shop", port_name="tcp", app_protocol="kubernetes.io/tcp"),
          endpoint_slice("shop", [endpoint(one.address)], port_name="tcp"))
    file = tmp_path / "access.log"
    proxy = sidecar(manifest_controller(tmp_path / "manifests"), "web.shop:80", arguments=("--access-log", str(file))).wait_ready_hosts(one)
    client = TcpClient(proxy.address_of())
    assert client.line() == b"one"
    client.send(b"hello\n")
    assert client.line() == b"hello"
    assert file.read_text() == ""
    assert client.finish() == b"bye\n"
    (line,) = (json.loads(line) for line in lines(file, 1))
    assert list(line) == FIELDS
    assert (line["protocol"], line["request_bytes"], line["response_bytes"]) == ("TCP", 6, len(b"one\nhello\nbye\n"))
    assert (line["endpoint"], line["tries"], line["failure"], line["method"], line["status"]) == (one.at, 1, None, None, 0)
    one.die()
    try:
        TcpClient(proxy.address_of()).line()
    except OSError:
        pass
    assert json.loads(lines(file, 2)[1])["failure"] == "connect"


WRONG = {
    "a target that is none": (["--access-log", "stdot"], "--access-log: 'stdot' is none of off, stdout, stderr"),
    "a field that there is not": (["--access-log-format", "%{colour}"], "--access-log-format: there is no field 'colour'"),
    "a share above one": (["--access-log-sample", "2"], "--access-log-sample: '2' is not a share from 0 to 1"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_value_is_one_line_that_names_the_flag(what):
    arguments, said = WRONG[what]
    status, output, _ = run([BINARIES / "steelyard-sidecar", "--controller", "ws://127.0.0.1:1", *arguments])
    assert status == 2 and len(output.strip().splitlines()) == 1 and said in output


def test_a_file_that_cannot_be_opened_ends_the_program(tmp_path):
    status, output, _ = run([BINARIES / "steelyard-sidecar", "--controller", "ws://127.0.0.1:1", "--admin-listen", "127.0.0.1:0",
                             "--access-log", str(tmp_path / "none/log")])
    assert status != 0 and "cannot be opened for writing: No such file or directory" in output.splitlines()[-1]
