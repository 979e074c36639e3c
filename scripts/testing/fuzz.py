"""Every fuzz target for some seconds, starting from its corpus. A longer run by hand: make fuzz FUZZ_SECONDS=3600."""
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import cmake
from .layer import ROOT, Counts, LayerError, last_lines, run

CORPUS = ROOT / "tests" / "fuzz" / "corpus"
FINDINGS = ROOT / "build" / "fuzz" / "findings"


def fuzz_one(program: Path, seconds: int) -> tuple[str, int, str]:
    """What the target finds new goes to a directory that is thrown away; what crashes it is kept in build/fuzz/findings."""
    name = program.name.removeprefix("fuzz_")
    corpus = CORPUS / name
    with tempfile.TemporaryDirectory() as new:
        status, output = run([
            program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1",
            f"-artifact_prefix={FINDINGS}/{name}-", new, *([corpus] if corpus.is_dir() else [])], seconds + 60)
    return program.name, status, output


def layer(seconds: int) -> Counts:
    cmake.build("fuzz", "all_fuzz_targets")
    programs = cmake.programs_of("fuzz", "all_fuzz_targets", "fuzz_")
    if not programs:
        raise LayerError("there is no fuzz target")
    FINDINGS.mkdir(parents=True, exist_ok=True)
    counts = Counts()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, status, output in pool.map(lambda program: fuzz_one(program, seconds), programs):
            counts.check(name, status == 0, last_lines(output, 40))
    return counts
