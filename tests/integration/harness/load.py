"""Constant load: some connections that each ask again and again, and remember every answer and every failure."""
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from .http_client import ConnectionClosed, HttpConnection


@dataclass
class Tally:
    answers: Counter = field(default_factory=Counter)   # by backend
    failures: list = field(default_factory=list)        # (seconds since start, what)

    @property
    def total(self) -> int:
        return sum(self.answers.values())

    def share(self, backend: str) -> float:
        return self.answers[backend] / self.total


class Load:
    """Used as a context; inside it `tally` grows. Requests on `connections` kept-alive connections, with a small pause after each.

    Every `reconnect`-th request uses a new connection, so that accepting is under test as well.
    """

    ENOUGH = 50  # requests below which a test has shown nothing

    def __init__(self, address: tuple[str, int], connections: int = 4, pause: float = 0.004, reconnect: int = 50,
                 path: str = "/"):
        self.address, self.pause, self.reconnect, self.path = address, pause, reconnect, path
        self.tally = Tally()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._start = time.monotonic()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(connections)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        # A test may be over before the load has shown anything.
        deadline = time.monotonic() + 15
        while self.tally.total < self.ENOUGH and not self.tally.failures and time.monotonic() < deadline:
            time.sleep(0.01)
        self._stop.set()
        for thread in self._threads:
            thread.join(15)

    def answers_of(self, backend: str) -> int:
        return self.tally.answers[backend]

    def assert_no_failure(self, at_least: int = ENOUGH):
        failures = self.tally.failures
        assert not failures, f"{len(failures)} of {self.tally.total + len(failures)} requests failed: {failures[:5]}"
        assert self.tally.total >= at_least, f"only {self.tally.total} requests were made: the test shows nothing"

    def _run(self):
        connection, used = None, 0
        while not self._stop.is_set():
            try:
                if connection is None:
                    connection, used = HttpConnection(self.address), 0
                answer = connection.request(self.path)
                used += 1
                self._count(answer)
                if connection.must_close or used >= self.reconnect:
                    connection.close()
                    connection = None
            except (OSError, ConnectionClosed) as error:
                self._fail(f"{type(error).__name__}: {error} (request {used + 1} of its connection)")
                if connection:
                    connection.close()
                connection = None
                self._stop.wait(0.05)
            self._stop.wait(self.pause)
        if connection:
            connection.close()

    def _count(self, answer):
        with self._lock:
            if answer.status == 200:
                self.tally.answers[answer.backend] += 1
            else:
                self.tally.failures.append((round(time.monotonic() - self._start, 3), f"status {answer.status}: {answer.body[:80]!r}"))

    def _fail(self, what: str):
        with self._lock:
            self.tally.failures.append((round(time.monotonic() - self._start, 3), what))


def ask(address: tuple[str, int], requests: int, connections: int = 8, path: str = "/") -> Tally:
    """Exactly so many requests, as fast as they go, over `connections` connections."""
    tally, lock, left = Tally(), threading.Lock(), [requests]

    def take() -> bool:
        with lock:
            left[0] -= 1
            return left[0] >= 0

    def run():
        mine, failures = Counter(), []
        with HttpConnection(address) as connection:
            while take():
                try:
                    answer = connection.request(path)
                except (OSError, ConnectionClosed) as error:
                    failures.append((0, repr(error)))
                    break
                if answer.status == 200:
                    mine[answer.backend] += 1
                else:
                    failures.append((0, f"status {answer.status}"))
        with lock:
            tally.answers.update(mine)
            tally.failures.extend(failures)

    threads = [threading.Thread(target=run) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally
