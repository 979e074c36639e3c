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

# file -> what it is, helm's --set values, and which of the chart's templates are in it
FILES = {
    "steelyard.yaml": ("Steelyard with the chart's default values. Kubernetes 1.30 or newer.", [],
                       lambda source: not source.startswith(MONITORING)),
    "steelyard-cert-manager.yaml": ("Steelyard with certificates from cert-manager, which must be installed. Kubernetes 1.30 or newer.",
                                    ["tls.mode=cert-manager"], lambda source: not source.startswith(MONITORING)),
    "monitoring.yaml": ("Monitors and alerts for the Prometheus operator, whose CRDs must be installed, and dashboards for Grafana.",
                        ALL_MONITORING, lambda source: source.startswith(MONITORING)),
    "edge.yaml": ("The edge for virtual IPs, beside one of the two above. The namespace's label pod-security.kubernetes.io/enforce must be\n"
                  "# privileged: host network and NET_ADMIN.", ["edge.enabled=true"], lambda source: source.startswith("templates/edge/")),
}
WITH_NAMESPACE = ("steelyard.yaml", "steelyard-cert-manager.yaml")

NAMESPACE_OBJECT = f"""---
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    app.kubernetes.io/name: steelyard
    app.kubernetes.io/part-of: steelyard
    # The controller needs no more than the strictest profile grants.
    pod-security.kubernetes.io/enforce: restricted
"""


def helm() -> str:
    built = subprocess.run([ROOT / "scripts" / "build-chart-tools.sh", "helm"], stdout=subprocess.PIPE, text=True, check=True)
    return built.stdout.strip() + "/helm"


def render(program: str, name: str) -> str:
    what, values, wanted = FILES[name]
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
    head = f"# {what}\n# Made from charts/steelyard by scripts/render-manifests.py: change the chart, not this file.\n"
    return head + (NAMESPACE_OBJECT if name in WITH_NAMESPACE else "") + "".join(documents)


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
