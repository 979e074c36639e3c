"""A Gunicorn worker that sends the head of an answer together with the first part of its body.

Gunicorn writes them one after the other, and between the two writes another thread may run. A process that dies just
there leaves a head without a body: the balancer has passed the head on and cannot take it back. In one write it is all
or nothing, and when nothing came another backend can be asked.
"""

from gunicorn.workers.gthread import ThreadWorker


class HoldingSocket:
    """A connection that holds what it is first given to send until more comes or it is flushed."""

    def __init__(self, sock):
        self._sock = sock
        self._held = None  # until the head comes; then the head; empty once that is sent

    def sendall(self, data: bytes) -> None:
        if self._held is None:
            self._held = data
        else:
            self._sock.sendall(self._held + data)
            self._held = b""

    def flush(self) -> None:
        if self._held:
            self._sock.sendall(self._held)
            self._held = b""

    def __getattr__(self, name):
        return getattr(self._sock, name)


class OneWriteWorker(ThreadWorker):
    def handle_request(self, req, conn):
        sock = conn.sock
        conn.sock = HoldingSocket(sock)
        try:
            keepalive = super().handle_request(req, conn)
            conn.sock.flush()
            return keepalive
        finally:
            conn.sock = sock
