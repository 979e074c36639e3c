"""The end-to-end tests: a kind cluster made, filled, tested and deleted by tests/e2e/run.py."""
import subprocess
import sys
import tempfile
from pathlib import Path

from . import cmake
from .integration import _count as count_report
from .layer import ROOT, Counts, LayerError, last_lines, run, say

RUNNER = ROOT / "tests/e2e/run.py"


def layer(timeout: float = 2400) -> Counts:
    missing = subprocess.run([sys.executable, RUNNER, "missing"], stdout=subprocess.PIPE, text=True)
    if missing.returncode != 0:
        raise LayerError(f"{RUNNER} missing: exit status {missing.returncode}")
    if missing.stdout.strip():
        counts = Counts()
        counts.skip("e2e", "this machine lacks " + ", ".join(missing.stdout.strip().splitlines()))
        return counts
    cmake.build("release", "steelyard-controller", "steelyard-sidecar", "steelyard-capture", "steelyard-vip", "steelyard-e2e")
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        status, output = run([sys.executable, RUNNER, "test", "tests/e2e", f"--junitxml={report}"], timeout)
        counts = count_report(report)
    if status != 0 and not counts.failed:
        counts.fail(f"tests/e2e/run.py (exit status {status})", last_lines(output, 80))
    elif counts.failed:
        counts.problems = [last_lines(output, 400), f"logs of the cluster: {ROOT / 'build/e2e-logs'}"]
    for line in output.splitlines():
        # Figures that are worth reading every time: how long the installation took, and every run that must not fail.
        if "requests failed in" in line or "helm install:" in line or "without a failure" in line or "cluster steelyard" in line:
            say(f"  {line.strip()}")
    return counts
