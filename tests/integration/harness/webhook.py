"""The injecting webhook as an API server meets it: certificates, the configuration file, the registration, pods to create."""
import base64
import http.client
import json
import ssl
import subprocess
from pathlib import Path

from . import network
from .certificates import Authority

CONFIG = """\
image: {image}
controllerURL: wss://127.0.0.1:9443/push
capture: {{serviceCIDRs: [10.96.0.0/16]}}
resources: {{requests: {{cpu: 10m, memory: 32Mi}}, limits: {{memory: 128Mi}}}}
logLevel: {level}
"""


class Webhook:
    """What a controller needs to serve the webhook with certificates from files, and the API server to call it."""

    def __init__(self, directory: Path):
        self.port = network.free_port()
        self.tls = directory / "tls"
        self.tls.mkdir()
        self.authority = Authority(self.tls)
        self.ca = self.tls / "ca.crt"
        self.ca.write_bytes(self.authority.certificate.read_bytes())
        self.authority.server("tls", "IP:127.0.0.1,DNS:localhost")
        self.config = directory / "inject.yaml"
        self.configure("steelyard/sidecar:test")

    def configure(self, image: str, level: str = "info"):
        """As the kubelet does it: the new file is whole when it takes the old one's place."""
        new = self.config.with_suffix(".new")
        new.write_text(CONFIG.format(image=image, level=level))
        new.rename(self.config)

    @property
    def flags(self) -> tuple:
        return ("--webhook-listen", f"127.0.0.1:{self.port}", "--inject-config", self.config, "--push-tls", "files",
                "--tls-dir", self.tls)

    def post(self, body: bytes, timeout: float = 10.0) -> tuple[int, bytes]:
        connection = self._connect(timeout)
        try:
            connection.request("POST", "/inject", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _connect(self, timeout: float) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.ca))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=context)

    def registration(self, name: str, namespaces: list, ca: bytes | None = None, failure_policy: str = "Fail") -> dict:
        """A MutatingWebhookConfiguration as the chart has it, for these namespaces alone: the API server serves other tests too."""
        here = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces}
        label = "steelyard.dev/inject"

        def one(prefix: str, of_namespace: list, of_pod: list) -> dict:
            client = {"url": f"https://127.0.0.1:{self.port}/inject"}
            if ca != b"":
                client["caBundle"] = base64.b64encode(ca or self.ca.read_bytes()).decode()
            return {"name": f"{prefix}.injector.steelyard.dev", "clientConfig": client,
                    "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
                    "namespaceSelector": {"matchExpressions": [here, *of_namespace]},
                    "objectSelector": {"matchExpressions": of_pod}, "admissionReviewVersions": ["v1"],
                    "sideEffects": "NoneOnDryRun", "timeoutSeconds": 5, "failurePolicy": failure_policy,
                    "reinvocationPolicy": "IfNeeded"}

        enabled = {"key": label, "operator": "In", "values": ["enabled"]}
        return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
                "metadata": {"name": name},
                "webhooks": [one("namespace", [enabled], [{"key": label, "operator": "NotIn", "values": ["disabled"]}]),
                             one("pod", [{**enabled, "operator": "NotIn"}], [enabled])]}


def pod(ns: str, name: str = "web", annotations: dict | None = None, label: str = "", **spec) -> dict:
    """`annotations` by their short name; `label`: enabled or disabled. The service account is what admission would have set: the
    plugin that does it is off in the tests' API server."""
    metadata = {"name": name, "namespace": ns, "labels": {"app": "web"}}
    if label:
        metadata["labels"]["steelyard.dev/inject"] = label
    if annotations:
        metadata["annotations"] = {f"steelyard.dev/{key}": value for key, value in annotations.items()}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata,
            "spec": {"serviceAccountName": "default", "containers": [{"name": "app", "image": "example/app:1"}], **spec}}


class Created:
    """What `kubectl create` said, and the object if there is one."""

    def __init__(self, done: subprocess.CompletedProcess):
        self.ok = done.returncode == 0
        self.said = done.stderr
        self.object = json.loads(done.stdout) if self.ok else None

    def _names(self, kind: str) -> list:
        assert self.ok, self.said
        return [one["name"] for one in self.object["spec"].get(kind, [])]

    @property
    def init(self) -> list:
        return self._names("initContainers")

    @property
    def injected(self) -> bool:
        return "steelyard-sidecar" in self.init

    def container(self, name: str) -> dict:
        return next(one for one in self.object["spec"]["initContainers"] if one["name"] == name)


def create(kubectl, manifest: dict, *arguments: str) -> Created:
    done = subprocess.run([*kubectl.command, "create", "--validate=false", "-o", "json", *arguments, "-f", "-"],
                          input=json.dumps(manifest), capture_output=True, text=True, timeout=60)
    return Created(done)
