#!/usr/bin/env python3
"""Writes docs/values.md: every value of the chart, from the comments in values.yaml and the limits in values.schema.json.

    scripts/values-docs.py            write the file
    scripts/values-docs.py --check    write nothing; status 1 if the file is not what it would write

A comment stands right above its key. A key without one, a comment without a key, or a key that the schema does not know is an error.
"""
import json
import re
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
VALUES = ROOT / "charts" / "steelyard" / "values.yaml"
SCHEMA = ROOT / "charts" / "steelyard" / "values.schema.json"
PAGE = ROOT / "docs" / "values.md"

HEAD = """# Values of the chart

Made from [values.yaml](../charts/steelyard/values.yaml) by `scripts/values-docs.py`. What is given with `--set` or in a file of
`--values` is checked against a schema: an unknown name or an impossible value stops helm with a message that names it. What each
is good for: [install.md](install.md).
"""

# Keys whose children are Kubernetes' own and speak for themselves: they are told as one value.
WHOLE = re.compile(r"\.(resources)$")
OWN_WORDS = {
    "enabled": "Whether there is one.", "labels": "Labels for it.", "annotations": "Annotations for it.",
    "interval": "How often it is scraped.", "repository": "The image, with its registry.",
    "pullPolicy": "When nodes pull the image.", "podAnnotations": "Annotations for the pods.", "podLabels": "Labels for the pods.",
    "priorityClassName": "The pods' priority class.", "nodeSelector": "Labels that a node must have.",
    "tolerations": "Taints that the pods tolerate.",
}


class PageError(Exception):
    pass


def comments(text: str) -> dict:
    """Path of a key -> the comment right above it."""
    found, stack, pending = {}, [], []
    for line in text.splitlines():
        comment = re.match(r" *# ?(.*)", line)
        key = re.match(r"( *)([A-Za-z_]\w*):", line)
        if comment:
            pending.append(comment.group(1))
        elif key:
            depth = len(key.group(1)) // 2
            stack = stack[:depth] + [key.group(2)]
            found[".".join(stack)] = " ".join(pending)
            pending = []
        else:
            pending = []
    return found


def leaves(values: dict, path: str = ""):
    """(path, default) of what a user sets, and (path, None) of a group before its members."""
    for name, value in values.items():
        here = f"{path}.{name}" if path else name
        if isinstance(value, dict) and value and not WHOLE.search(here) and name != "labels":
            yield here, None
            yield from leaves(value, here)
        else:
            yield here, value


def limits(schema: dict, path: str) -> str:
    """The kind of value in a few words."""
    node = schema
    for name in path.split("."):
        node = resolve(schema, node).get("properties", {}).get(name)
        if node is None:
            raise PageError(f"values.yaml: {path}: the schema does not know it")
    reference = node.get("$ref", "").rsplit("/", 1)[-1]
    if reference in ("duration", "durationOrZero"):
        return "duration"
    node = resolve(schema, node)
    if "enum" in node:
        return "one of " + ", ".join(f"`{value}`" for value in node["enum"])
    if "oneOf" in node:
        return " or ".join(sorted({one["type"] for one in node["oneOf"]}))
    if node["type"] == "array":
        return "list"
    if node["type"] == "integer" and "maximum" in node:
        return f"{node.get('minimum', 0)} to {node['maximum']}"
    return {"object": "map", "boolean": "true or false"}.get(node["type"], node["type"])


def resolve(schema: dict, node: dict) -> dict:
    while "$ref" in node:
        node = schema["definitions"][node["$ref"].rsplit("/", 1)[-1]]
    return node


def page() -> str:
    text = VALUES.read_text()
    words, schema = comments(text), json.loads(SCHEMA.read_text())
    lines = [HEAD]
    table = "| value | default | kind | |\n|---|---|---|---|"
    lines += ["## General\n", table]
    for path, default in leaves(yaml.safe_load(text)):
        kind, said = limits(schema, path), words.get(path, "")
        if default is None:
            if "." not in path:
                lines += [f"\n## {path}\n"] + ([said + "\n"] if said else []) + [table]
            elif said:
                lines.append(f"| **{path}** | | | {said} |")
            continue
        name = path.rsplit(".", 1)[-1]
        if not said and name in OWN_WORDS:
            said = OWN_WORDS[name]
        if not said and not WHOLE.search(path):
            raise PageError(f"values.yaml: {path}: no comment above it says what it is")
        shown = json.dumps(default, ensure_ascii=False) if not isinstance(default, str) else default
        said = said or "Requests and limits of the container."
        lines.append(f"| `{path}` | {f'`{shown}`' if shown else ''} | {kind} | {said.replace('|', chr(92) + '|')} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        text = page()
    except PageError as error:
        print(error)
        return 1
    if not check:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        print("docs/values.md is not what values.yaml says. Run scripts/values-docs.py.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
