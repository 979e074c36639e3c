#!/usr/bin/env python3
"""Runs the tests, quick layers first, and ends with one line: N passed, N failed, N skipped.

    scripts/test.py                  all layers, as `make test` does
    scripts/test.py unit asan ...    only these: lint charts observability unit fuzz asan tsan integration integration-asan
                                     integration-tsan conformance demo e2e
    scripts/test.py --list           their names and what each does

Ends with status 1 if a test failed or a layer could not run. Meant to run in the virtual environment that scripts/bootstrap.sh
makes; `make test` sees to both.
"""
import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from testing import charts, cmake, conformance, demo, e2e, fuzz, integration, lint, observability, unit  # noqa: E402
from testing.layer import Counts, LayerError, say  # noqa: E402

DEMO_SECONDS = int(os.environ.get("DEMO_SECONDS", "30"))
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "10"))
FUZZ_RUNS = int(os.environ.get("FUZZ_RUNS") or "0")
FUZZ_TARGETS = os.environ.get("FUZZ_TARGETS", "")

LAYERS = {
    "lint": ("formatting, headers that compile alone, scripts that parse", lint.layer),
    "charts": ("the chart: lint, schemas, refused values, helm-unittest, kube-score, manifests", charts.layer),
    "observability": ("dashboards and alert rules: promtool, a test of each alert, runbooks", observability.layer),
    "unit": ("unit tests and golden translations, preset release", lambda: unit.layer("release")),
    "integration": ("a real kube-apiserver and etcd, kubectl, both programs", lambda: integration.layer("release")),
    "conformance": ("the response cache against http-cache-tests; skipped without node", conformance.layer),
    "demo": (f"make demo for {DEMO_SECONDS} s", lambda: demo.layer(DEMO_SECONDS)),
    "fuzz": (f"fuzz targets for {FUZZ_SECONDS} s each", lambda: fuzz.layer(FUZZ_SECONDS, FUZZ_RUNS, FUZZ_TARGETS)),
    "asan": ("unit tests under AddressSanitizer and UBSan", lambda: unit.layer("asan")),
    "tsan": ("unit tests under ThreadSanitizer", lambda: unit.layer("tsan")),
    "integration-asan": ("a part of the integration tests under AddressSanitizer", lambda: integration.layer("asan", "sanitizer")),
    "integration-tsan": ("a part of the integration tests under ThreadSanitizer", lambda: integration.layer("tsan", "sanitizer")),
    "e2e": ("a kind cluster: the chart, injection, traffic through every change", e2e.layer),
}


def run_layer(name: str) -> Counts:
    start = time.monotonic()
    try:
        counts = LAYERS[name][1]()
    except LayerError as error:
        counts = Counts(failed=1, problems=[f"the layer {name} did not run: {error}"])
    except Exception as error:  # a mistake of the runner's own must not look like success either
        counts = Counts(failed=1, problems=[f"the layer {name} did not run: {type(error).__name__}: {error}"])
    seconds = time.monotonic() - start
    for problem in counts.problems:
        say(problem + "\n")
    for note in counts.notes[:20]:
        say(f"  {note}")
    say(f"{name:<18} {counts.passed:>5} ok {counts.failed:>4} bad {counts.skipped:>4} skip {seconds:>7.1f} s")
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layers", nargs="*", metavar="LAYER", help="default: all of them")
    parser.add_argument("--list", action="store_true", help="tell the layers and end")
    parser.add_argument("--tidy", action="store_true", help="let the layer lint run clang-tidy as well")
    arguments = parser.parse_args()
    if arguments.list:
        for name, (what, _) in LAYERS.items():
            say(f"{name:<18} {what}")
        return 0
    unknown = [name for name in arguments.layers if name not in LAYERS]
    if unknown:
        parser.error(f"no such layer: {', '.join(unknown)} (--list tells them)")
    if arguments.tidy:
        LAYERS["lint"] = (LAYERS["lint"][0], lambda: lint.layer(with_tidy=True))
    layers = arguments.layers or list(LAYERS)
    total = Counts()
    for index, name in enumerate(layers):
        if name == "integration":
            ahead = [preset for preset in ("asan", "tsan") if preset in layers[index:]]
            if ahead:
                cmake.build_ahead(ahead[0], "all_unit_tests", *integration.PROGRAMS)
        total += run_layer(name)
    say(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
