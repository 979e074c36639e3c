"""A real Prometheus that scrapes programs under test, with the labels that a cluster would give them, and evaluates our rules."""
import json
from pathlib import Path

import yaml

from . import network
from .http_client import get
from .processes import Process
from .wait import eventually

CHART = Path(__file__).parents[3] / "charts/steelyard"


class Prometheus(Process):
    """`targets`: (Program, labels) pairs. Scrapes and evaluates once a second."""

    def __init__(self, directory: Path, targets: list, name: str = "prometheus"):
        self.address = ("127.0.0.1", network.free_port())
        self.targets = targets
        config = directory / f"{name}.yml"
        config.write_text(yaml.safe_dump({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in sorted((CHART / "rules").glob("*.yaml"))],
            "scrape_configs": [{"job_name": "steelyard", "static_configs": [
                {"targets": ["%s:%d" % program.admin], "labels": labels} for program, labels in targets]}]}))
        super().__init__(name, ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory / name}",
                                f"--web.listen-address={self.url.removeprefix('http://')}", "--storage.tsdb.retention.time=1h",
                                "--log.level=warn"], directory)

    @property
    def url(self) -> str:
        return "http://%s:%d" % self.address

    def wait_scraping(self):
        """Until every target was scraped without an error."""
        def up():
            assert self.running(), f"{self.name} ended:\n{self.tail()}"
            try:
                targets = json.loads(get(self.address, "/api/v1/targets").body)["data"]["activeTargets"]
            except (OSError, ValueError, KeyError) as error:
                raise AssertionError(f"not answering yet: {error}") from None
            assert len(targets) == len(self.targets) and all(one["health"] == "up" for one in targets), targets
            return True
        eventually(up, 30, "all targets are scraped")
        return self

    def rule_problems(self) -> list:
        groups = json.loads(get(self.address, "/api/v1/rules").body)["data"]["groups"]
        return [f"{rule['name']}: {rule['lastError']}" for group in groups for rule in group["rules"] if rule.get("lastError")]

    def alerts(self) -> dict:
        """State ("pending", "firing") by name, of all that are not inactive."""
        return {one["labels"]["alertname"]: one["state"] for one in json.loads(get(self.address, "/api/v1/alerts").body)["data"]["alerts"]}
