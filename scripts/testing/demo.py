"""`make demo` as one test: it must end with 0, which means that no request failed and the shares were right."""
import os
import sys

from . import cmake
from .layer import ROOT, Counts, last_lines, run


def layer(seconds: int) -> Counts:
    cmake.build("release", "steelyard-controller", "steelyard-sidecar")
    status, output = run([sys.executable, ROOT / "examples/django/demo.py"], seconds + 120,
                         {"DEMO_SECONDS": str(seconds), "TERM": os.environ.get("TERM", "dumb")})
    counts = Counts()
    counts.check(f"demo for {seconds} s", status == 0, last_lines(output))
    return counts
