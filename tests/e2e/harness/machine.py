"""Where clusters come from: this machine's own Docker, or the daemons that tests/e2e/airgap starts where there is none.

`find()` chooses. STEELYARD_E2E=docker|airgap decides instead. Either way everything that follows is the same: commands run with
kind, kubectl, helm and docker on PATH, in the network where the cluster is.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

E2E = Path(__file__).resolve().parents[1]
ROOT = E2E.parents[1]
INSIDE = "STEELYARD_E2E_INSIDE"    # set once this process runs where the cluster is
STARTED = "STEELYARD_E2E_STARTED"  # set when it was this run that started the daemons


class MachineError(Exception):
    """Something that the tests need could not be made; the text says what and where its log is."""


def say(text: str):
    print(text, file=sys.stderr, flush=True)


def call(*words, timeout: float = 600, text: str | None = None, check: bool = True) -> str:
    """What the command printed; raises with all of it when the command failed."""
    words = [str(word) for word in words]
    try:
        done = subprocess.run(words, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise MachineError(f"{' '.join(words[:6])}: not done after {timeout:.0f} s\n{_shown(error.stdout)}") from None
    except FileNotFoundError:
        raise MachineError(f"{words[0]} is not installed") from None
    if check and done.returncode != 0:
        raise MachineError(f"{' '.join(words[:6])}: exit status {done.returncode}\n{_shown(done.stdout)}")
    return done.stdout


def _shown(output) -> str:
    output = output.decode(errors="replace") if isinstance(output, bytes) else output or ""
    return "\n".join(output.strip().splitlines()[-60:])


class Docker:
    """A Docker that runs, and the internet: kind's own node image."""

    name = "docker"

    @property
    def node_image(self) -> str | None:
        """None: kind's own choice."""
        return os.environ.get("STEELYARD_NODE_IMAGE")

    def missing(self) -> list[str]:
        return [] if _docker_runs() else ["a running Docker daemon (docker info fails)"]

    def enter(self):
        """Puts kind, helm and kubectl on PATH, and returns."""
        tools = call(E2E / "airgap/tools.sh", "client", timeout=1800).strip().splitlines()[-1]
        os.environ["PATH"] = f"{tools}:{os.environ['PATH']}"

    def leave(self):
        """Nothing of ours runs here but clusters."""

    def build(self, tag: str, context: Path, *arguments):
        call("docker", "build", "-t", tag, *arguments, context, timeout=1800)


class Airgap:
    """Daemons of our own in a network namespace, and a node image of our own."""

    name = "airgap"
    lab = E2E / "airgap/lab.sh"

    @property
    def node_image(self) -> str | None:
        return os.environ.get("STEELYARD_NODE_IMAGE")

    def missing(self) -> list[str]:
        return call(self.lab, "missing", timeout=60).strip().splitlines()

    def enter(self):
        """Starts the daemons and becomes this same command inside the namespace."""
        if os.environ.get(INSIDE):
            return
        os.environ.setdefault(STARTED, "" if _runs(self.lab) else "1")
        # Shown as it comes: the first time it takes minutes.
        if subprocess.run([self.lab, "up"], stdout=sys.stderr.fileno()).returncode != 0:
            raise MachineError("tests/e2e/airgap/lab.sh up failed; see above")
        os.environ[INSIDE] = "1"
        sys.stdout.flush()
        os.execv(self.lab, [str(self.lab), "run", sys.executable, *sys.argv])

    def leave(self):
        """Stops the daemons if this run has started them and no cluster is left."""
        if os.environ.get(STARTED) and not call("kind", "get", "clusters").replace("No kind clusters found.", "").strip():
            call(self.lab, "down")

    def build(self, tag: str, context: Path, *arguments):
        call(self.lab, "build", tag, context, *arguments, timeout=1800)


def _runs(lab: Path) -> bool:
    return subprocess.run([lab, "running"]).returncode == 0


def _docker_runs() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def find() -> Docker | Airgap:
    wanted = os.environ.get("STEELYARD_E2E", "")
    if wanted not in ("", "docker", "airgap"):
        raise MachineError(f"STEELYARD_E2E is '{wanted}': docker or airgap")
    if os.environ.get(INSIDE) or wanted == "airgap":
        return Airgap()
    return Docker() if wanted == "docker" or _docker_runs() else Airgap()


def scratch() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="steelyard-e2e-")
