"""Part `kind`: propagation of a change in a real cluster of three nodes, to an injected pod.

tests/e2e/run.py makes the cluster, installs the chart and measures (tests/e2e/harness/propagation.py has the method): first with nothing
else in the cluster, then with 1,000 Services of 10 endpoints.
"""

import json
import os
import subprocess
import sys
import tempfile

import common

RUNNER = os.path.join(common.ROOT, "tests", "e2e", "run.py")
# Envoy Gateway 1.9.1 with Envoy 1.40 on a machine of this kind; 1,000 HTTPRoutes as well in the large cluster.
ENVOY_GATEWAY = {"small": ("11.6", "40.5"), "large": ("277", "386")}


def run(options, _):
    """The part's result. STEELYARD_BENCH_CLUSTER names a cluster that is there and stays."""
    missing = subprocess.run([sys.executable, RUNNER, "missing"], capture_output=True, text=True)
    if missing.returncode != 0 or missing.stdout.strip():
        raise common.CannotRun("this machine lacks " + ", ".join((missing.stdout or missing.stderr).strip().splitlines()))
    services, changes = (100, options.changes) if options.quick else (1000, max(options.changes, 200))
    with tempfile.TemporaryDirectory() as directory:
        output = os.path.join(directory, "result.json")
        name = os.environ.get("STEELYARD_BENCH_CLUSTER")
        command = [sys.executable, RUNNER, *(["--cluster", name] if name else []), "--changes", str(changes), "--services", str(services),
                   "bench", output]
        if subprocess.run(command, stdout=sys.stderr.fileno()).returncode != 0 or not os.path.exists(output):
            raise common.CannotRun("tests/e2e/run.py bench failed; see above")
        with open(output) as source:
            return json.load(source)


def tables(result):
    """The result as [(title, header, lines)]."""
    lines = []
    for size, title in (("small", "nothing else in the cluster"), ("large", "{services} Services of {endpoints} endpoints")):
        row = result[size]
        for start, words in (("from_answer", "write answered"), ("from_sending", "write sent")):
            lines.append([title.format(**row), f"{words} -> first response", *(f"{row[start][key]:.2f}" for key in ("p50_ms", "p99_ms", "max_ms")),
                          row["changes"], row["lost"], f"{row['failed_requests']} of {row['requests']}", " / ".join(ENVOY_GATEWAY[size])])
    return [("Propagation in kind: a new endpoint's first response after the write of its EndpointSlice",
             ["cluster", "from -> to", "p50 ms", "p99 ms", "max ms", "changes", "lost", "failed requests", "Envoy Gateway 1.9 p50 / p99"], lines)]
