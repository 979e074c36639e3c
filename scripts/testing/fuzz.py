"""Every fuzz target for some seconds, starting from its corpus. Longer by hand: make fuzz FUZZ_SECONDS=3600, or until each has run its input so many
times: make fuzz FUZZ_RUNS=10000000 FUZZ_TARGETS=policy,lease (hours; inputs of up to 512 octets)."""
import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import cmake
from .layer import ROOT, Counts, LayerError, last_lines, run, say

CORPUS = ROOT / "tests" / "fuzz" / "corpus"
FINDINGS = ROOT / "build" / "fuzz" / "findings"
RUNS_TIMEOUT = 6 * 3600


def fuzz_one(program: Path, seconds: int, runs: int) -> tuple[str, int, str]:
    """For so long or, if `runs` is not 0, so often. What the target finds new goes to a directory that is thrown away; what crashes it is kept in build/fuzz/findings."""
    name = program.name.removeprefix("fuzz_")
    corpus = CORPUS / name
    bound, timeout = ([f"-runs={runs}", "-max_len=512"], RUNS_TIMEOUT) if runs else ([f"-max_total_time={seconds}"], seconds + 60)
    with tempfile.TemporaryDirectory() as new:
        status, output = run([
            program, *bound, "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=1",
            f"-artifact_prefix={FINDINGS}/{name}-", new, *([corpus] if corpus.is_dir() else [])], timeout)
    return program.name, status, output


def layer(seconds: int, runs: int = 0, only: str = "") -> Counts:
    """`only`: targets by name, separated by commas; "": all."""
    cmake.build("fuzz", "all_fuzz_targets")
    programs = cmake.programs_of("fuzz", "all_fuzz_targets", "fuzz_")
    if only:
        wanted = only.split(",")
        unknown = set(wanted) - {program.name.removeprefix("fuzz_") for program in programs}
        if unknown:
            raise LayerError(f"FUZZ_TARGETS: there is no fuzz target {', '.join(sorted(unknown))}")
        programs = [program for program in programs if program.name.removeprefix("fuzz_") in wanted]
    if not programs:
        raise LayerError("there is no fuzz target")
    FINDINGS.mkdir(parents=True, exist_ok=True)
    counts = Counts()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, status, output in pool.map(lambda program: fuzz_one(program, seconds, runs), programs):
            if runs:
                ran = re.findall(r"^Done (\d+) runs in (\d+) second", output, re.M)
                say(f"  {name}: {' executions in '.join(ran[-1]) + ' s' if ran else 'ended early'}")
            counts.check(name, status == 0, last_lines(output, 40))
    return counts
