#!/usr/bin/env python3
"""The cache against the npm package http-cache-tests: an origin of the suite's, the proxy before it, the suite's client before that.

    tests/conformance/http_cache.py [--bin DIR] [--rows FILE]

Prints a table by group, and each required test that fails. Ends with 1 when a test fails that http_cache_expected.txt does not name, or
passes though it is named there; with 0 and a word when node or npm is missing, or the package cannot be had. Needs a minute; the package is
kept below ${STEELYARD_CACHE:-~/.cache/steelyard}.
"""
import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = Path(os.environ.get("STEELYARD_CACHE", Path.home() / ".cache/steelyard")) / "http-cache-tests"
PACKAGES = ("http-cache-tests@0.4.5", "node-fetch@2.7.0")
BOUND = 300  # seconds for the whole run


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--bin", type=Path, default=ROOT / "build/release/bin", help="where steelyard-sidecar is")
    arguments.add_argument("--rows", type=Path, help="write what came of each test there, as JSON")
    options = arguments.parse_args()
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            print(f"SKIPPED http-cache-tests: {tool} is not installed")
            return 0
    if not install():
        print("SKIPPED http-cache-tests: the npm package cannot be had")
        return 0
    with tempfile.TemporaryDirectory() as directory:
        rows = run(options.bin / "steelyard-sidecar", Path(directory))
    if options.rows:
        options.rows.write_text(json.dumps(rows, indent=1) + "\n")
    return report(rows)


def install() -> bool:
    if (CACHE / "node_modules/http-cache-tests").is_dir() and (CACHE / "node_modules/node-fetch").is_dir():
        return True
    CACHE.mkdir(parents=True, exist_ok=True)
    # The suite names npm itself among what it needs; of its own code nothing uses it.
    for package in PACKAGES:
        packed = subprocess.run(["npm", "pack", "--silent", package], cwd=CACHE, stdout=subprocess.PIPE, text=True)
        if packed.returncode:
            return False
        name = package.rsplit("@", 1)[0]
        target = CACHE / "node_modules" / name
        target.mkdir(parents=True, exist_ok=True)
        archive = packed.stdout.split()[-1]
        subprocess.run(["tar", "xzf", archive, "--strip-components=1", "-C", str(target)], cwd=CACHE, check=True)
    done = subprocess.run(["npm", "install", "--silent", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "whatwg-url@5"],
                          cwd=CACHE / "node_modules/node-fetch")
    return done.returncode == 0


def run(program: Path, directory: Path) -> list:
    origin_port, port = free_port(), free_port()
    config = directory / "config.json"
    config.write_text(json.dumps({"type": "snapshot", "version": "file.1", "upsert": [
        {"kind": "listener", "name": "cache", "address": "127.0.0.1", "port": port, "protocol": "http", "upstream": "test/origin:http"},
        {"kind": "upstream", "name": "test/origin:http", "protocol": "http", "policy": {"http": {"cache": {}}}},
        {"kind": "endpoints", "upstream": "test/origin:http", "slice": "origin-1",
         "endpoints": [{"address": "127.0.0.1", "port": origin_port}]}]}))
    environment = dict(os.environ, npm_config_protocol="http", npm_config_port=str(origin_port), npm_config_pidfile=str(directory / "pid"))
    origin = subprocess.Popen(["node", "server/server.mjs"], cwd=CACHE / "node_modules/http-cache-tests", env=environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    proxy = subprocess.Popen([program, "--config", config, "--admin-listen", "127.0.0.1:0", "--workers", "2"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_listening(origin_port)
        wait_listening(port)
        client = subprocess.run(["node", "--no-warnings", HERE / "http_cache_tests.mjs", CACHE, f"http://127.0.0.1:{port}"],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=BOUND, check=True)
    finally:
        for process in (proxy, origin):
            process.terminate()
            process.wait()
    return json.loads(client.stdout)


def report(rows: list) -> int:
    kinds = ("required", "optimal", "check")
    passed, total = Counter(), Counter()
    for row in rows:
        total[row["group"], row["kind"]] += 1
        passed[row["group"], row["kind"]] += row["passed"]
    print("| group | required | optimal | behaviour seen |\n|---|---|---|---|")
    for group in dict.fromkeys(row["group"] for row in rows):
        print(f"| {group} | " + " | ".join(f"{passed[group, kind]}/{total[group, kind]}" if total[group, kind] else "" for kind in kinds) + " |")
    sums = [f"{sum(n for (_, k), n in passed.items() if k == kind)}/{sum(n for (_, k), n in total.items() if k == kind)}" for kind in kinds]
    print("| **all** | " + " | ".join(sums) + " |")
    expected = {line.split()[0] for line in (HERE / "http_cache_expected.txt").read_text().splitlines() if line and not line.startswith("#")}
    failed = {row["id"]: row for row in rows if row["kind"] == "required" and not row["passed"]}
    for name, row in failed.items():
        print(f"{'expected to fail' if name in expected else 'FAILED'}: {name} ({row['name']}): {row['why']}")
    mended = expected & {row["id"] for row in rows if row["passed"]}
    for name in sorted(mended):
        print(f"passes, but http_cache_expected.txt names it: {name}")
    return 1 if set(failed) - expected or mended else 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_listening(port: int):
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


if __name__ == "__main__":
    sys.exit(main())
