"""The fixtures. One API server serves the whole run; every test has its own namespace, controller, sidecars and backends.

Environment:
    STEELYARD_BIN_DIR    which programs are tested (default: build/release/bin)
    STEELYARD_K8S_BIN    where etcd, kube-apiserver and kubectl are (default: scripts/build-k8s-tools.sh builds them)
    STEELYARD_SLOWDOWN   by how much time-outs stretch, for sanitizers
"""
import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))

from harness import network  # noqa: E402
from harness.api_server import ADMIN_TOKEN, ApiServer  # noqa: E402
from harness.backends import EchoBackend, HttpBackend  # noqa: E402
from harness.kubectl import Kubectl  # noqa: E402
from harness.loop import LoopThread  # noqa: E402
from harness.objects import namespace as namespace_object  # noqa: E402
from harness.segment import Segment  # noqa: E402
from harness.steelyard import Controller, Sidecar  # noqa: E402

_no_network = ""
_names = itertools.count(1)


def pytest_configure(config):
    global _no_network
    config.addinivalue_line("markers", "sanitizer: part of the shorter run against the sanitizers' builds")
    if not config.option.collectonly:
        _no_network = network.enter()


@pytest.fixture(scope="session", autouse=True)
def own_network():
    if _no_network:
        pytest.skip(_no_network)


@pytest.fixture(scope="session")
def kubernetes_binaries() -> Path:
    given = os.environ.get("STEELYARD_K8S_BIN")
    if given:
        return Path(given)
    built = subprocess.run([ROOT / "scripts/build-k8s-tools.sh"], stdout=subprocess.PIPE, text=True, check=True)
    return Path(built.stdout.strip())


@pytest.fixture(scope="session")
def one_api_server(kubernetes_binaries, tmp_path_factory):
    server = ApiServer(kubernetes_binaries, tmp_path_factory.mktemp("cluster") / "api")
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def api_server(one_api_server):
    """Running, whatever the test before did to it."""
    if not (one_api_server.server.running() and one_api_server.etcd.running()):
        one_api_server.start()
    yield one_api_server
    if not (one_api_server.server.running() and one_api_server.etcd.running()):
        one_api_server.start()


@pytest.fixture
def kubectl(api_server, kubernetes_binaries, tmp_path_factory) -> Kubectl:
    kubeconfig = api_server.kubeconfig("admin", token=ADMIN_TOKEN)
    return Kubectl(kubernetes_binaries / "kubectl", kubeconfig, tmp_path_factory.getbasetemp() / "kubectl-cache")


@pytest.fixture
def ns(kubectl) -> str:
    """A new namespace; the objects in it stay, as nothing looks at them any more."""
    name = f"test-{next(_names)}"
    kubectl.apply(namespace_object(name))
    return name


@pytest.fixture(scope="session")
def loop():
    thread = LoopThread()
    yield thread
    thread.stop()


@pytest.fixture
def backend(loop):
    """backend("a") starts an HTTP backend, backend("a", kind=EchoBackend) one that echoes; all end with the test."""
    started = []

    def start(name: str, kind=HttpBackend, **options):
        one = kind(loop, name, **options).start()
        started.append(one)
        return one

    yield start
    for one in started:
        one.die()


@pytest.fixture
def processes(tmp_path, request):
    """Ends what the test started, and shows the ends of the logs when it failed."""
    started = []
    yield started
    for process in reversed(started):
        process.kill()
    if getattr(request.node, "failed", False):
        for process in started:
            print(f"\n===== {process.name} =====\n{process.tail(60)}")
    reports = [process for process in started if _sanitizer_report(process.log())]
    assert not reports, "\n".join(f"{process.name}: {_sanitizer_report(process.log())}" for process in reports)


@pytest.fixture
def controller(api_server, processes, tmp_path):
    """controller() starts one that follows the API server; controller("--manifests", DIR) one that does not."""
    def start(*arguments, name: str = "controller", **options) -> Controller:
        if not arguments:
            arguments = ("--kubeconfig", api_server.kubeconfig("controller", token=ADMIN_TOKEN))
        return _start(Controller(tmp_path, *arguments, name=name, **options), processes)
    return start


@pytest.fixture
def manifest_controller(processes, tmp_path):
    """Starts a controller on a directory of manifests: no API server is needed."""
    def start(directory: Path, *arguments, **options) -> Controller:
        return _start(Controller(tmp_path, "--manifests", directory, *arguments, **options), processes)
    return start


@pytest.fixture
def sidecar(processes, tmp_path):
    """sidecar(controller, "web.NAMESPACE:80") starts a proxy with a local listener for each upstream."""
    def start(of, *upstreams: str, name: str = "sidecar", arguments: tuple = ()) -> Sidecar:
        return _start(Sidecar(tmp_path, getattr(of, "url", of), *upstreams, name=name, arguments=arguments), processes)
    return start


def _start(program, processes):
    assert Path(program.command[0]).exists(), f"{program.command[0]} is not built"
    processes.append(program)
    return program.start().wait_answering()


def _sanitizer_report(log: str) -> str:
    """The first lines of what a sanitizer found, which fails the test whatever else went well."""
    for mark in ("ERROR: AddressSanitizer", "WARNING: ThreadSanitizer", "ERROR: LeakSanitizer", "runtime error:"):
        if mark in log:
            return log[log.index(mark):][:3000]
    return ""


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        item.failed = True


@pytest.fixture
def lan():
    """An Ethernet segment of the test's own."""
    made = Segment()
    yield made
    made.end()


@pytest.fixture
def client(lan):
    """A host of it that asks."""
    return lan.node("client")
