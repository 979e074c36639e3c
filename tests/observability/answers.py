"""Asks a Prometheus for every expression of every dashboard and rule, as Grafana and the rules would: an answer is required.

    from answers import check, report
    answers = check(query, {"namespace": ".*", "upstream": "shop/web:http"})
    assert not report(answers), report(answers)

`query(expression)` returns the "data" of /api/v1/query, or raises. An alert's expression has no answer while all is well; of it, what
is compared is asked for, without the comparison: an alert whose metric does not exist can never fire.
"""
import json
import math
import re
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts/steelyard"
EDGE = "virtual-ips."  # how the names of those files begin
BUILT_IN = {"__rate_interval": "1m", "__interval": "15s", "__range": "15m"}


@dataclass
class Answer:
    where: str       # "overview.json, panel Requests"
    expression: str  # as it is written
    asked: str       # as it was asked
    samples: int = 0
    numbers: int = 0  # of these, those that are not NaN
    example: str = ""
    error: str = ""

    @property
    def problem(self) -> str:
        if self.error:
            return self.error
        if not self.samples:
            return "no answer"
        return "" if self.numbers else "nothing but NaN"


def over_http(base: str, timeout: float = 20):
    """A `query` for check(), from the address of a Prometheus: http://127.0.0.1:9090."""
    def query(expression: str) -> dict:
        with urllib.request.urlopen(f"{base}/api/v1/query?{urllib.parse.urlencode({'query': expression})}", timeout=timeout) as reply:
            return json.load(reply)["data"]
    return query


def check(query, variables: dict, chart: Path = CHART, edge: bool = False) -> list:
    """Every expression's Answer. `variables`: a value for each variable of the dashboards, and for BUILT_IN ones where wanted. `edge`:
    those about virtual IPs, which have answers only where there is an edge, instead of all others."""
    return [ask(query, where, expression, variables) for where, expression in expressions(chart) if where.startswith(EDGE) == edge]


def report(answers: list) -> str:
    """What has no answer, a paragraph each; "" when all is well."""
    return "\n".join(f"{one.where}: {one.problem}\n    {one.asked}" for one in answers if one.problem)


def expressions(chart: Path = CHART) -> list:
    """(where, expression) of all dashboards and rules."""
    found = []
    for path in sorted((chart / "dashboards").glob("*.json")):
        found += [(f"{path.name}, {where}", text) for where, text in of_dashboard(json.loads(path.read_text()))]
    for path in sorted((chart / "rules").glob("*.yaml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                found += [(f"{path.name}, {rule.get('alert') or rule.get('record')}", part) for part in of_rule(rule)]
    assert len(found) > 100, f"only {len(found)} expressions below {chart}: is it the chart?"
    return found


def of_dashboard(board: dict) -> list:
    found = []
    for one in board["templating"]["list"]:
        if one["type"] == "query":
            selector, label = re.fullmatch(r"label_values\((.*),\s*(\w+)\)", one["definition"], re.S).groups()
            found.append((f"variable {one['name']}", f"count by ({label}) ({selector})"))
    for panel in panels(board):
        found += [(f"panel {panel['title']}", target["expr"]) for target in panel.get("targets", [])]
    return found


def panels(board: dict) -> list:
    """All but rows, those inside of collapsed rows too."""
    outer = [panel for panel in board["panels"] if panel["type"] != "row"]
    return outer + [inner for row in board["panels"] if row["type"] == "row" for inner in row.get("panels", [])]


def of_rule(rule: dict) -> list:
    if "record" in rule:
        return [rule["expr"]]
    return [_compared(part) for part in _split(rule["expr"], r"\s(?:and|or|unless)\s")]


def _compared(text: str) -> str:
    """The left side of a comparison; of absent(x), x."""
    left = _split(text, r"\s(?:==|!=|>=|<=|>|<)\s")[0].strip()
    absent = re.fullmatch(r"absent\((.*)\)", left, re.S)
    return absent.group(1) if absent else left


def _split(text: str, operator: str) -> list:
    """Splits at operators that are in no bracket and no string."""
    parts, depth, quoted, start, i = [], 0, "", 0, 0
    while i < len(text):
        char = text[i]
        if quoted:
            quoted = "" if char == quoted else quoted
        elif char in "\"'`":
            quoted = char
        elif char in "([{":
            depth += 1
        elif char in ")]}":
            depth -= 1
        elif depth == 0 and (hit := re.compile(operator).match(text, i)):
            parts.append(text[start:i])
            start = i = hit.end()
            continue
        i += 1
    return parts + [text[start:]]


def ask(query, where: str, expression: str, variables: dict) -> Answer:
    asked = re.sub(r"\$\{?(\w+)(?::\w+)?\}?", lambda hit: _value(hit.group(1), variables, where), expression)
    answer = Answer(where, expression, asked)
    try:
        data = query(asked)
    except urllib.error.HTTPError as error:
        answer.error = f"refused: {error.read().decode(errors='replace')[:300]}"
        return answer
    except (OSError, ValueError, KeyError) as error:
        answer.error = f"not asked: {type(error).__name__}: {error}"
        return answer
    samples = [({}, data["result"])] if data["resultType"] == "scalar" else [(one["metric"], one["value"]) for one in data["result"]]
    numbers = [(labels, value) for labels, (_, value) in samples if not math.isnan(float(value))]
    answer.samples, answer.numbers = len(samples), len(numbers)
    if numbers:
        labels, value = max(numbers, key=lambda one: float(one[1]))
        names = ", ".join(f"{name}={text}" for name, text in labels.items() if name not in ("job", "instance", "__name__"))
        answer.example = f"{float(value):.4g}" + (f" ({names})" if names else "")
    return answer


def _value(name: str, variables: dict, where: str) -> str:
    both = {**BUILT_IN, **variables}
    assert name in both, f"{where}: nobody gives a value for the variable ${name}"
    return both[name]
