"""A TCP client that reads lines and can end its own direction first."""
import socket


class TcpClient:
    def __init__(self, address: tuple[str, int], timeout: float = 10.0):
        self.socket = socket.create_connection(address, timeout)
        self.reader = self.socket.makefile("rb")

    def send(self, data: bytes):
        self.socket.sendall(data)

    def line(self) -> bytes:
        return self.reader.readline().rstrip(b"\n")

    def finish(self) -> bytes:
        """Ends this direction (a half-close) and returns all that the other side still says."""
        self.socket.shutdown(socket.SHUT_WR)
        rest = self.reader.read()
        self.socket.close()
        return rest
