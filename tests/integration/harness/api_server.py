"""A real kube-apiserver on a real etcd, both of which may be killed and started again on the same ports and data.

No controllers and no kubelet run: a test creates the Services, EndpointSlices and Pods itself.
"""
import http.client
import json
import ssl
import urllib.request
from pathlib import Path

from . import certificates, network
from .kubeconfig import write_kubeconfig
from .processes import Process
from .wait import eventually

ADMIN_TOKEN = "admin-token"


class ApiServer:
    def __init__(self, binaries: Path, directory: Path, cluster_ips: str = "10.96.0.0/16"):
        self.binaries = binaries
        self.cluster_ips = cluster_ips
        self.directory = directory
        self.directory.mkdir(parents=True)
        self.port = network.free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.authority = certificates.Authority(directory)
        self.ca = directory / "certs" / "apiserver.crt"
        self.tokens = {ADMIN_TOKEN: ("admin", "system:masters")}
        self._etcd_url = f"http://127.0.0.1:{network.free_port()}"
        self.etcd = self._etcd()
        self.server = self._server()

    def _etcd(self) -> Process:
        peer = f"http://127.0.0.1:{network.free_port()}"
        return Process("etcd", [
            self.binaries / "etcd", "--data-dir", self.directory / "etcd", "--listen-client-urls", self._etcd_url,
            "--advertise-client-urls", self._etcd_url, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", f"default={peer}", "--unsafe-no-fsync", "--log-level", "error"], self.directory)

    def _server(self) -> Process:
        key = certificates.signing_key(self.directory / "service-account.key")
        return Process("kube-apiserver", [
            self.binaries / "kube-apiserver", "--etcd-servers", self._etcd_url, "--secure-port", self.port,
            "--bind-address", "127.0.0.1", "--advertise-address", network.OWN_ADDRESS,
            "--endpoint-reconciler-type", "none", "--cert-dir", self.directory / "certs",
            "--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", key,
            "--service-account-signing-key-file", key, "--token-auth-file", self.directory / "tokens.csv",
            "--client-ca-file", self.authority.certificate, "--authorization-mode", "RBAC",
            "--service-cluster-ip-range", self.cluster_ips, "--disable-admission-plugins", "ServiceAccount",
            "--shutdown-delay-duration", "0s"], self.directory)

    # --- life and death ----------------------------------------------------------------------------------------------
    def start(self) -> "ApiServer":
        if not self.etcd.running():
            self.start_etcd()
        self._write_tokens()
        self.server.start()
        return self.wait_ready()

    def start_etcd(self):
        self.etcd.start()
        eventually(self._etcd_ready, 30, "etcd is healthy")

    def wait_ready(self) -> "ApiServer":
        eventually(self._ready, 90, "the API server is ready", interval=0.1)
        return self

    def kill(self):
        self.server.kill()

    def kill_etcd(self):
        self.etcd.kill()

    def stop(self):
        # The API server first: told to stop, it waits for its etcd.
        for process in (self.server, self.etcd):
            process.kill()

    def _ready(self) -> bool:
        assert self.server.running(), f"kube-apiserver ended:\n{self.server.tail()}"
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def _etcd_ready(self) -> bool:
        assert self.etcd.running(), f"etcd ended:\n{self.etcd.tail()}"
        try:
            with urllib.request.urlopen(f"{self._etcd_url}/health", timeout=1) as answer:
                return json.load(answer)["health"] == "true"
        except (OSError, ValueError):
            return False

    # --- who may log in, and how -------------------------------------------------------------------------------------
    def set_token(self, token: str, user: str, group: str = ""):
        """Takes effect with the next start: the API server reads the file just once."""
        self.tokens[token] = (user, group)

    def forget_token(self, token: str):
        self.tokens.pop(token, None)

    def _write_tokens(self):
        lines = [f'{token},{user},{user},"{group}"' for token, (user, group) in self.tokens.items()]
        (self.directory / "tokens.csv").write_text("\n".join(lines) + "\n")

    def kubeconfig(self, name: str, **user) -> Path:
        """A kubeconfig of this server; `user` as in write_kubeconfig."""
        return write_kubeconfig(self.directory / f"{name}.kubeconfig", self.url, self.ca, **user)

    def client_certificate_kubeconfig(self, user: str, group: str = "") -> Path:
        certificate, key = self.authority.client(user, group)
        return self.kubeconfig(f"{user}-certificate", certificate=certificate, key=key)

    # --- past kubectl ------------------------------------------------------------------------------------------------
    def get(self, path: str, token: str = ADMIN_TOKEN) -> tuple[int, bytes]:
        context = ssl.create_default_context(cafile=str(self.ca)) if self.ca.exists() else ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=context)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def compact_etcd(self):
        """Forgets the history up to now, so that a watch from an older version is answered 410 Gone."""
        current = self._etcd_call("/v3/kv/range", {"key": "AA==", "range_end": "AA==", "limit": 1})
        self._etcd_call("/v3/kv/compaction", {"revision": current["header"]["revision"], "physical": True})

    def _etcd_call(self, path: str, body: dict) -> dict:
        request = urllib.request.Request(self._etcd_url + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
