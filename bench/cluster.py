"""A real kube-apiserver and etcd, with as many Services and EndpointSlices as a part asks for.

The server is the integration tests' own (tests/integration/harness). No controllers and no kubelet run, and there are no Pods:
every EndpointSlice is written by us, as large as Kubernetes' own controller would write it.
"""

import contextlib
import glob
import http.client
import json
import os
import pathlib
import socket
import ssl
import sys
import threading
import time

import common
import netns

NAMESPACE = "bench"
CLIENTS = 8
TARGET = "target"
TARGET_PORT = 8080
SERVICES = f"/api/v1/namespaces/{NAMESPACE}/services"
SLICES = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"


def binaries():
    """The directory of etcd and kube-apiserver: STEELYARD_K8S_BIN's, or what scripts/build-k8s-tools.sh has built."""
    given = os.environ.get("STEELYARD_K8S_BIN")
    for directory in [given] if given else sorted(glob.glob(os.path.join(common.CACHE, "bin", "k8s-*")), reverse=True):
        if all(os.access(os.path.join(directory, name), os.X_OK) for name in ("etcd", "kube-apiserver")):
            return pathlib.Path(directory)
    raise common.CannotRun("no kube-apiserver and etcd (scripts/build-k8s-tools.sh builds them, or name their directory in "
                           "STEELYARD_K8S_BIN)")


def _api_server_class():
    sys.path.insert(0, os.path.join(common.ROOT, "tests", "integration"))
    from harness.api_server import ADMIN_TOKEN, ApiServer
    return ApiServer, ADMIN_TOKEN


class Client:
    """One keep-alive HTTPS connection to the API server, as its administrator."""

    def __init__(self, port, ca, token):
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30,
                                                       context=ssl.create_default_context(cafile=str(ca)))

    def send(self, method, path, body=None):
        """The answer, with nothing read of its body. `body` is bytes: what is timed should not have to encode it."""
        self._connection.request(method, path, body, self._headers)
        return self._connection.getresponse()

    def call(self, method, path, value=None):
        answer = self.send(method, path, None if value is None else json.dumps(value).encode())
        text = answer.read()
        if answer.status >= 300:
            raise common.CannotRun(f"{method} {path}: the API server answered {answer.status}: {text[:200]!r}")
        return json.loads(text)

    def close(self):
        self._connection.close()

    def cut(self):
        """Ends a watch that another thread is reading: close() would wait for that read."""
        self._connection.sock.shutdown(socket.SHUT_RDWR)


def service(name):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"selector": {"app": name},
                     "ports": [{"name": "http", "port": 80, "targetPort": TARGET_PORT, "appProtocol": "http"}]}}


def endpoint(pod, address):
    """An endpoint with all that Kubernetes' own controller says of one: about 270 bytes of JSON."""
    return {"addresses": [address], "conditions": {"ready": True, "serving": True, "terminating": False},
            "nodeName": f"node-{hash_of(pod) % 50}", "zone": f"zone-{hash_of(pod) % 3}",
            "targetRef": {"kind": "Pod", "namespace": NAMESPACE, "name": pod,
                          "uid": f"00000000-0000-4000-8000-{hash_of(pod):012x}"}}


def hash_of(text):
    """The same in every run, unlike Python's own."""
    value = 0
    for byte in text.encode():
        value = (value * 131 + byte) % (1 << 40)
    return value


def endpoint_slice(of, endpoints, port=TARGET_PORT):
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": f"{of}-1", "namespace": NAMESPACE,
                         "labels": {"kubernetes.io/service-name": of,
                                    "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}},
            "endpoints": endpoints, "ports": [{"name": "http", "port": port, "protocol": "TCP", "appProtocol": "http"}]}


class Cluster:
    """Running from the constructor to stop()."""

    def __init__(self, directory, services, endpoints):
        netns.require()
        server, token = _api_server_class()
        self.services, self.endpoints = services, endpoints
        self._token = token
        self.server = server(binaries(), pathlib.Path(directory) / "api")
        try:
            self.server.start()
            self.kubeconfig = self._write_kubeconfig(directory)
            self._populate()
        except AssertionError as error:  # how the tests' harness says that something did not come up
            self.server.stop()
            raise common.CannotRun(str(error)) from None
        except BaseException:
            self.server.stop()
            raise

    def client(self):
        return Client(self.server.port, self.server.ca, self._token)

    def stop(self):
        self.server.stop()

    def _write_kubeconfig(self, directory):
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "bench",
            "clusters": [{"name": "bench", "cluster": {"server": self.server.url,
                                                       "certificate-authority": str(self.server.ca)}}],
            "users": [{"name": "bench", "user": {"token": self._token}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}]}
        path = os.path.join(directory, "kubeconfig")
        with open(path, "w") as target:
            json.dump(config, target)  # JSON is YAML
        return path

    def _populate(self):
        """`services` Services with one slice of `endpoints` endpoints each, and the Service `target` with none yet."""
        start = time.monotonic()
        first = self.client()
        first.call("POST", "/api/v1/namespaces",
                   {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        first.call("POST", SERVICES, service(TARGET))
        first.call("POST", SLICES, endpoint_slice(TARGET, []))
        first.close()
        problems = []
        threads = [threading.Thread(target=self._create_share, args=(number, problems)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if problems:
            raise common.CannotRun(f"loading the API server failed: {problems[0]}")
        common.say(f"{self.services} Services of {self.endpoints} endpoints created in {time.monotonic() - start:.0f} s")

    def _create_share(self, number, problems):
        client = self.client()
        try:
            for index in range(number, self.services, CLIENTS):
                name = f"service-{index:05}"
                pods = [self._pod(index, position) for position in range(self.endpoints)]
                client.call("POST", SERVICES, service(name))
                client.call("POST", SLICES, endpoint_slice(name, [endpoint(*pod) for pod in pods]))
                if problems:
                    return
        except (OSError, http.client.HTTPException, common.CannotRun) as error:
            problems.append(error)
        finally:
            client.close()

    def _pod(self, service_index, position):
        """Name and address of one endpoint; the addresses, 10.128.0.0 and on, are all different and lead nowhere."""
        number = service_index * self.endpoints + position
        address = f"10.{128 + (number >> 16)}.{(number >> 8) & 255}.{number & 255}"
        return f"service-{service_index:05}-{position:03}", address


class Shared(contextlib.AbstractContextManager):
    """At most one cluster at a time: the same as the last one when a part asks for the same size."""

    def __init__(self):
        self._cluster = None
        self._scratch = None

    def get(self, services, endpoints):
        if self._cluster and (self._cluster.services, self._cluster.endpoints) == (services, endpoints):
            return self._cluster
        self.stop()
        self._scratch = common.scratch("cluster")
        directory = self._scratch.__enter__()
        common.say(f"an API server with {services} Services of {endpoints} endpoints")
        self._cluster = Cluster(directory, services, endpoints)
        return self._cluster

    def stop(self):
        if self._cluster:
            self._cluster.stop()
            self._cluster = None
            self._scratch.__exit__(None, None, None)

    def __exit__(self, *_):
        self.stop()
