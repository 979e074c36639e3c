#!/usr/bin/env python3
"""Measures Steelyard: propagation of a change, CPU per request beside other proxies, memory and time to sync, fail-over of virtual IPs.

    bench/run.py [--only PART,... | --only kind] [--rounds N] [--changes N] [--failovers N] [--quick] [--output FILE]
    bench/run.py --show FILE

Prints tables (Markdown) and writes JSON into bench/results/; --show prints the tables of such a file again. A part that cannot run here is reported by name, with the reason, and the exit
status is 1 when no part could. docs/performance.md has the method and what is needed. Standard library only.
"""

import argparse
import importlib
import json
import os
import resource
import signal
import sys

import cluster
import common
import netns
import report
import workloads

PARTS = ["cpu", "shapes", "latency", "idle", "instructions", "propagation", "memory", "failover"]
# Only when asked for: a kind cluster takes minutes to make. In no network namespace of ours, and so with no other part.
KIND = "kind"


def parse(arguments):
    parser = argparse.ArgumentParser(description="Measures Steelyard; see docs/performance.md.")
    parser.add_argument("--only", default=",".join(PARTS), metavar="PART,...", help=f"of {', '.join(PARTS)}; default: all; or {KIND} by itself")
    parser.add_argument("--rows", default="", metavar="ROW,...", help="only these rows of the parts cpu and shapes: "
                        + ", ".join(each.key for each in workloads.ALL))
    parser.add_argument("--rounds", type=int, help="rounds of the parts cpu and shapes (default 3; 1 with --quick)")
    parser.add_argument("--changes", type=int, help="changes of the propagation part (default 100; 20 with --quick)")
    parser.add_argument("--failovers", type=int, help="rounds of the part failover (default 20; 2 with --quick)")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter: shows that it works, not how fast it is")
    parser.add_argument("--output", metavar="FILE", help="write the JSON here instead of into bench/results/")
    parser.add_argument("--show", metavar="FILE", help="print the tables of this JSON file and measure nothing")
    options = parser.parse_args(arguments)
    options.only = [part.strip() for part in options.only.split(",") if part.strip()]
    if options.only != [KIND]:
        for part in options.only:
            if part not in PARTS:
                parser.error(f"--only: there is no part '{part}'; there are {', '.join(PARTS)}, and {KIND} by itself")
    options.rows = [row.strip() for row in options.rows.split(",") if row.strip()]
    for row in options.rows:
        if row not in [each.key for each in workloads.ALL]:
            parser.error(f"--rows: there is no row '{row}'")
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.changes = options.changes or (20 if options.quick else 100)
    options.failovers = options.failovers or (2 if options.quick else 20)
    if options.rounds < 1 or options.changes < 1 or options.failovers < 1:
        parser.error("--rounds, --changes and --failovers are at least 1")
    return options


def allow_many_files():
    """5,000 clients need 10,000 sockets in a proxy, and children inherit the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard == resource.RLIM_INFINITY else min(hard, 65536), hard))


def run_part(part, options, clusters, result):
    """Runs one part, prints its tables and puts it, or why there is none, into `result`."""
    module = importlib.import_module(part)
    try:
        found = module.run(options, clusters)
    except common.CannotRun as reason:
        result["not_run"][part] = str(reason)
        return
    result["parts"][part] = found
    show_part(part, module, found)


def show_part(part, module, found):
    for each in module.tables(found):
        print(report.table(*each), flush=True)
    for name, reason in found.get("not_measured", {}).items():
        print(f"\n{part}: {name} not measured: {reason}", flush=True)


def show(path):
    """The tables of an earlier run. Returns the exit status."""
    try:
        with open(path) as source:
            parts = json.load(source)["parts"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"{path}: not a result of bench/run.py: {error!r}", file=sys.stderr)
        return 2
    for part in [name for name in [*PARTS, KIND] if name in parts]:
        show_part(part, importlib.import_module(part), parts[part])
    return 0


def main():
    options = parse(sys.argv[1:])
    if options.show:
        return show(options.show)
    if options.only != [KIND]:
        netns.enter()
    allow_many_files()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every `with` ends its programs
    result = {"quick": options.quick, "environment": report.environment(), "parts": {}, "not_run": {}}
    with cluster.Shared() as clusters:
        for part in [name for name in [*PARTS, KIND] if name in options.only]:
            run_part(part, options, clusters, result)
    for part, reason in result["not_run"].items():
        print(f"\n{part}: NOT RUN: {reason}")
    if options.output:
        with open(options.output, "w") as target:
            json.dump(result, target, indent=2)
            target.write("\n")
    print(f"\nwritten: {os.path.relpath(options.output or report.write(result))}")
    return 0 if result["parts"] else 1


if __name__ == "__main__":
    sys.exit(main())
