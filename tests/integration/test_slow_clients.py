"""Clients that are slow on purpose (slowhttptest): whoever else asks meanwhile is served, and afterwards nothing is left of them."""
import asyncio
import shutil

import pytest

from harness.backends import Backend
from harness.configured import ConfiguredSidecar
from harness.load import Load
from harness.processes import Process
from harness.wait import eventually

pytestmark = pytest.mark.skipif(not shutil.which("slowhttptest"), reason="slowhttptest is not installed")

CONNECTIONS, SECONDS = 400, 6
BIG = b"x" * 1_000_000
ATTACKS = {
    "slow headers": ["-H", "-i", "1"],
    "slow bodies": ["-B", "-i", "1", "-s", "100000", "-x", "10"],
    "ranges": ["-R", "-a", "1", "-b", "200"],
    "slow reading": ["-X", "-w", "10", "-y", "20", "-n", "1", "-z", "16", "-k", "3"],
}


class BigBackend(Backend):
    """/big is a megabyte, everything else a word; a body is never waited for."""

    def _protocol(self):
        return _BigConnection(self)


class _BigConnection(asyncio.Protocol):
    def __init__(self, backend):
        self.backend, self.buffer, self.transport = backend, b"", None

    def connection_made(self, transport):
        self.transport = transport
        self.backend.accepted += 1
        self.backend.connections.add(self)

    def connection_lost(self, error):
        self.backend.connections.discard(self)

    def data_received(self, data):
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
            if b"\r\ncontent-length:" in head.lower() and b"POST" in head:
                return  # the rest of it takes for ever
            body = BIG if b" /big " in head else b"word"
            self.transport.write(b"HTTP/1.1 200 OK\r\nX-Backend: one\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize("attack", ATTACKS)
def test_others_are_served_while_clients_are_slow(attack, tmp_path, processes, backend):
    one = backend("one", kind=BigBackend)
    proxy = ConfiguredSidecar(tmp_path, (one.address, one.port))
    processes.append(proxy)
    proxy.start().wait_answering()
    slow = Process("slowhttptest", ["slowhttptest", *ATTACKS[attack], "-c", CONNECTIONS, "-r", CONNECTIONS, "-l", SECONDS, "-v", "1",
                                    "-u", f"http://127.0.0.1:{proxy.port}/big"], tmp_path)
    processes.append(slow)
    with Load(proxy.address) as load:
        slow.start()
        if attack != "ranges":  # those are answered, and gone
            eventually(lambda: proxy.metric("steelyard_client_connections") > CONNECTIONS / 2, what="the attack")
        slow.wait(SECONDS + 20)
        eventually(lambda: load.tally.total > 200, what="requests of others")
    load.assert_no_failure()
    # Those that are left when their client is gone end with it, or with the time-outs for slow clients.
    eventually(lambda: proxy.metric("steelyard_client_connections") == 0, 20, "nothing is left of them")
    eventually(lambda: proxy.metric("steelyard_upstream_active") == 0, what="nor at the endpoint")
