#!/usr/bin/env python3
"""The end-to-end tests: makes a kind cluster, puts Steelyard into it, tests it, takes it away again.

    tests/e2e/run.py test [PYTEST-ARGUMENT...]   all of it; --keep leaves the cluster, --cluster NAME uses or makes that one
    tests/e2e/run.py up                          cluster and images only, for work by hand
    tests/e2e/run.py images                      build the images anew and load them
    tests/e2e/run.py bench OUTPUT.json           propagation of changes, measured in a cluster (make bench BENCH_FLAGS='--only kind')
    tests/e2e/run.py shell COMMAND...            a command with kind, kubectl, helm and docker, where the cluster is
    tests/e2e/run.py down                        delete the cluster

The programs must be built: build/release/bin has them after `make build`, and steelyard-e2e after
`cmake --build build/release --target steelyard-e2e`. One run at a time on a machine: a second one waits for the first.
"""
import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CACHE = Path(os.environ.get("STEELYARD_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "steelyard")
LOCK = "STEELYARD_E2E_LOCK"  # the lock's file descriptor, once it is held
VENV = CACHE / "venv"  # made by scripts/bootstrap.sh
if Path(sys.prefix) != VENV and os.access(VENV / "bin/python", os.X_OK):
    os.execv(VENV / "bin/python", [str(VENV / "bin/python"), *sys.argv])

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import cluster as clusters  # noqa: E402
from harness import machine as machines  # noqa: E402
from harness.machine import E2E, ROOT, MachineError, say  # noqa: E402


def binaries() -> Path:
    directory = Path(os.environ.get("STEELYARD_BIN_DIR", ROOT / "build/release/bin"))
    for name in ("steelyard-controller", "steelyard-sidecar", "steelyard-capture", "steelyard-vip", "steelyard-e2e"):
        if not os.access(directory / name, os.X_OK):
            raise MachineError(f"{name} is not in {directory}: make build, and cmake --build build/release --target steelyard-e2e")
    return directory


def lock():
    """Held until this process ends, also while it becomes itself again elsewhere (machine.enter). Two clusters at a time fit into no
    ordinary machine, and one run must not stop the daemons that the other has just found running."""
    if os.environ.get(LOCK):
        os.set_inheritable(int(os.environ[LOCK]), False)
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    held = os.open(CACHE / "e2e.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another run of the end-to-end tests is under way on this machine: waiting for its end")
        fcntl.flock(held, fcntl.LOCK_EX)
    # Children do not get it (subprocess closes what it was not told to keep); what this process becomes does.
    os.set_inheritable(held, True)
    os.environ[LOCK] = str(held)


def images(cluster) -> None:
    start = time.monotonic()
    tags = clusters.build_images(cluster.machine, clusters.version(), binaries())
    built = time.monotonic()
    cluster.load(*(tag for tag in tags if tag != clusters.PROMETHEUS))
    cluster.load(clusters.PROMETHEUS, only=clusters.PROMETHEUS_NODE)
    say(f"images: built in {built - start:.0f} s, loaded in {time.monotonic() - built:.0f} s")


def test(cluster, arguments, pytest_arguments: list[str]) -> int:
    was_there = arguments.cluster != clusters.NAME and cluster.exists()
    status = 1
    try:
        if was_there:
            cluster.attach()
        else:
            cluster.create()
        images(cluster)
        os.environ["STEELYARD_E2E_CLUSTER"] = cluster.name
        status = subprocess.run([sys.executable, "-m", "pytest", "-c", E2E / "pytest.ini", "--rootdir", E2E,
                                 *(pytest_arguments or [E2E])]).returncode
    finally:
        if status != 0 and cluster.exists():
            cluster.save_logs()
        if not arguments.keep and not was_there:
            cluster.delete()
    return status


def bench(cluster, arguments, rest: list[str]) -> int:
    """Installs Steelyard and measures; the result is JSON in the file that `rest` names."""
    from harness import propagation, release
    was_there = cluster.exists()
    try:
        cluster.attach() if was_there else cluster.create()
        images(cluster)
        if not release.installed():
            release.install()
        result = propagation.run(arguments.changes, arguments.services, 10)
        Path(rest[0]).write_text(json.dumps(result))
    finally:
        if not was_there and not arguments.keep:
            cluster.delete()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave the cluster as it is at the end")
    parser.add_argument("--cluster", default=clusters.NAME, metavar="NAME", help=f"default: {clusters.NAME}")
    parser.add_argument("--changes", type=int, default=200, help="of bench: how many changes")
    parser.add_argument("--services", type=int, default=1000, help="of bench: how many Services the large cluster has")
    parser.add_argument("action", choices=["test", "bench", "up", "images", "shell", "down", "missing"])
    arguments, rest = parser.parse_known_args()
    machine = machines.find()
    missing = machine.missing()
    if arguments.action == "missing" or missing:
        print("\n".join(missing))
        return 0 if arguments.action == "missing" else 3
    if arguments.action != "shell":
        lock()
    machine.enter()
    cluster = clusters.Cluster(machine, arguments.cluster)
    if arguments.action == "shell":
        return subprocess.run(rest or [os.environ.get("SHELL", "bash")]).returncode
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every `finally` takes away what it made
    try:
        return act(cluster, arguments, rest)
    finally:
        machine.leave()


def act(cluster, arguments, rest: list[str]) -> int:
    if arguments.action == "test":
        return test(cluster, arguments, rest)
    if arguments.action == "bench":
        return bench(cluster, arguments, rest or [os.devnull])
    if arguments.action == "down":
        cluster.delete()
    else:
        cluster.attach() if cluster.exists() else cluster.create()
        images(cluster)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except MachineError as problem:
        say(f"error: {problem}")
        sys.exit(1)
