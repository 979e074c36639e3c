"""The unit tests (the golden translations among them): every GoogleTest program of a preset, as many at once as there are cores."""
import json
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import cmake
from .layer import ROOT, Counts, LayerError, last_lines, run

# A sanitizer's word is the last: it ends the program, and the program's failure is the layer's.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


# The file says why. What leaks is told of the unit tests without exception.
UNIT_ENV = {**SANITIZER_ENV, "TSAN_OPTIONS": f"{SANITIZER_ENV['TSAN_OPTIONS']}:suppressions={ROOT / 'tests/integration/tsan.supp'}"}


def run_program(program: Path, timeout: float) -> Counts:
    """One GoogleTest program. A crash is one failure more than the tests that it had counted."""
    counts = Counts()
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.json"
        status, output = run([program, f"--gtest_output=json:{report}", "--gtest_brief=1"], timeout, UNIT_ENV,
                             cwd=Path(directory))
        cases = _cases(report)
    for name, case in cases:
        if case.get("failures"):
            counts.fail(f"{program.name} {name}", "\n".join(one["failure"] for one in case["failures"]))
        elif case.get("result") == "SKIPPED" or case.get("status") == "NOTRUN":
            counts.skip(f"{program.name} {name}", "the test skipped itself")
        else:
            counts.passed += 1
    if status != 0 and not counts.failed:
        counts.fail(f"{program.name} (exit status {status})", last_lines(output))
    elif not cases:
        counts.fail(program.name, f"it ran no test\n{last_lines(output)}")
    return counts


def _cases(report: Path) -> list:
    try:
        suites = json.loads(report.read_text())["testsuites"]
    except (OSError, ValueError, KeyError):
        return []
    return [(f"{suite['name']}.{case['name']}", case) for suite in suites for case in suite["testsuite"]]


def layer(preset: str, timeout: float = 300) -> Counts:
    cmake.build(preset, "all_unit_tests")
    programs = cmake.programs_of(preset, "all_unit_tests", "test_")
    if not programs:
        raise LayerError(f"preset {preset} has no unit test")
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return sum(pool.map(lambda program: run_program(program, timeout), programs), Counts())
