"""What is known about the traffic: the visitors' figures from the load's reports, the sidecar's from its admin page."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from demo.histogram import Histogram
from demo.http1 import Connection, RequestFailed
from demo.processes import Process


@dataclass
class Window:
    """What the visitors saw between two moments."""

    seconds: float = 0.0
    counts: Counter = field(default_factory=Counter)
    latency: dict[str, Histogram] = field(default_factory=lambda: defaultdict(Histogram))

    def total(self) -> int:
        return self.counts.total()

    def share(self, name: str) -> float:
        """In percent."""
        return 100 * self.counts[name] / max(1, self.total())

    def rate(self, name: str) -> float:
        """Answers per second."""
        return self.counts[name] / self.seconds if self.seconds else 0.0

    def all_latency(self) -> Histogram:
        together = Histogram()
        for histogram in self.latency.values():
            together.merge(histogram)
        return together


class Figures:
    def __init__(self, load: Process):
        self._reports: list[dict] = []
        self._read_to = 0
        self._load = load
        self.failures: list[dict] = []

    def read(self) -> None:
        """Takes in the lines that the load has written since the last call."""
        with self._load.output.open("rb") as output:
            output.seek(self._read_to)
            for line in output:
                if not line.endswith(b"\n"):
                    break
                self._read_to += len(line)
                report = json.loads(line)
                self._reports.append(report)
                self.failures += report["failures"]

    def between(self, start: float, end: float) -> Window:
        """Of the reports that lie wholly between two moments of time.monotonic()."""
        window = Window()
        for report in self._reports:
            if start <= report["from"] and report["to"] <= end:
                window.seconds += report["to"] - report["from"]
                for name, backend in report["backends"].items():
                    window.counts[name] += backend["count"]
                    window.latency[name].merge(Histogram(backend["latency"]))
        return window

    def total(self) -> Window:
        return self.between(0, float("inf"))


@dataclass
class Host:
    """A backend as the sidecar sees it; a backend it does not know is `absent`."""

    state: str = "absent"
    health: str = "-"
    active: int = 0
    requests: int = 0
    failures: int = 0


class Sidecar:
    """Follows the sidecar's /upstreams."""

    POLL_EVERY = 0.1  # seconds

    def __init__(self, admin_port: int, upstream: str):
        self._connection = Connection("127.0.0.1", admin_port, 3)
        self._upstream = upstream
        self._hosts: dict[str, Host] = {}
        self._seen: dict[str, Host] = {}
        self._updated = asyncio.Condition()
        self.problem = ""

    def host(self, address: str) -> Host:
        return self._hosts.get(address, Host())

    def failed_attempts(self) -> int:
        """Attempts on a backend that failed, of hosts present and past; the visitors need not have noticed any."""
        return sum(host.failures for host in self._seen.values())

    async def follow(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(self.POLL_EVERY)

    async def refresh(self) -> None:
        try:
            response = await self._connection.request("GET", "/upstreams", {"Host": "sidecar"})
            if response.status != 200:
                raise RequestFailed(f"status {response.status}")
            self._hosts = self._parse(response.json())
            self._seen |= self._hosts
            self.problem = ""
        except (RequestFailed, ValueError, LookupError, TypeError) as error:
            self.problem = f"/upstreams: {error}"
        async with self._updated:
            self._updated.notify_all()

    def _parse(self, answer: dict) -> dict[str, Host]:
        for upstream in answer["upstreams"]:
            if upstream["name"] == self._upstream:
                names = Host.__dataclass_fields__
                return {host["address"]: Host(**{name: host[name] for name in names}) for host in upstream["hosts"]}
        return {}

    async def until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Waits for a condition on the hosts; false when it did not come about in time."""
        deadline = time.monotonic() + timeout
        while not condition():
            async with self._updated:
                try:
                    await asyncio.wait_for(self._updated.wait(), max(0.0, deadline - time.monotonic()))
                except TimeoutError:
                    return condition()
        return True
