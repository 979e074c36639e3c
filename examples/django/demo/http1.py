"""A small HTTP/1.1 client on asyncio streams: one kept-alive connection, one request at a time.

It is strict where a browser is forgiving: whatever is not a complete, well-formed answer in time raises RequestFailed.
A request is never sent again here; hiding a failure is the balancer's job.
"""

import asyncio
import json
from dataclasses import dataclass, field

MAX_BODY = 4 * 1024 * 1024


class RequestFailed(Exception):
    """The request got no usable answer; the text says why."""


@dataclass
class Response:
    status: int
    headers: dict[str, str]  # names in lower case
    cookies: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)


class Connection:
    """Connects on first use, and again after either side has closed."""

    def __init__(self, host: str, port: int, timeout: float):
        self._host, self._port, self._timeout = host, port, timeout
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._answered = False  # whether the head of the answer has come

    async def request(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Response:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(method, path, headers, body)
        except TimeoutError:
            problem = f"no complete answer within {self._timeout:g} s"
        except EOFError:
            problem = f"the connection was closed {'in the middle of' if self._answered else 'before'} the answer"
        except OSError as error:
            problem = f"{type(error).__name__}: {error}"
        except (ValueError, LookupError) as error:
            problem = f"malformed answer: {error}"
        except RequestFailed:
            self.close()
            raise
        self.close()
        raise RequestFailed(problem)

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None

    async def _exchange(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
        if self._reader is None or self._reader.at_eof() or self._writer.is_closing():
            self.close()
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        if body or method == "PUT":
            lines.append(f"Content-Length: {len(body)}")
        self._writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await self._writer.drain()

        self._answered = False
        response = await self._read_head()
        self._answered = True
        while 100 <= response.status < 200:
            response = await self._read_head()
        if method != "HEAD" and response.status not in (204, 304):
            response.body = await self._read_body(response.headers)
        if response.headers.get("connection", "").lower() == "close":
            self.close()
        return response

    async def _read_head(self) -> Response:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head[:-4].split("\r\n")
        version, status, *_ = status_line.split(" ", 2)
        if version != "HTTP/1.1":
            raise ValueError(f"status line {status_line!r}")
        response = Response(int(status), {})
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise ValueError(f"header line {line!r}")
            if name.lower() == "set-cookie":
                cookie, _, content = value.strip().split(";", 1)[0].partition("=")
                response.cookies[cookie] = content
            else:
                response.headers[name.lower()] = value.strip()
        return response

    async def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await self._read_chunks()
        length = int(headers["content-length"])
        if not 0 <= length <= MAX_BODY:
            raise ValueError(f"Content-Length {length}")
        return await self._reader.readexactly(length)

    async def _read_chunks(self) -> bytes:
        body = bytearray()
        while size := int((await self._reader.readuntil(b"\r\n")).split(b";", 1)[0], 16):
            if len(body) + size > MAX_BODY:
                raise ValueError("the body is too large")
            body += await self._reader.readexactly(size)
            if await self._reader.readexactly(2) != b"\r\n":
                raise ValueError("a chunk does not end where it should")
        while await self._reader.readuntil(b"\r\n") != b"\r\n":
            pass  # trailers
        return bytes(body)
