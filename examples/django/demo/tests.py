"""That the demo would notice: its figures are right, and no broken answer passes for a good one."""

import asyncio
import tempfile
import unittest
from pathlib import Path

from demo.cluster import Backend, Manifests
from demo.figures import Window
from demo.histogram import Histogram
from demo.http1 import Connection, RequestFailed, Response
from demo.timeline import Phase


async def ask(answer: bytes, timeout: float = 5, stay_open: bool = False) -> Response:
    """What a request gets from a server that sends `answer` and hangs up, or stays."""

    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if not stay_open:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connection = Connection("127.0.0.1", server.sockets[0].getsockname()[1], timeout)
    try:
        return await connection.request("GET", "/", {"Host": "test"})
    finally:
        connection.close()
        server.close()


class ConnectionTest(unittest.TestCase):
    def test_whole_answers_are_understood(self):
        for answer in (
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Backend: web-a\r\nSet-Cookie: a=b; Path=/\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nX-Backend: web-a\r\nSet-Cookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nTrailer: t\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n"
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx-backend: web-a\r\nset-cookie: a=b\r\n\r\nhello",
        ):
            response = asyncio.run(ask(answer))
            found = (response.status, response.body, response.headers["x-backend"], response.cookies)
            self.assertEqual(found, (200, b"hello", "web-a", {"a": "b"}))

    def test_broken_answers_fail_with_the_reason(self):
        for answer, reason in (
            (b"", "closed before the answer"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", "closed in the middle of the answer"),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
                "closed in the middle of the answer",
            ),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n", "a chunk does not end"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length -1"),
            (b"HTTP/1.1 200 OK\r\n\r\nhello", "malformed answer: 'content-length'"),
            (b"SMTP 220 hello\r\n\r\n", "status line"),
        ):
            with self.subTest(answer=answer), self.assertRaisesRegex(RequestFailed, reason):
                asyncio.run(ask(answer))

    def test_an_answer_that_stops_half_way_runs_into_the_timeout(self):
        with self.assertRaisesRegex(RequestFailed, "no complete answer within 0.1 s"):
            asyncio.run(ask(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", timeout=0.1, stay_open=True))


class FiguresTest(unittest.TestCase):
    def test_a_quantile_is_right_within_four_percent(self):
        histogram = Histogram()
        for milliseconds in range(1, 1001):
            histogram.add(milliseconds / 1000)
        for q in (0.5, 0.9, 0.99):
            self.assertAlmostEqual(histogram.quantile(q) / q, 1, delta=0.04)
        self.assertIsNone(Histogram().quantile(0.5))

    def test_shares_and_targets_are_in_percent(self):
        window = Window(seconds=2)
        window.counts.update({"web-a": 1, "web-c": 3})
        self.assertEqual((window.share("web-c"), window.share("web-b"), window.rate("web-c")), (75, 0, 1.5))
        self.assertEqual(Phase("p", {"web-a": 1, "web-c": 3}).target("web-c"), 75)
        self.assertEqual(Window().share("web-a"), 0)


class ManifestsTest(unittest.TestCase):
    def test_every_blank_is_filled_in_and_only_whole_files_are_there(self):
        with tempfile.TemporaryDirectory() as work:
            manifests = Manifests(Path(work))
            backend = Backend("web-a", 5, 8001)
            manifests.publish(backend, draining=True)
            text = (manifests.directory / "web-a.yaml").read_text()
            self.assertNotIn("$", text.split("---")[1])
            for line in (
                "port: 8001",
                "ready: false",
                "serving: true",
                "terminating: true",
                'steelyard.dev/weight: "5"',
            ):
                self.assertIn(line, text)
            manifests.withdraw(backend)
            self.assertEqual([path.name for path in manifests.directory.iterdir()], ["service.yaml"])


if __name__ == "__main__":
    unittest.main()
