"""What a program shows on /metrics, and what docs/observability.md says that it shows: both as {name: (type, labels)}."""
import re
from pathlib import Path

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/observability.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|$", re.M)
SAMPLE = re.compile(r"^([a-zA-Z_:]\w*)(?:\{(.*)\})? \S+$", re.M)
LABEL = re.compile(r'(\w+)="(?:[^"\\]|\\.)*"')


def documented(text: str | None = None) -> dict:
    rows = ROW.findall(DOCUMENT.read_text() if text is None else text)
    names = [row[0] for row in rows]
    twice = {name for name in names if names.count(name) > 1}
    assert not twice, f"described twice: {sorted(twice)}"
    for name, _, unit, _, meaning, when in rows:
        assert unit.strip() and meaning.strip() and when.strip(), f"{name}: a column is empty"
    return {name: (kind, frozenset(filter(None, re.split(r",\s*", labels.strip())))) for name, kind, _, labels, _, _ in rows}


def shown(*expositions: str) -> dict:
    """Of several programs together. Requires a HELP and a TYPE line before the samples of each, as promtool does."""
    found = {}
    for text in expositions:
        kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
        helped = set(re.findall(r"^# HELP (\w+) \S.*$", text, re.M))
        assert kinds.keys() == helped, f"HELP or TYPE is missing: {sorted(kinds.keys() ^ helped)}"
        for sample, labels in SAMPLE.findall(text):
            name = _family(sample, kinds)
            names = frozenset(LABEL.findall(labels)) - ({"le"} if kinds[name] == "histogram" else set())
            kind, before = found.get(name, (kinds[name], names))
            assert kind == kinds[name], f"{name} is a {kind} and a {kinds[name]}"
            assert before == names, f"{name} has the labels {sorted(before)} and {sorted(names)}"
            found[name] = (kind, names)
    return found


def _family(sample: str, kinds: dict) -> str:
    for end in ("_bucket", "_sum", "_count"):
        if kinds.get(sample.removesuffix(end)) == "histogram":
            return sample.removesuffix(end)
    assert sample in kinds, f"{sample} has no TYPE line"
    return sample
