"""PROXY protocol in both directions, against HAProxy as the proxy before and behind."""
import json
import shutil
import socket
import struct

import pytest

from harness import network
from harness.processes import Process
from harness.steelyard import BINARIES, Program
from harness.wait import eventually

HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
needs_haproxy = pytest.mark.skipif(shutil.which(HAPROXY) is None, reason="haproxy is not installed")


def endpoint(port: int) -> dict:
    return {"address": "127.0.0.1", "port": port}


@pytest.fixture
def proxy(processes, tmp_path):
    """proxy(8000, policy, protocol) has a listener for an upstream with one endpoint at that port: (process, address)."""
    def start(port: int, protocol: str = "tcp", policy=None, arguments=()):
        listen, admin = network.free_port(), network.free_port()
        config = tmp_path / "steelyard.json"
        config.write_text(json.dumps({"type": "snapshot", "version": "1", "upsert": [
            {"kind": "listener", "name": "front", "address": "127.0.0.1", "port": listen, "protocol": protocol, "upstream": "a/b:c"},
            {"kind": "upstream", "name": "a/b:c", "protocol": protocol, "policy": policy or {}},
            {"kind": "endpoints", "upstream": "a/b:c", "slice": "1", "endpoints": [endpoint(port)]}]}))
        one = Program("steelyard", [BINARIES / "steelyard-sidecar", "--config", config, "--workers", "1",
                                    "--admin-listen", f"127.0.0.1:{admin}", *arguments], tmp_path, admin)
        processes.append(one)
        return one.start().wait_answering(), ("127.0.0.1", listen)
    return start


@pytest.fixture
def haproxy(processes, tmp_path):
    def start(text: str, port: int):
        config = tmp_path / "haproxy.cfg"
        config.write_text("defaults\n timeout connect 2s\n timeout client 5s\n timeout server 5s\n" + text)
        one = Process("haproxy", [HAPROXY, "-db", "-f", config], tmp_path).start()
        processes.append(one)

        def listens():
            try:
                with socket.create_connection(("127.0.0.1", port), 1):
                    return True
            except OSError:
                return False
        eventually(listens, 10, "haproxy listens")
        return one
    return start


class Listener:
    """Accepts connections one at a time."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(10)
        self.port = self.socket.getsockname()[1]

    def read(self, size: int):
        """The next connection and what it begins with."""
        peer, _ = self.socket.accept()
        peer.settimeout(10)
        data = b""
        while len(data) < size:
            more = peer.recv(size - len(data))
            if not more:
                break
            data += more
        return peer, data


def connect(address) -> socket.socket:
    return socket.create_connection(address, 10)


def test_version_one_goes_out_before_the_clients_bytes(proxy):
    backend = Listener()
    _, front = proxy(backend.port, policy={"proxy_protocol": "v1"})
    client = connect(front)
    ours = client.getsockname()
    line = f"PROXY TCP4 127.0.0.1 127.0.0.1 {ours[1]} {front[1]}\r\n".encode()
    peer, got = backend.read(len(line))
    assert got == line, "though the client has sent nothing"
    client.sendall(b"hello")
    assert peer.recv(5) == b"hello"
    peer.sendall(b"you")
    assert client.recv(3) == b"you"


def test_version_two_goes_out(proxy):
    backend = Listener()
    _, front = proxy(backend.port, policy={"proxy_protocol": "v2"})
    client = connect(front)
    client.sendall(b"hello")
    _, got = backend.read(28 + 5)
    assert got == (SIGNATURE + b"\x21\x11\x00\x0c" + socket.inet_aton("127.0.0.1") * 2 +
                   struct.pack("!HH", client.getsockname()[1], front[1]) + b"hello")


def test_each_http_request_has_a_connection_with_its_clients_header(proxy):
    backend = Listener()
    one, front = proxy(backend.port, "http", {"proxy_protocol": "v1"})
    for client in (connect(front), connect(front)):
        line = f"PROXY TCP4 127.0.0.1 127.0.0.1 {client.getsockname()[1]} {front[1]}\r\n".encode()
        for _ in range(2):
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            peer, got = backend.read(len(line) + 5)
            assert got == line + b"GET /"
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            answer = b""
            while not answer.endswith(b"ok"):
                answer += client.recv(1000)
    assert one.metric("steelyard_upstream_connections_reused_total") == 0


@pytest.mark.parametrize("version, begins", [("v1", b"PROXY UNKNOWN\r\n"), ("v2", SIGNATURE + b"\x20\x00\x00\x00")])
def test_health_checks_speak_of_nobody(proxy, version, begins):
    backend = Listener()
    one, _ = proxy(backend.port, "http", {"proxy_protocol": version, "health_check": {"type": "http", "interval_ms": 100}})
    peer, got = backend.read(len(begins) + 5)
    assert got == begins + b"GET /"
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    one.wait_answering()


FROM_US = ("--proxy-protocol-from", "127.0.0.0/8", "--request-header-timeout", "500ms")


def forwarded_for(front, header: bytes, backend) -> bytes:
    client = connect(front)
    for at in range(len(header)):  # byte by byte: it comes as it likes
        client.sendall(header[at:at + 1])
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    peer, _ = backend.read(0)
    head = b""
    while b"\r\n\r\n" not in head:
        head += peer.recv(4000)
    peer.close()
    return next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"x-forwarded-for"))


def test_what_a_header_says_is_the_client(proxy):
    backend = Listener()
    one, front = proxy(backend.port, "http", arguments=FROM_US)
    assert forwarded_for(front, b"PROXY TCP4 203.0.113.7 10.0.0.1 1234 80\r\n", backend) == b"203.0.113.7"
    six = socket.inet_pton(socket.AF_INET6, "2001:db8::7")
    assert forwarded_for(front, SIGNATURE + b"\x21\x21\x00\x28" + six * 2 + b"\0\1\0\2" + b"\xea\0\x01x", backend) == b"2001:db8::7"
    assert forwarded_for(front, b"PROXY UNKNOWN\r\n", backend) == b"127.0.0.1"
    assert one.metric("steelyard_proxy_protocol_headers_total") == 3


@pytest.mark.parametrize("sent, reason", [(b"GET / HTTP/1.1\r\n\r\n", "no_header"), (b"PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n", "bad_v1"),
                                          (SIGNATURE + b"\x31\x11\x00\x00", "bad_v2"), (b"PROXY TCP4 1.2", "timeout"), (b"", "timeout")])
def test_without_a_proper_header_the_connection_ends_and_is_counted(proxy, sent, reason):
    one, front = proxy(1, arguments=FROM_US)
    client = connect(front)
    client.sendall(sent)
    try:
        assert client.recv(100) == b""
    except ConnectionResetError:
        pass
    assert one.metric("steelyard_proxy_protocol_refused_total", reason=reason) == 1


def test_of_others_a_header_is_data(proxy):
    backend = Listener()
    _, front = proxy(backend.port, arguments=("--proxy-protocol-from", "192.0.2.0/24"))
    connect(front).sendall(b"PROXY TCP4 203.0.113.7 10.0.0.1 1234 80\r\n")
    assert backend.read(7)[1] == b"PROXY T"


@needs_haproxy
@pytest.mark.parametrize("flag", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
def test_haproxy_before_us(proxy, haproxy, flag):
    backend = Listener()
    _, front = proxy(backend.port, "http", arguments=FROM_US)
    port = network.free_port()
    haproxy(f"listen l\n mode tcp\n bind 127.0.0.1:{port}\n unique-id-format %ci\n source 127.0.0.1\n"
            f" server s 127.0.0.1:{front[1]} {flag}\n", port)
    client = socket.create_connection(("127.0.0.1", port), 10, source_address=("127.0.0.77", 0))
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    while True:
        peer, got = backend.read(4)
        if got == b"GET ":
            break
    while b"\r\n\r\n" not in got:
        got += peer.recv(4000)
    assert b"x-forwarded-for: 127.0.0.77" in got.lower()


@needs_haproxy
@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("protocol", ["tcp", "http"])
def test_haproxy_behind_us(proxy, haproxy, version, protocol):
    port = network.free_port()
    haproxy(f"frontend f\n mode http\n bind 127.0.0.1:{port} accept-proxy\n"
            " http-request return status 200 content-type text/plain lf-string \"%[src] %[src_port]\"\n", port)
    _, front = proxy(port, protocol, {"proxy_protocol": version})
    client = socket.create_connection(front, 10, source_address=("127.0.0.78", 0))
    for _ in range(2):
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = b""
        wanted = f"127.0.0.78 {client.getsockname()[1]}".encode()
        while not answer.endswith(wanted):
            more = client.recv(1000)
            assert more, answer
            answer += more
