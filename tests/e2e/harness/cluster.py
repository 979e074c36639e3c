"""A kind cluster of the tests' own: created, filled with images, its logs saved, deleted."""
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from .machine import E2E, ROOT, MachineError, call, say, scratch

# Not the name in kind-config.yaml: whoever tries that by hand on the same machine keeps his cluster.
NAME = "steelyard-e2e"
LOGS = ROOT / "build/e2e-logs"


def version() -> str:
    """The project's, which is the chart's and the images' as well."""
    return re.search(r"project\(steelyard VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


class Cluster:
    def __init__(self, machine, name: str = NAME):
        self.machine = machine
        self.name = name
        self.kubeconfig = ROOT / "build" / f"{name}.kubeconfig"
        os.environ["KUBECONFIG"] = str(self.kubeconfig)

    def exists(self) -> bool:
        return self.name in call("kind", "get", "clusters").split()

    def create(self):
        """Anew: what a broken run left is deleted first."""
        self.delete()
        start = time.monotonic()
        image = ["--image", self.machine.node_image] if self.machine.node_image else []
        self.kubeconfig.parent.mkdir(exist_ok=True)
        call("kind", "create", "cluster", "--name", self.name, "--config", ROOT / "kind-config.yaml", *image, "--wait", "120s")
        call("kubectl", "wait", "--for=condition=Ready", "node", "--all", "--timeout=120s")
        # kind returns before there is an account that pods can run as.
        call("kubectl", "wait", "--for=create", "serviceaccount/default", "--timeout=60s")
        say(f"cluster {self.name}: three nodes Ready after {time.monotonic() - start:.0f} s")

    def delete(self):
        if self.exists():
            call("kind", "delete", "cluster", "--name", self.name)

    def attach(self):
        """For a cluster that is there already."""
        self.kubeconfig.parent.mkdir(exist_ok=True)
        call("kind", "export", "kubeconfig", "--name", self.name)

    def load(self, *tags: str, only: str = ""):
        """Copies images into every node (`only`: those whose name ends so). One archive: layers that they share travel once."""
        nodes = [node for node in self.nodes() if node.endswith(only)]
        with scratch() as directory:
            archive = Path(directory) / "images.tar"
            call("docker", "save", "-o", archive, *tags)
            imports = [self._import(node, archive) for node in nodes]
            for node, process in zip(nodes, imports):
                output, _ = process.communicate(timeout=300)
                if process.returncode != 0:
                    raise MachineError(f"loading {', '.join(tags)} into {node}:\n{output}")

    @staticmethod
    def _import(node: str, archive: Path) -> subprocess.Popen:
        with open(archive, "rb") as source:
            return subprocess.Popen(["docker", "exec", "-i", node, "ctr", "--namespace=k8s.io", "images", "import",
                                     "--snapshotter=overlayfs", "--digests", "--all-platforms", "-"],
                                    stdin=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def nodes(self) -> list[str]:
        return sorted(call("kind", "get", "nodes", "--name", self.name).split())

    def in_node(self, node: str, *words, check: bool = True) -> str:
        return call("docker", "exec", node, *words, check=check, timeout=120)

    def save_logs(self):
        """Everything that one would ask for: objects, events, logs of every container (the last life too), the nodes' own."""
        shutil.rmtree(LOGS, ignore_errors=True)
        LOGS.mkdir(parents=True)
        self._save("objects.txt", "kubectl", "get", "all,events,configmaps,leases,endpointslices", "-A", "-o", "wide")
        self._save("describe.txt", "kubectl", "describe", "pods", "-A")
        self._save("events.txt", "kubectl", "get", "events", "-A", "--sort-by=.lastTimestamp")
        self._save("kind.txt", "kind", "export", "logs", LOGS / "nodes", "--name", self.name)
        for pod in json.loads(call("kubectl", "get", "pods", "-A", "-o", "json"))["items"]:
            namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
            if namespace in ("kube-system", "local-path-storage"):
                continue
            for past in ([], ["--previous"]):
                self._save(f"{namespace}-{name}{'-previous' if past else ''}.log", "kubectl", "logs", "-n", namespace, name,
                           "--all-containers", "--prefix", *past)
        say(f"logs: {LOGS}")

    def _save(self, file: str, *words):
        try:
            text = call(*words, check=False, timeout=120)
        except MachineError as error:
            text = str(error)
        if text.strip() and "previous terminated container" not in text:
            (LOGS / file).write_text(text)


# The one node that Prometheus runs on: its image is as large as all others together.
PROMETHEUS_NODE = "worker2"
PROMETHEUS = "steelyard/prometheus:test"


def build_images(machine, version: str, binaries: Path) -> list[str]:
    """The product's two images from the programs already built, the tests' program and Prometheus. Returns their tags."""
    tags = [f"steelyard/controller:{version}", f"steelyard/sidecar:{version}", "steelyard/e2e:test", PROMETHEUS]
    for program, tag in zip(("controller", "sidecar"), tags):
        machine.build(tag, ROOT, "-f", ROOT / program / "Dockerfile", "--build-arg", "BINARIES=prebuilt")
    with scratch() as directory:
        shutil.copy(binaries / "steelyard-e2e", directory)
        machine.build(tags[2], Path(directory), "-f", E2E / "images/Dockerfile")
    machine.build(tags[3], E2E / "images/prometheus")
    return tags
