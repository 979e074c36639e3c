"""From the API server's answer to a write until the first response of the new endpoint, in a real cluster.

A Service `target` without a selector; its EndpointSlice, written by hand, names one of two pods in turn. A program in an injected pod
asks through its sidecar, again 0.3 ms after each answer, and notes when the answering pod changes. Its clock and ours are one: all nodes
are containers of this machine, and CLOCK_MONOTONIC is the machine's.
"""
import base64
import http.client
import itertools
import json
import os
import random
import ssl
import tempfile
import threading
import time
import urllib.parse

import yaml

from . import kubectl, objects
from .load import Client
from .machine import say

NAMESPACE = "propagation"
MANY = "propagation-many"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices"
WRITERS = 6


class ApiServer:
    """One keep-alive connection to the API server as the cluster's administrator: kubectl would take longer than what is measured."""

    def __init__(self):
        with open(os.environ["KUBECONFIG"]) as source:
            config = yaml.safe_load(source)
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(base64.b64decode(user["client-certificate-data"]) + b"\n" + base64.b64decode(user["client-key-data"]))
            pair.flush()
            context.load_cert_chain(pair.name)
        address = urllib.parse.urlsplit(cluster["server"])
        self._connection = http.client.HTTPSConnection(address.hostname, address.port, context=context, timeout=60)

    def send(self, method: str, path: str, body: bytes) -> tuple[int, int]:
        """Returns the times of sending and of the answer, CLOCK_MONOTONIC in nanoseconds."""
        sent = time.monotonic_ns()
        self._connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        answered = time.monotonic_ns()
        text = answer.read()
        assert answer.status < 300, f"{method} {path}: {answer.status} {text[:300]!r}"
        return sent, answered


def endpoint_slice(namespace: str, service: str, endpoints: list[tuple[str, str, str]]) -> dict:
    """`endpoints`: (pod, address, node)."""
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": f"{service}-1", "namespace": namespace,
                         "labels": {"kubernetes.io/service-name": service, "endpointslice.kubernetes.io/managed-by": "steelyard-e2e"}},
            "endpoints": [{"addresses": [address], "conditions": {"ready": True, "serving": True, "terminating": False}, "nodeName": node,
                           "targetRef": {"kind": "Pod", "namespace": namespace, "name": pod}} for pod, address, node in endpoints],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP", "appProtocol": "http"}]}


def setup() -> dict[str, bytes]:
    """The two backends, the Service and the client; returns the slice's two bodies, by pod."""
    kubectl.run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=90s")
    target = objects.service(NAMESPACE, "target")
    del target["spec"]["selector"]
    kubectl.apply(objects.namespace(NAMESPACE), target, *(objects.pod(NAMESPACE, name, objects.backend()) for name in ("one", "two")))
    kubectl.apply(objects.client(NAMESPACE, "client", f"8080=target.{NAMESPACE}:80"))
    kubectl.run("wait", "-n", NAMESPACE, "--for=condition=Ready", "pod/one", "pod/two", "pod/client", "--timeout=90s")
    bodies = {}
    for name in ("one", "two"):
        pod = kubectl.get("pod", name, "-n", NAMESPACE)
        value = endpoint_slice(NAMESPACE, "target", [(name, pod["status"]["podIP"], pod["spec"]["nodeName"])])
        bodies[name] = json.dumps(value).encode()
    ApiServer().send("POST", SLICES.format(NAMESPACE), bodies["one"])
    Client(NAMESPACE, "client", "http://127.0.0.1:8080/").get(tries=50)
    return bodies


def populate(services: int, endpoints: int):
    """`services` more Services with a slice of `endpoints` endpoints each, which lead nowhere."""
    kubectl.run("delete", "namespace", MANY, "--ignore-not-found", "--timeout=300s", timeout=330)
    kubectl.apply(objects.namespace(MANY))
    start, numbers, problems = time.monotonic(), itertools.count(), []

    def work():
        try:
            server = ApiServer()
            while (number := next(numbers)) < services and not problems:
                name = f"service-{number:04}"
                service = objects.service(MANY, name)
                del service["spec"]["selector"]
                server.send("POST", f"/api/v1/namespaces/{MANY}/services", json.dumps(service).encode())
                found = [(f"{name}-{index}", f"10.200.{(number * endpoints + index) >> 8 & 255}.{(number * endpoints + index) & 255}",
                          f"node-{index % 3}") for index in range(endpoints)]
                server.send("POST", SLICES.format(MANY), json.dumps(endpoint_slice(MANY, name, found)).encode())
        except (AssertionError, OSError, http.client.HTTPException) as error:
            problems.append(error)

    threads = [threading.Thread(target=work) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems, problems[0]
    say(f"    {services} Services of {endpoints} endpoints written in {time.monotonic() - start:.0f} s")


def measure(bodies: dict[str, bytes], changes: int) -> dict:
    """Milliseconds from the answer to each write until the first response of the other pod."""
    server, path, pauses = ApiServer(), f"{SLICES.format(NAMESPACE)}/target-1", random.Random(1)
    server.send("PUT", path, bodies["one"])
    time.sleep(1)
    exec_ = ("exec", "-n", NAMESPACE, "client", "-c", "app", "--", objects.PROGRAM)
    file = f"/tmp/watch-{time.monotonic_ns()}"
    process = kubectl.run(*exec_, "watch", "--url", "http://127.0.0.1:8080/", "--pause-us", "300", "--report", file, "--detach").strip()
    time.sleep(1)
    writes = []
    for name in itertools.islice(itertools.cycle(("two", "one")), changes):
        writes.append((name, *server.send("PUT", path, bodies[name])))
        time.sleep(pauses.uniform(0.3, 0.6))
    time.sleep(2)
    lines = [line.split() for line in kubectl.run(*exec_, "finish", process, file).splitlines()]
    requests, failures = (int(word) for word in lines[-1][2:])
    sights = [(name, int(when)) for name, when, *_ in lines[1:-1]]
    for name, when in sights:
        if name.startswith("failed:"):  # and how long after the write before it
            say(f"    {name} {min((when - sent for _, sent, _ in writes if sent < when), default=0) / 1e6:.1f} ms after a write")
    return {**_matched(writes, sights), "requests": requests, "failed_requests": failures}


def _matched(writes: list, seen: list) -> dict:
    """Each write with the first sight of its pod before the next write. The proxy may have the change before the writer has the API
    server's answer; then the time from the answer is less than nothing, and counts as 0."""
    from_sending, from_answer, lost = [], [], 0
    for index, (name, sent, answered) in enumerate(writes):
        end = writes[index + 1][1] if index + 1 < len(writes) else float("inf")
        sights = [when for which, when in seen if which == name and sent < when < end]
        if sights:
            from_sending.append((sights[0] - sent) / 1e6)
            from_answer.append(max(0, sights[0] - answered) / 1e6)
        else:
            lost += 1
    assert from_answer, "no change was seen"
    return {"changes": len(writes), "lost": lost, "from_answer": _summary(from_answer), "from_sending": _summary(from_sending)}


def _summary(values: list[float]) -> dict:
    values = sorted(values)
    return {**{f"p{share}_ms": round(values[max(0, -(-len(values) * share // 100) - 1)], 2) for share in (50, 99)},
            "max_ms": round(values[-1], 2)}


def run(changes: int, services: int, endpoints: int) -> dict:
    """The cluster with Steelyard and nothing else, then with `services` Services of `endpoints` endpoints."""
    bodies = setup()
    result = {"small": measure(bodies, changes)}
    say(f"    propagation, small cluster: {result['small']}")
    populate(services, endpoints)
    time.sleep(20)  # kube-proxy on three nodes has work of its own
    result["large"] = {"services": services, "endpoints": endpoints, **measure(bodies, changes)}
    say(f"    propagation, {services} Services of {endpoints} endpoints: {result['large']}")
    for name in (NAMESPACE, MANY):
        kubectl.run("delete", "namespace", name, "--wait=false")
    return result
