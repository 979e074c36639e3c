#!/usr/bin/env python3
"""Renders manifests/ from the chart, for people without helm.

    scripts/render-manifests.py            write the files
    scripts/render-manifests.py --check    write nothing; say which file does not agree with the chart, status 1 if one does not

Needs helm: scripts/build-chart-tools.sh builds it when it is not there.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "charts" / "steelyard"
MANIFESTS = ROOT / "manifests"
NAMESPACE = "steelyard-system"
MONITORING = "templates/monitoring/"
ALL_MONITORING = ["prometheus.serviceMonitor.enabled=true", "prometheus.podMonitor.enabled=true",
                  "prometheus.rules.enabled=true", "grafana.dashboards.enabled=true", "edge.enabled=true"]

EDGE = ("The edge for virtual IPs, to be applied after {base}, and again whenever that is: it holds the edge and all\n"
        "# that it changes of the controller (its rights and flags) and of the namespace.")

# file -> what it is, helm's --set values, and which of the chart's templates are in it
FILES = {
    "steelyard.yaml": ("Steelyard with the chart's default values. Kubernetes 1.30 or newer.", [],
                       lambda source: not source.startswith(MONITORING)),
    "steelyard-cert-manager.yaml": ("Steelyard with certificates from cert-manager, which must be installed. Kubernetes 1.30 or newer.",
                                    ["tls.mode=cert-manager"], lambda source: not source.startswith(MONITORING)),
    "monitoring.yaml": ("Monitors and alerts for the Prometheus operator, whose CRDs must be installed, and dashboards for Grafana.",
                        ALL_MONITORING, lambda source: source.startswith(MONITORING)),
    "edge.yaml": (EDGE.format(base="steelyard.yaml"), ["edge.enabled=true"],
                  lambda source: not source.startswith(MONITORING)),
    "edge-cert-manager.yaml": (EDGE.format(base="steelyard-cert-manager.yaml"), ["edge.enabled=true", "tls.mode=cert-manager"],
                               lambda source: not source.startswith(MONITORING)),
}
# file -> what must be applied before it: only what is new or other than there is in it
BESIDE = {"edge.yaml": "steelyard.yaml", "edge-cert-manager.yaml": "steelyard-cert-manager.yaml"}

# file -> the profile of pod security that its pods need
NAMESPACE_PROFILE = {"steelyard.yaml": "restricted", "steelyard-cert-manager.yaml": "restricted",
                     "edge.yaml": "privileged", "edge-cert-manager.yaml": "privileged"}
WHY = {"restricted": "The controller needs no more than the strictest profile grants.",
       "privileged": "The edge is on the nodes' network, and steelyard-vip has NET_ADMIN and NET_RAW."}

NAMESPACE_OBJECT = f"""---
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    app.kubernetes.io/name: steelyard
    app.kubernetes.io/part-of: steelyard
    # %(why)s
    pod-security.kubernetes.io/enforce: %(profile)s
"""


def helm() -> str:
    built = subprocess.run([ROOT / "scripts" / "build-chart-tools.sh", "helm"], stdout=subprocess.PIPE, text=True, check=True)
    return built.stdout.strip() + "/helm"


def documents_of(program: str, name: str) -> list[str]:
    _, values, wanted = FILES[name]
    command = [program, "template", "steelyard", CHART, "--namespace", NAMESPACE, "--no-hooks", "--kube-version", "1.30.0"]
    for value in values:
        command += ["--set", value]
    rendered = subprocess.run(command, capture_output=True, text=True)
    if rendered.returncode != 0:
        raise SystemExit(f"helm template for {name} failed: {rendered.stderr.strip()}")
    documents = []
    for document in re.split(r"^---\n", rendered.stdout, flags=re.MULTILINE):
        source = re.match(r"# Source: steelyard/(\S+)\n", document)
        if source and wanted(source.group(1)):
            documents.append("---\n" + plain(document[source.end():]))
    return documents


def render(program: str, name: str) -> str:
    documents = documents_of(program, name)
    if name in BESIDE:
        there = set(documents_of(program, BESIDE[name]))
        documents = [document for document in documents if document not in there]
    head = f"# {FILES[name][0]}\n# Made from charts/steelyard by scripts/render-manifests.py: change the chart, not this file.\n"
    profile = NAMESPACE_PROFILE.get(name)
    namespace = NAMESPACE_OBJECT % {"profile": profile, "why": WHY[profile]} if profile else ""
    return head + namespace + "".join(documents)


def plain(document: str) -> str:
    """Without what only helm makes true: the labels that say who manages the object."""
    lines = [line.rstrip() for line in document.splitlines()]
    return "\n".join(line for line in lines if line and not re.match(r" +(helm\.sh/chart|app\.kubernetes\.io/managed-by): ", line)) + "\n"


def main() -> int:
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        print(__doc__, file=sys.stderr)
        return 2
    program = helm()
    stale = sorted(path.name for path in MANIFESTS.glob("*.yaml") if path.name not in FILES)
    for name in FILES:
        text, path = render(program, name), MANIFESTS / name
        if check and (not path.exists() or path.read_text() != text):
            stale.append(name)
        elif not check:
            MANIFESTS.mkdir(exist_ok=True)
            path.write_text(text)
    if stale:
        print(f"manifests/ does not agree with the chart: {', '.join(stale)}. Run scripts/render-manifests.py.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
