"""What a layer gives back: counts, and the names and words of what failed."""
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    problems: list = field(default_factory=list)  # what is to be shown of each failure
    notes: list = field(default_factory=list)     # what was skipped, by name, and why

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped,
                      self.problems + other.problems, self.notes + other.notes)

    def check(self, name: str, ok: bool, words: str = ""):
        """One thing that either holds or does not."""
        if ok:
            self.passed += 1
        else:
            self.fail(name, words)

    def fail(self, name: str, words: str):
        self.failed += 1
        self.problems.append(f"FAILED {name}\n{words.strip()}")

    def skip(self, name: str, why: str):
        self.skipped += 1
        self.notes.append(f"skipped {name}: {why}")


class LayerError(Exception):
    """The layer could not run at all. That is a failure, never a skip."""


def run(command: list, timeout: float, env: dict | None = None, cwd: Path = ROOT) -> tuple[int, str]:
    """Exit status and everything printed; a time-out is status 124 and says so. Ends the whole group that it started."""
    child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, cwd=cwd, env={**os.environ, **(env or {})}, start_new_session=True)
    try:
        output, _ = child.communicate(timeout=timeout)
        return child.returncode, output.decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, 9)
        output, _ = child.communicate()
        return 124, output.decode(errors="replace") + f"\nended after {timeout:.0f} s: it should have been done by then\n"
    except BaseException:
        os.killpg(child.pid, 9)
        raise


def last_lines(text: str, count: int = 60) -> str:
    return "\n".join(text.strip().splitlines()[-count:])


def say(text: str):
    print(text, flush=True)


def warn(text: str):
    print(text, file=sys.stderr, flush=True)
