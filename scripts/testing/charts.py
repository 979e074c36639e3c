"""The chart, without a cluster: lint, every variant against Kubernetes' own schemas, refused values, helm-unittest, kube-score, and
that manifests, documents and versions agree with it."""
import json
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from .layer import ROOT, Counts, LayerError, last_lines, run

CHART = ROOT / "charts" / "steelyard"
TESTS = ROOT / "tests" / "charts"
# The oldest that the chart takes, the first with preStop's sleep, and the one that the other tests run.
KUBERNETES = ("1.29", "1.30", "1.35")

# kube-score's checks that the chart does not meet, and why it should not.
WAIVED = {
    "container-image-pull-policy": "images are named by version, never :latest; Always would make a registry's outage a controller's",
    "container-ephemeral-storage-request-and-limit": "read-only file systems; what is stored is the edge's last configuration, nothing else",
}
# And those that the edge does not meet besides.
WAIVED_OF_EDGE = {
    "container-security-context-user-group-id": "capabilities are in force for root alone where privilege cannot be escalated; all others are dropped",
    "pod-networkpolicy": "none holds in the host's network, which the edge is in: loadBalancerSourceRanges do",
}
# By variant: kube-score sees these.
SCORED = {"defaults": WAIVED, "edge": WAIVED | WAIVED_OF_EDGE}
# A CPU limit throttles in bursts, and a throttled controller is late for every proxy. A part of a check, so it has a flag of its own.
WAIVED_FLAGS = ["--ignore-container-cpu-limit"]


def tools() -> Path:
    status, output = run([ROOT / "scripts/build-chart-tools.sh"], 1800)
    if status != 0:
        raise LayerError(f"scripts/build-chart-tools.sh failed:\n{last_lines(output)}")
    return Path(output.strip().splitlines()[-1])


def variants() -> list:
    return sorted((TESTS / "variants").glob("*.yaml"))


def template(helm: Path, *arguments, namespace: str = "steelyard-system", version: str = "1.35", hooks: bool = True) -> tuple[int, str, str]:
    command = [helm, "template", "steelyard", CHART, "-n", namespace, "--kube-version", version, *([] if hooks else ["--no-hooks"]), *arguments]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def lint(counts: Counts, helm: Path):
    for values in variants():
        status, output = run([helm, "lint", "--strict", CHART, "-n", "steelyard-system", "-f", values], 60)
        counts.check(f"helm lint --strict, {values.stem}", status == 0, output)


def faults_of(document: dict, version: str, crds: dict) -> list:
    """What is wrong with one object, after Kubernetes' schema of that version or ours for custom resources."""
    import jsonschema
    import kubernetes_validate
    kind = f"{document.get('apiVersion')}/{document.get('kind')}"
    try:
        if kind in crds["specs"]:
            validator = jsonschema.Draft7Validator({**crds["specs"][kind], "definitions": crds["definitions"]})
            return [f"{kind} {document['metadata']['name']}: {error.json_path}: {error.message}"
                    for error in validator.iter_errors(document["spec"])]
        kubernetes_validate.validate(document, version, strict=True)
        return []
    except (kubernetes_validate.ValidationError, kubernetes_validate.SchemaNotFoundError) as error:
        return [f"{kind} {document.get('metadata', {}).get('name')}: {error}"]


def schemas(counts: Counts, helm: Path):
    import yaml
    crds = json.loads((TESTS / "crds.json").read_text())
    for values in variants():
        for version in KUBERNETES:
            name = f"variant {values.stem}, Kubernetes {version}"
            status, output, errors = template(helm, "-f", values, version=version)
            if status != 0:
                counts.fail(name, errors)
                continue
            documents = [document for document in yaml.safe_load_all(output) if document]
            faults = [fault for document in documents for fault in faults_of(document, version, crds)]
            objects = [(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in documents]
            faults += [f"{one} is there twice" for one in set(objects) if objects.count(one) > 1]
            counts.check(name, not faults and len(documents) > 5, "\n".join(faults) or f"only {len(documents)} objects")


def leaves(values: dict, path: tuple = ()):
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value


def coverage(counts: Counts):
    """Every value is another than its default in some variant: none is beyond the schemas' sight."""
    import yaml
    given = [dict(leaves(yaml.safe_load(path.read_text()) or {})) for path in variants()]
    untouched = []
    for path, default in leaves(yaml.safe_load((CHART / "values.yaml").read_text())):
        below = [values[key] for values in given for key in values if key[:len(path)] == path]
        if all(value == default for value in below):
            untouched.append(".".join(path))
    counts.check("the variants touch every value", not untouched, "never another than its default: " + ", ".join(untouched))


def refused(counts: Counts, helm: Path):
    import yaml
    for case in yaml.safe_load((TESTS / "refused.yaml").read_text()):
        arguments = [word for value in case["set"] for word in ("--set", value)]
        status, _, errors = template(helm, *arguments, namespace=case.get("namespace", "steelyard-system"),
                                     version=case.get("kube_version", "1.35"))
        name = "refused: " + (" ".join(case["set"]) or str({key: case[key] for key in case if key not in ("set", "says")}))
        counts.check(name, status != 0 and re.search(case["says"], errors) is not None,
                     f"wanted: {case['says']}\nexit status {status}: {errors}")


def fields_of(schema: dict, path: str = ""):
    """The paths of all fields of an OpenAPI schema: "http.host.type"; of a list's elements as of the list."""
    for name, below in schema.get("properties", {}).items():
        here = f"{path}.{name}" if path else name
        yield here
        yield from fields_of(below.get("items", below), here)


def policies(counts: Counts):
    """The definition of LoadBalancingPolicy: bounded throughout, each field described here and on its page."""
    import yaml
    crd = yaml.safe_load((CHART / "schemas/loadbalancingpolicies.yaml").read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    spec = schema["properties"]["spec"]
    page = (ROOT / "docs/policy.md").read_text()
    unsaid = [path for path in fields_of(spec) if not re.search(rf"[`.(\[{{]{path.split('.')[-1]}\b", page)]
    counts.check("docs/policy.md names every field of a policy", not unsaid, ", ".join(unsaid))
    loose = [f"{path}: {fault}" for path, below in walk(spec, "spec") for fault in looseness(below)]
    counts.check("every field of a policy is described and bounded", not loose, "\n".join(loose))


def examples(counts: Counts):
    """Objects of our kinds in examples/ keep to their definitions."""
    import jsonschema
    import yaml
    schemas = {}
    for definition in sorted((CHART / "schemas").glob("*.yaml")):
        crd = yaml.safe_load(definition.read_text())
        schemas[crd["spec"]["names"]["kind"]] = closed(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    shown = set()
    for example in sorted((ROOT / "examples").rglob("*.yaml")):
        for document in yaml.safe_load_all(example.read_text()):
            if not str(document["apiVersion"]).startswith("steelyard.dev/"):
                continue
            kind = document["kind"]
            shown.add(kind)
            wrong = [f"{error.json_path}: {error.message}" for error in jsonschema.Draft7Validator(schemas[kind]).iter_errors(document)]
            counts.check(f"{example.relative_to(ROOT)}: {kind} {document['metadata']['name']}", not wrong, "\n".join(wrong))
    counts.check("examples show every kind of ours", shown == set(schemas), ", ".join(sorted(set(schemas) - shown)))


def walk(schema: dict, path: str):
    yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from walk(below, f"{path}.{name}")
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]")


def looseness(schema: dict) -> list:
    """What CEL's cost estimate, and whoever reads kubectl explain, would miss."""
    faults = []
    if "description" not in schema and "maxLength" not in schema and "properties" not in schema and "enum" not in schema:
        faults.append("no description")
    if schema.get("type") == "array" and "maxItems" not in schema:
        faults.append("no maxItems")
    if schema.get("type") == "string" and not {"maxLength", "enum"} & schema.keys():
        faults.append("no maxLength")
    if schema.get("type") == "integer" and not ({"minimum", "maximum"} <= schema.keys() or "enum" in schema):
        faults.append("no minimum and maximum")
    return faults + [f"a rule without a message: {rule['rule']}" for rule in schema.get("x-kubernetes-validations", []) if "message" not in rule]


def closed(schema: dict) -> dict:
    """The schema with unknown fields refused, as kubectl has them refused."""
    made = dict(schema)
    if "properties" in made:
        made["properties"] = {name: closed(below) for name, below in made["properties"].items()}
        made["additionalProperties"] = False
    if made.get("properties", {}).get("metadata"):
        made["properties"]["metadata"] = {"type": "object"}
    if "items" in made:
        made["items"] = closed(made["items"])
    return made


def unittest(counts: Counts, program: Path):
    with tempfile.TemporaryDirectory() as directory:
        report = Path(directory) / "report.xml"
        status, output = run([program, "--strict", "-t", "JUnit", "-o", report, CHART], 120)
        cases = list(ElementTree.parse(report).getroot().iter("testcase")) if report.exists() else []
    failed = 0
    for case in cases:
        problem = case.find("failure") if case.find("failure") is not None else case.find("error")
        failed += problem is not None
        counts.check(f"helm-unittest: {case.get('classname')}: {case.get('name')}", problem is None,
                     (problem.text or problem.get("message", "")) if problem is not None else "")
    if not cases or (status != 0) != (failed > 0):
        counts.fail(f"helm-unittest (exit status {status})", last_lines(output))


def score(counts: Counts, helm: Path, program: Path, variant: str, waived: dict):
    status, output, errors = template(helm, "-f", TESTS / "variants" / f"{variant}.yaml", hooks=False)
    if status != 0:
        return counts.fail(f"kube-score, {variant}", errors)
    with tempfile.TemporaryDirectory() as directory:
        rendered = Path(directory) / "rendered.yaml"
        rendered.write_text(output)
        done = subprocess.run([program, "score", "--output-format", "json", "--kubernetes-version", "v1.35", *WAIVED_FLAGS, rendered],
                              capture_output=True, text=True, timeout=60)
    seen = set()
    for thing in json.loads(done.stdout):
        for check in thing["checks"]:
            if check.get("skipped"):
                continue
            good = check["grade"] >= 10
            if not good:
                seen.add(check["check"]["id"])
                if check["check"]["id"] in waived:
                    continue
            said = "; ".join(f"{comment['path']} {comment['summary']}" for comment in check["comments"] or [])
            counts.check(f"kube-score, {variant}: {check['check']['id']} of {thing['object_name']}", good, said)
    for stale in waived.keys() - seen:
        counts.fail(f"kube-score, {variant}: waiver {stale}", "nothing needs it any more: take it out of scripts/testing/charts.py")


def reasons(counts: Counts):
    """Each rule of the roles says why: a comment right above it."""
    lines = (CHART / "templates" / "controller" / "rbac.yaml").read_text().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("  - apiGroups:"):
            counts.check(f"rbac.yaml:{number + 1} has its reason", lines[number - 1].lstrip().startswith("# "), line)


def agreement(counts: Counts):
    import yaml
    for script in ("render-manifests.py", "values-docs.py"):
        status, output = run([sys.executable, ROOT / "scripts" / script, "--check"], 120)
        counts.check(f"scripts/{script} --check", status == 0, output)
    version = re.search(r"project\(steelyard VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    counts.check("Chart.yaml: appVersion is CMake's version", chart["appVersion"] == version, f"{chart['appVersion']} and {version}")
    images = yaml.safe_load(chart["annotations"]["artifacthub.io/images"])
    counts.check("Chart.yaml: the annotated images are of that version",
                 [one["image"] for one in images] == [f"steelyard/{name}:{version}" for name in ("controller", "sidecar")], str(images))
    for name in ("controller", "sidecar"):
        said = re.search(r"^ARG VERSION=(\S+)", (ROOT / name / "Dockerfile").read_text(), re.MULTILINE)
        counts.check(f"{name}/Dockerfile: its version is CMake's", said is not None and said.group(1) == version, str(said))


def package(counts: Counts, helm: Path):
    """What is shipped: rules, dashboards and schema are in it, the chart's tests are not."""
    with tempfile.TemporaryDirectory() as directory:
        status, output = run([helm, "package", CHART, "-d", directory], 60)
        archives = list(Path(directory).glob("*.tgz"))
        listed = subprocess.run(["tar", "tzf", *archives], capture_output=True, text=True).stdout if archives else ""
    names = {line.removeprefix("steelyard/") for line in listed.splitlines()}
    wanted = {"values.schema.json", "schemas/loadbalancingpolicies.yaml", "templates/NOTES.txt", "templates/tests/connect.yaml"}
    wanted |= {str(path.relative_to(CHART)) for folder in ("rules", "dashboards") for path in (CHART / folder).iterdir()}
    counts.check("helm package", status == 0 and wanted <= names and not any(name.startswith("tests/") for name in names),
                 output + "\nmissing: " + ", ".join(sorted(wanted - names)))


def layer() -> Counts:
    counts, programs = Counts(), tools()
    helm = programs / "helm"
    lint(counts, helm)
    schemas(counts, helm)
    coverage(counts)
    refused(counts, helm)
    unittest(counts, programs / "helm-unittest")
    for variant, waived in SCORED.items():
        score(counts, helm, programs / "kube-score", variant, waived)
    policies(counts)
    examples(counts)
    reasons(counts)
    agreement(counts)
    package(counts, helm)
    return counts
