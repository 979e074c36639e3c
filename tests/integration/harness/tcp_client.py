"""A TCP client that reads lines and can end its own direction first."""
import socket


def send_until_closed(address: tuple[str, int], data: bytes, timeout: float):
    """Sends `data`, ends this direction and reads until the other side has closed; TimeoutError if it does not within the time."""
    with socket.create_connection(address, timeout) as peer:
        try:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass
        except TimeoutError:
            raise
        except OSError:
            pass  # it has closed before all was sent: reset, broken pipe, no longer connected


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
