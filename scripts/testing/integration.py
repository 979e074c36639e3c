"""The integration tests, against the programs of one preset, a real kube-apiserver and etcd."""
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from . import cmake
from .layer import ROOT, Counts, LayerError, last_lines, run
from .unit import SANITIZER_ENV

PROGRAMS = ("steelyard-controller", "steelyard-sidecar", "steelyard-capture", "steelyard-vip")
SLOWDOWN = {"asan": "3", "tsan": "5"}


def layer(preset: str, only: str = "", timeout: float = 1500) -> Counts:
    """`only`: a pytest marker expression, for a part of the tests."""
    status, output = run([ROOT / "scripts/build-k8s-tools.sh"], 2400)
    if status != 0:
        raise LayerError(f"scripts/build-k8s-tools.sh failed:\n{last_lines(output)}")
    more = ["bench_origin"] if preset == "release" else []  # the benchmark's programs are part of that preset alone
    cmake.build(preset, *PROGRAMS, *more)
    env = {"STEELYARD_BIN_DIR": str(ROOT / "build" / preset / "bin"), "STEELYARD_K8S_BIN": output.strip().splitlines()[-1],
           "STEELYARD_SLOWDOWN": SLOWDOWN.get(preset, "1"), **SANITIZER_ENV}
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        # The temporary files of the tests stay below one directory, which ends with this run.
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", f"--basetemp={directory}/tests",
                   "tests/integration"] + (["-m", only] if only else [])
        status, output = run(command, timeout, env)
        counts = _count(report)
    if status not in (0, 1) or (status == 1) != (counts.failed > 0):
        counts.fail(f"pytest (exit status {status})", last_lines(output, 80))
    if counts.failed:
        counts.problems = [last_lines(output, 400)]
    return counts


def _count(report: Path) -> Counts:
    counts = Counts()
    if not report.exists():
        return counts
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}.{case.get('name')}"
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            counts.fail(name, "")
        elif skipped is not None:
            counts.skip(name, skipped.get("message", ""))
        else:
            counts.passed += 1
    return counts
