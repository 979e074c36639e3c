"""Tables for people, JSON for programs, and where a run was made."""

import datetime
import json
import os
import platform
import subprocess

import common

RESULTS = os.path.join(common.ROOT, "bench", "results")


def table(title, header, lines):
    """A Markdown table whose columns line up on a terminal as well: what is printed can go into docs/performance.md."""
    cells = [header, *lines]
    widths = [max(len(str(row[i])) for row in cells) for i in range(len(header))]

    def line(row):
        first = str(row[0]).ljust(widths[0])
        return "| " + " | ".join([first, *(str(cell).rjust(width) for cell, width in zip(row[1:], widths[1:]))]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return "\n".join([f"\n{title}", "", line(header), rule, *map(line, lines)])


def percentile(values, share):
    """The smallest value that at least `share` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)]


def _first_line(command):
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=10)
        return (ended.stdout or ended.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return None


def _version(find, *flags):
    try:
        return _first_line([find(), *flags])
    except common.CannotRun:
        return None


def _processor():
    with open("/proc/cpuinfo") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def environment():
    """What one has to know to compare two runs. No names of machines or people."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": _first_line(["git", "-C", common.ROOT, "describe", "--always", "--dirty"]),
        "kernel": platform.release(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "versions": {
            "steelyard": _version(lambda: common.product("steelyard-sidecar"), "--version"),
            "haproxy": _version(lambda: common.installed("haproxy", ""), "-v"),
            "nginx": _version(lambda: common.installed("nginx", ""), "-v"),
            "envoy": _version(common.envoy, "--version"),
            "keepalived": _version(lambda: common.installed("keepalived", ""), "--version"),
            "wrk": _version(lambda: common.installed("wrk", ""), "-v"),
        },
    }


def write(result):
    """Writes the JSON below bench/results/; returns its path."""
    os.makedirs(RESULTS, exist_ok=True)
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%d-%H%M%S")
    path = os.path.join(RESULTS, f"{stamp}.json")
    with open(path, "w") as target:
        json.dump(result, target, indent=2)
        target.write("\n")
    return path
