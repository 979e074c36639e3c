"""A small HTTP/1.1 client on a bare socket: fast, and hiding nothing. One connection, one request at a time."""
import socket
from dataclasses import dataclass


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def backend(self) -> str:
        return self.headers.get("x-backend", "")


class ConnectionClosed(Exception):
    """The other side closed before a whole answer."""


class HttpConnection:
    def __init__(self, address: tuple[str, int], timeout: float = 10.0):
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.must_close = False

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def request(self, path: str = "/", method: str = "GET", headers: str = "", body: bytes = b"") -> Answer:
        self.send(path, method, headers, body)
        return self.receive(head_only=method == "HEAD")

    def send(self, path: str = "/", method: str = "GET", headers: str = "", body: bytes = b""):
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        self.send_raw(f"{method} {path} HTTP/1.1\r\nHost: test\r\n{headers}{length}\r\n".encode() + body)

    def send_raw(self, data: bytes):
        self.socket.sendall(data)

    def receive(self, head_only: bool = False) -> Answer:
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        self.must_close = headers.get("connection", "").lower() == "close"
        status = int(first.split(" ", 2)[1])
        no_body = head_only or status in (204, 304) or status < 200
        return Answer(status, headers, b"" if no_body else self._body(headers))

    def closed_by_peer(self, timeout: float = 5.0) -> bool:
        """Whether the other side closes within the time; what it still sends is dropped."""
        self.socket.settimeout(timeout)
        try:
            while self.socket.recv(65536):
                pass
            return True
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def _body(self, headers: dict) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunked()
        if "content-length" in headers:
            return self._take(int(headers["content-length"]))
        whole = self.buffer
        while data := self.socket.recv(65536):
            whole += data
        self.buffer = b""
        self.must_close = True
        return whole

    def _chunked(self) -> bytes:
        whole = b""
        while True:
            while b"\r\n" not in self.buffer:
                self._fill()
            size, self.buffer = self.buffer.split(b"\r\n", 1)
            chunk = self._take(int(size.split(b";")[0], 16) + 2)
            if len(chunk) == 2:
                return whole
            whole += chunk[:-2]

    def _take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            self._fill()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def _fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionClosed(f"closed after {len(self.buffer)} bytes of an answer")
        self.buffer += data


def get(address: tuple[str, int], path: str = "/", method: str = "GET", timeout: float = 10.0, headers: str = "",
        body: bytes = b"") -> Answer:
    """One request on a connection of its own."""
    with HttpConnection(address, timeout) as connection:
        return connection.request(path, method, headers + "Connection: close\r\n", body)
