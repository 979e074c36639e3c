"""The secured push as a test needs it: a controller with certificates of its own making, service accounts, their tokens."""
import base64
import json
import ssl
import subprocess
import time
from pathlib import Path

import websocket

from .wait import eventually

AUDIENCE = "steelyard"
ISSUER = "https://kubernetes.default.svc"


def flags(namespace: str, *more: str, names: str = "127.0.0.1,localhost") -> tuple:
    """What turns security on, for a controller that keeps its Secret in `namespace`."""
    return ("--namespace", namespace, "--push-tls", "managed", "--tls-names", names, "--push-auth", "token", *more)


def service_account(namespace: str, name: str) -> dict:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}


def token(kubectl, namespace: str, account: str, pod: str = "", audience: str = AUDIENCE) -> str:
    bound = ("--bound-object-kind", "Pod", "--bound-object-name", pod) if pod else ()
    return kubectl("create", "token", account, "-n", namespace, "--audience", audience, *bound).strip()


def ca_of(kubectl, namespace: str, directory: Path) -> Path:
    """The bundle that the controller publishes, as a file."""
    def published():
        text = kubectl("get", "configmap", "steelyard-ca", "-n", namespace, "-o", "json", check=False)
        return json.loads(text)["data"]["ca.crt"] if text.startswith("{") else None
    path = directory / "ca.pem"
    path.write_text(eventually(published, 20, "ConfigMap steelyard-ca holds the bundle"))
    return path


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed_token(api_server, kubectl, namespace: str, account: str, lifetime: float, audience: str = AUDIENCE) -> str:
    """As the API server would sign it, but for a time that it would not agree to."""
    uid = kubectl("get", "serviceaccount", account, "-n", namespace, "-o", "jsonpath={.metadata.uid}").strip()
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": [audience], "sub": f"system:serviceaccount:{namespace}:{account}", "iat": now - 60,
              "nbf": now - 60, "exp": now + int(lifetime),
              "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": account, "uid": uid}}}
    text = ".".join(_base64url(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", str(api_server.directory / "service-account.key")],
                               input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
    return f"{text}.{_base64url(signature)}"


class SecureClient:
    """A proxy of the push protocol by hand, over TLS and with a token. Acknowledges what it gets."""

    def __init__(self, controller, ca: Path, bearer: str | None, name: str = "me", wants: tuple = ("*",), role: str = "sidecar"):
        headers = [] if bearer is None else [f"Authorization: Bearer {bearer}"]
        self.connection = websocket.create_connection(
            f"wss://127.0.0.1:{controller.push_port}/push", timeout=10, header=headers,
            sslopt={"ca_certs": str(ca), "cert_reqs": ssl.CERT_REQUIRED})
        self.upstreams, self.messages = {}, []
        self.send(type="hello", protocol=1, name=name, instance="1", role=role, wants=list(wants), version="")

    def send(self, **message):
        self.connection.send(json.dumps(message))

    def receive(self) -> dict:
        message = json.loads(self.connection.recv())
        self.messages.append(message)
        if message["type"] == "snapshot":
            self.upstreams = {}
        if message["type"] in ("snapshot", "delta"):
            for one in message["upsert"]:
                if one["kind"] == "upstream":
                    self.upstreams[one["name"]] = one
            for one in message.get("remove", []):
                if one["kind"] == "upstream":
                    self.upstreams.pop(one["name"], None)
            self.send(type="ack", version=message["version"])
        return message

    def until(self, condition, timeout: float = 10):
        """Receives until `condition` of this client is true."""
        self.connection.settimeout(timeout)
        while not condition(self):
            self.receive()
        return self

    def last(self, kind: str) -> dict | None:
        return next((one for one in reversed(self.messages) if one["type"] == kind), None)

    def close(self):
        self.connection.close()


def refusal(controller, ca: Path, bearer: str | None) -> int:
    """The HTTP status that a client is turned away with; 0 when it is let in."""
    try:
        SecureClient(controller, ca, bearer).close()
        return 0
    except websocket.WebSocketBadStatusException as error:
        return error.status_code


