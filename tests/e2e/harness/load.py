"""Loads inside the cluster, with exact counts. Every request of a session is remembered, for the sum at its end."""
import contextlib
import itertools
import json

from . import kubectl
from .machine import say
from .objects import PROGRAM

_numbers = itertools.count(1)
zero_failure_runs: list[tuple[str, int]] = []  # (what was done meanwhile, requests)


class Load:
    """A load in the container `app` of a pod, from the constructor to finish()."""

    def __init__(self, namespace: str, pod: str, url: str, rate: float = 300, connections: int = 8, **options):
        self.namespace, self.pod, self.url = namespace, pod, url
        self._file = f"/tmp/load-{next(_numbers)}.json"
        more = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        self._process = self._exec("load", "--url", url, "--rate", rate, "--connections", connections, "--report", self._file,
                                   *more, "--detach").strip()

    def _exec(self, *words) -> str:
        return kubectl.run("exec", "-n", self.namespace, self.pod, "-c", "app", "--", PROGRAM, *words)

    def finish(self) -> dict:
        # The API server may be on its way back.
        text = kubectl.until(lambda: self._exec("finish", self._process, self._file), f"the report of the load in {self.pod}", 60)
        report = json.loads(text)
        assert "error" not in report, f"the load on {self.url} in {self.pod} did not run: {report['error']}"
        return report

    def finish_when_done(self) -> dict:
        """For a load with an end of its own (`seconds`)."""
        kubectl.until(lambda: kubectl.run("exec", "-n", self.namespace, self.pod, "-c", "app", "--", "ls", self._file),
                      f"the end of the load in {self.pod}", 60)
        return self.finish()


def start(client: "Client", rate: float = 300, **options) -> Load:
    return Load(client.namespace, client.pod, client.url, rate, **options)


class Client:
    """A pod with a sidecar and the URL that it is to be asked for."""

    def __init__(self, namespace: str, pod: str, url: str):
        self.namespace, self.pod, self.url = namespace, pod, url

    def get(self, url: str = "", tries: int = 1) -> str:
        """The name of the backend that answered."""
        return kubectl.run("exec", "-n", self.namespace, self.pod, "-c", "app", "--", PROGRAM, "get", url or self.url,
                           "--tries", tries).strip()

    def __repr__(self):
        return f"{self.pod} -> {self.url}"


@contextlib.contextmanager
def without_a_failure(what: str, *clients: Client, rate: float = 400, **options):
    """Keeps every client under load during the block, and requires of all of them: not one request failed. Yields the reports,
    which are there after the block."""
    loads = [start(client, rate, **options) for client in clients]
    reports: list[dict] = []
    try:
        yield reports
    finally:
        reports.extend(load.finish_when_done() if "seconds" in options else load.finish() for load in loads)
        for load, report in zip(loads, reports):
            say(f"    {what}: {load.pod}: {report['failures']} of {report['requests']} requests failed in {report['seconds']:.0f} s "
                f"(p50 {report['p50_ms']:.1f}, p99 {report['p99_ms']:.1f}, max {report['max_ms']:.0f} ms)"
                + (f" {report['reasons']}" if report["failures"] else ""))
    for load, report in zip(loads, reports):
        assert report["requests"] > 0, f"{what}: the load in {load.pod} made no request"
        assert report["failures"] == 0, \
            f"{what}: {report['failures']} of {report['requests']} requests of {load.pod} failed: {report['reasons']}, first: {report['first_failures'][:5]}"
    zero_failure_runs.append((what, sum(report["requests"] for report in reports)))


def shares(report: dict) -> dict[str, float]:
    """Each backend's share of the answers."""
    total = sum(report["backends"].values())
    return {name: count / total for name, count in report["backends"].items()}
