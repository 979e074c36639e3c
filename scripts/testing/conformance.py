"""Other people's suites against the product: the response cache by http-cache-tests. Skipped by name where node or its package is missing."""
import re
import sys

from . import cmake
from .layer import ROOT, Counts, last_lines, run


def layer() -> Counts:
    cmake.build("release", "steelyard-sidecar")
    status, output = run([sys.executable, ROOT / "tests/conformance/http_cache.py"], 600)
    counts = Counts()
    skipped = re.search(r"^SKIPPED ([\w-]+): (.*)$", output, re.M)
    if status == 0 and skipped:
        counts.skip(skipped[1], skipped[2])
    else:
        counts.check("http-cache-tests", status == 0, last_lines(output, 20))
    return counts
