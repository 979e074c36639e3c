"""Dashboards and rules as files: what promtool says, and what Grafana would stumble over. That they have answers is shown by
tests/integration/test_observability.py and, in a cluster, by tests/e2e."""
import json
import re
import sys

import yaml

from .layer import ROOT, Counts, run

CHART = ROOT / "charts" / "steelyard"
RULES = CHART / "rules"
RULE_TESTS = ROOT / "tests" / "observability" / "rules"
RUNBOOK = "docs/troubleshooting.md"

sys.path.insert(0, str(ROOT / "tests" / "observability"))
sys.path.insert(0, str(ROOT / "scripts"))


def layer() -> Counts:
    counts = Counts()
    rules(counts)
    runbooks(counts)
    dashboards(counts)
    return counts


def rules(counts: Counts):
    for path in sorted(RULES.glob("*.yaml")):
        status, output = run(["promtool", "check", "rules", "--lint-fatal", path], 60)
        counts.check(f"promtool check rules {path.name}", status == 0, output)
    for path in sorted(RULE_TESTS.glob("*.yaml")):
        status, output = run(["promtool", "test", "rules", path], 120)
        counts.check(f"promtool test rules {path.name}", status == 0, output)
    cases = [case for path in sorted(RULE_TESTS.glob("*.yaml")) for case in yaml.safe_load(path.read_text())["tests"]]
    names = " ".join(case.get("name", "") for case in cases)
    for rule in alerts():
        name = rule["alert"]
        for what in ("fires", "is quiet"):
            counts.check(f"a test where {name} {what}", f"{name} {what}:" in names, f"none in {RULE_TESTS}")
        counts.check(f"{name} says when, how bad, what and why", bool(
            rule.get("for") and rule["labels"].get("severity") in ("info", "warning", "critical")
            and {"summary", "description", "runbook"} <= rule["annotations"].keys()), str(rule))


def alerts() -> list:
    return [rule for path in sorted(RULES.glob("*.yaml")) for group in yaml.safe_load(path.read_text())["groups"]
            for rule in group["rules"] if "alert" in rule]


def runbooks(counts: Counts):
    """Each alert leads to a section that exists."""
    headings = {_anchor(line) for line in (ROOT / RUNBOOK).read_text().splitlines() if line.startswith("#")}
    for rule in alerts():
        document, _, anchor = rule["annotations"]["runbook"].partition("#")
        counts.check(f"runbook of {rule['alert']}", document == RUNBOOK and anchor in headings, f"{RUNBOOK} has no heading #{anchor}")


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lstrip("# ").lower()).replace(" ", "-")


def dashboards(counts: Counts):
    from answers import panels
    from dashboards.__main__ import stale
    counts.check("dashboards are what scripts/dashboards writes", not stale(), f"stale: {stale()}; run python3 -m dashboards in scripts/")
    boards = {path.name: json.loads(path.read_text()) for path in sorted((CHART / "dashboards").glob("*.json"))}
    counts.check("uids of dashboards are unlike", len({board["uid"] for board in boards.values()}) == len(boards) == 4, str(list(boards)))
    for name, board in boards.items():
        faults = [fault for panel in panels(board) for fault in faults_of(panel)] + faults_of_board(board)
        counts.check(f"dashboard {name}", not faults, "\n".join(faults))


def faults_of_board(board: dict) -> list:
    faults = []
    ids = [panel["id"] for panel in board["panels"]]
    if len(set(ids)) != len(ids):
        faults.append("two panels have one id")
    if not any(one["type"] == "datasource" for one in board["templating"]["list"]):
        faults.append("there is no variable for the data source")
    names = {one["name"] for one in board["templating"]["list"]} | {"__rate_interval", "__data", "__range"}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps([panel.get("targets", []) for panel in board["panels"]])))
    faults += [f"the variable ${one} does not exist" for one in sorted(used - names)]
    squares = {}
    for panel in board["panels"]:
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            faults.append(f"{panel['title']}: wider than the page")
        for square in ((x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])):
            if squares.setdefault(square, panel["title"]) != panel["title"]:
                faults.append(f"{panel['title']} lies over {squares[square]}")
    return sorted(set(faults))


def faults_of(panel: dict) -> list:
    faults = []
    if not panel.get("description"):
        faults.append("no description")
    if not panel.get("targets") or not all(target.get("expr") for target in panel["targets"]):
        faults.append("no expression")
    if not (panel["fieldConfig"]["defaults"].get("unit") or panel["type"] == "heatmap"):
        faults.append("no unit")
    sources = [panel.get("datasource")] + [target.get("datasource") for target in panel.get("targets", [])]
    if any(source != {"type": "prometheus", "uid": "${datasource}"} for source in sources):
        faults.append("a data source that is not the variable")
    return [f"{panel['title']}: {fault}" for fault in faults]
