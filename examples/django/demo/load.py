"""The load: many visitors at a steady rate, in a process of its own (`python -m demo.load --port P`).

It writes a JSON line on stdout every 250 ms with what finished since the last one:
  {"from": T, "to": T, "backends": {NAME: {"count": N, "latency": {BUCKET: N}}},
   "failures": [{"at": T, "request": R, "backend": NAME, "reason": WHY}]}
T is CLOCK_MONOTONIC in seconds, the same for all processes; the buckets are those of demo.histogram. The latencies
leave out the delivery quotes, which take their time by design. A request that got no answer at all has no backend. It
ends on SIGTERM, or when nobody reads any more, after the requests under way are answered.
"""

import argparse
import asyncio
import json
import random
import signal
import sys
import time
from collections import Counter, defaultdict

from demo.histogram import Histogram
from demo.http1 import Connection, RequestFailed, Response
from demo.visitor import Visitor

REPORT_EVERY = 0.25  # seconds
TIMEOUT = 10.0  # seconds for a whole answer
VISIT = (20, 60)  # requests


class Load:
    def __init__(self, options: argparse.Namespace):
        self._options = options
        self._stop = asyncio.Event()
        self._interval = options.visitors / options.rate
        self._since = time.monotonic()
        self._fresh()

    def _fresh(self) -> None:
        self._counts: Counter = Counter()
        self._latency: dict[str, Histogram] = defaultdict(Histogram)
        self._failures: list[dict] = []

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        products = await self._catalog()
        tasks = [asyncio.create_task(self._visits(number, products)) for number in range(self._options.visitors)]
        try:
            while not self._stop.is_set():
                await asyncio.sleep(REPORT_EVERY)
                self._report()
        except BrokenPipeError:
            self.stop()
        await asyncio.gather(*tasks)
        self._report()

    async def _catalog(self) -> list[dict]:
        connection = self._connection()
        try:
            return (await connection.request("GET", "/api/products", {"Host": "shop.example"})).json()["products"]
        finally:
            connection.close()

    def _connection(self) -> Connection:
        return Connection(self._options.host, self._options.port, TIMEOUT)

    async def _visits(self, number: int, products: list[dict]) -> None:
        """One visit after the other, each a new browser, until the load stops."""
        rng = random.Random(number)
        due = time.monotonic() + rng.random() * self._interval
        while not self._stop.is_set():
            visitor = Visitor(self._connection(), products, rng, self._send)
            for _ in range(rng.randint(*VISIT)):
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                if self._stop.is_set():
                    break
                # Who is late does not hurry to catch up: this shows a service at work, it is not a stress test.
                due = max(time.monotonic(), due + self._interval * rng.uniform(0.5, 1.5))
                if not await self._act(visitor):
                    break  # disappointed, the visitor leaves and another one comes
            visitor.connection.close()

    async def _act(self, visitor: Visitor) -> bool:
        try:
            await visitor.act()
            return True
        except RequestFailed as error:
            reason = str(error)
        except (ValueError, LookupError, TypeError) as error:
            reason = f"not the JSON it should be: {type(error).__name__}: {error}"
        self._failures.append(
            {"at": time.monotonic(), "request": visitor.request, "backend": visitor.backend, "reason": reason}
        )
        return False

    async def _send(self, visitor: Visitor, method: str, path: str, body: bytes) -> Response:
        """Makes a request for a visitor, measured from its first byte to the last byte of the answer."""
        visitor.request, visitor.backend = f"{method} {path}", ""
        started = time.monotonic()
        response = await visitor.connection.request(method, path, visitor.headers(), body)
        taken = time.monotonic() - started
        visitor.cookies.update(response.cookies)
        visitor.backend = response.headers.get("x-backend", "")
        if response.status >= 400:
            raise RequestFailed(f"status {response.status}: {' '.join(response.text().split())[:120]}")
        if not visitor.backend:
            raise RequestFailed("the answer has no X-Backend: it is not from the shop")
        self._counts[visitor.backend] += 1
        if not path.endswith("/delivery"):
            self._latency[visitor.backend].add(taken)
        return response

    def _report(self) -> None:
        now = time.monotonic()
        backends = {
            name: {"count": count, "latency": self._latency[name].as_json()} for name, count in self._counts.items()
        }
        print(
            json.dumps({"from": self._since, "to": now, "backends": backends, "failures": self._failures}), flush=True
        )
        self._since = now
        self._fresh()


async def main(options: argparse.Namespace) -> None:
    load = Load(options)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, load.stop)
    await load.run()


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo.load", description="simulated visitors of the shop; reports as JSON lines"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, default=400, help="requests per second, all visitors together")
    parser.add_argument("--visitors", type=int, default=24, help="visitors at the same time, each on a connection")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        asyncio.run(main(parse_options()))
    except RequestFailed as failed:
        sys.exit(f"demo.load: the shop does not answer: {failed}")
    except BrokenPipeError:
        sys.stderr.close()  # nobody reads any more, so there is nobody to tell
