"""Configures and builds a preset, and tells what its targets are made of."""
import re
import subprocess

from .layer import ROOT, LayerError, last_lines, run


def build(preset: str, *targets: str, timeout: float = 3000):
    """Builds the targets; everything the compiler said is in the error if it fails."""
    directory = ROOT / "build" / preset
    status, output = run(["cmake", "--preset", preset], 300)
    if status != 0:
        raise LayerError(f"cmake --preset {preset} failed:\n{last_lines(output)}")
    status, output = run(["cmake", "--build", directory, "--target", *targets], timeout)
    if status != 0:
        errors = "\n".join(line for line in output.splitlines() if not re.match(r"\[\d+/\d+\] ", line))
        raise LayerError(f"building {' '.join(targets)} of preset {preset} failed:\n{last_lines(errors, 80)}")


def programs_of(preset: str, target: str, prefix: str) -> list:
    """The programs that a custom target gathers, from Ninja itself: one left over from an older tree does not count."""
    directory = ROOT / "build" / preset
    asked = subprocess.run(["ninja", "-C", directory, "-t", "query", target], capture_output=True, text=True, check=True)
    names = {line.strip().strip('"') for line in asked.stdout.splitlines()}
    return sorted(directory / name for name in names if name.startswith(f"bin/{prefix}"))
