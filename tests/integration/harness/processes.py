"""A program under test as a child process: started, its output kept in a file, ended by its pid and by nothing else."""
import os
import signal
import subprocess
import time
from pathlib import Path

from .wait import eventually


def sanitizer_options(readable=lambda file: file) -> dict:
    """What the sanitizers are not to report of libraries that are not ours: each file says why. `readable` gives a file in a place where
    the program may read it."""
    folder = Path(__file__).resolve().parents[1]
    more = {"LSAN_OPTIONS": f"suppressions={readable(folder / 'lsan.supp')}:print_suppressions=0",
            "TSAN_OPTIONS": f"suppressions={readable(folder / 'tsan.supp')}"}
    return {name: ":".join(filter(None, [os.environ.get(name), options])) for name, options in more.items()}


class Process:
    def __init__(self, name: str, command: list, directory: Path, env: dict | None = None):
        self.name = name
        self.command = [str(word) for word in command]
        self.log_file = directory / f"{name}.log"
        self.env = {**os.environ, **sanitizer_options(), **(env or {})}
        self.child: subprocess.Popen | None = None

    def start(self) -> "Process":
        assert not self.running(), f"{self.name} is running already"
        with open(self.log_file, "ab") as log:
            log.write(f"--- {' '.join(self.command)}\n".encode())
            log.flush()
            self.child = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)
        return self

    def running(self) -> bool:
        return self.child is not None and self.child.poll() is None

    @property
    def pid(self) -> int:
        return self.child.pid

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def wait_log(self, text: str, timeout: float = 10.0) -> str:
        """Waits for a line with `text` in the log (whatever the case) and returns it."""
        def line():
            assert text.lower() in self.log().lower() or self.running(), f"{self.name} ended: {self.tail()}"
            return next((one for one in self.log().splitlines() if text.lower() in one.lower()), None)
        return eventually(line, timeout, f"a line with {text!r} in the log of {self.name}")

    def tail(self, lines: int = 25) -> str:
        return "\n".join(self.log().splitlines()[-lines:])

    def send(self, number: signal.Signals):
        self.child.send_signal(number)

    def kill(self):
        """As a crash does: SIGKILL, and gone when this returns."""
        if self.running():
            self.child.kill()
        if self.child:
            self.child.wait()

    def wait(self, timeout: float = 10.0) -> int:
        """The exit status, once it ends by itself."""
        return self.child.wait(timeout)

    def terminate(self, timeout: float = 10.0) -> int:
        """SIGTERM, and the exit status; SIGKILL and an error when that takes too long."""
        if self.running():
            self.child.terminate()
        try:
            return self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {timeout} s of SIGTERM:\n{self.tail()}") from None

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(command: list, timeout: float = 20.0, env: dict | None = None) -> tuple[int, str, float]:
    """Runs a program to its end: exit status, everything it printed, seconds."""
    start = time.monotonic()
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=timeout, env={**os.environ, **(env or {})})
    return done.returncode, done.stdout, time.monotonic() - start
