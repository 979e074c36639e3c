"""Configures and builds a preset, and tells what its targets are made of."""
import atexit
import contextlib
import os
import re
import signal
import subprocess
from pathlib import Path

from .layer import ROOT, LayerError, last_lines, run

_ahead: dict[str, subprocess.Popen] = {}


def build_ahead(preset: str, *targets: str):
    """Begins a build that a later layer needs, with what the layers until then leave of the processors: they mostly wait.
    What goes wrong with it is that layer's to tell, which builds the same again."""
    if preset in _ahead:
        return
    directory = ROOT / "build" / preset
    # A session of its own is a group of its own to the scheduler, where the kernel groups by sessions: it gives way as a whole.
    script = ('echo 19 2>/dev/null >/proc/self/autogroup; '
              'cmake --preset "$1" && exec cmake --build "$2" --target "${@:3}"')
    _ahead[preset] = subprocess.Popen(
        ["chrt", "--idle", "0", "bash", "-c", script, "build-ahead", preset, directory, *targets], cwd=ROOT,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    atexit.register(_end_ahead, preset)


def _await_ahead(preset: str):
    """Waits for what was begun, at the priority of others from now on: two builds of one preset never run at once, and on a machine that does
    something else as well an idle one might never end."""
    child = _ahead.pop(preset, None)
    if child is None:
        return
    for _ in range(2):  # a compiler that is started meanwhile has its priority from who was not asked yet
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if os.getsid(int(process.name)) == child.pid:
                    os.sched_setscheduler(int(process.name), os.SCHED_OTHER, os.sched_param(0))
                    (process / "autogroup").write_text("0")
    child.wait()


def _end_ahead(preset: str):
    child = _ahead.pop(preset, None)
    if child is not None and child.poll() is None:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait()


def build(preset: str, *targets: str, timeout: float = 3000):
    """Builds the targets; everything the compiler said is in the error if it fails."""
    _await_ahead(preset)
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
