"""Formatting, headers that compile alone, scripts that parse. clang-tidy only when asked: it takes minutes."""
import shutil
import subprocess
import sys

from . import cmake
from .layer import ROOT, Counts, LayerError, last_lines, run


def tracked(*patterns: str) -> list:
    """The files git knows or would know: not what is ignored."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns], cwd=ROOT, capture_output=True,
                            text=True, check=True)
    return sorted(name for name in set(listed.stdout.splitlines()) if (ROOT / name).exists())


def tool(name: str) -> str:
    found = shutil.which(f"{name}-14") or shutil.which(name)
    if not found:
        raise LayerError(f"no {name}: run scripts/bootstrap.sh lint")
    return found


def formatting(counts: Counts):
    files = tracked("*.cpp", "*.hpp")
    status, output = run([tool("clang-format"), "--dry-run", "-Werror", *files], 300)
    wrong = sorted({line.split(":")[0] for line in output.splitlines() if "-Wclang-format-violations" in line})
    counts.check("clang-format", status == 0, "not formatted (make format mends it):\n" + "\n".join(wrong or [output]))


def headers(counts: Counts):
    try:
        cmake.build("release", "check_headers")
        counts.check("headers compile alone", True)
    except LayerError as error:
        counts.check("headers compile alone", False, str(error))


def scripts(counts: Counts):
    for name in tracked("scripts/*.sh", ".ci/run"):
        status, output = run(["bash", "-n", name], 30)
        counts.check(f"bash -n {name}", status == 0, output)
    files = tracked("*.py")
    program = "import ast, sys\nfor name in sys.argv[1:]: ast.parse(open(name).read(), name)"
    status, output = run([sys.executable, "-c", program, *files], 60)
    counts.check("Python files parse", status == 0, output)


def tidy(counts: Counts):
    cmake.build("release", "all")
    files = tracked("common/*.cpp", "controller/*.cpp", "sidecar/*.cpp")
    status, output = run([tool("clang-tidy"), "--quiet", "-p", "build/release", *files], 3000)
    counts.check(f"clang-tidy of {len(files)} files", status == 0, last_lines(output, 100))


def layer(with_tidy: bool = False) -> Counts:
    counts = Counts()
    formatting(counts)
    scripts(counts)
    headers(counts)
    if with_tidy:
        tidy(counts)
    return counts
