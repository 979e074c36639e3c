"""Kubernetes objects of the tests, as short as they can be said."""
IMAGE = "steelyard/e2e:test"
PROGRAM = "steelyard-e2e"


def namespace(name: str, **labels) -> dict:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def container(*arguments: str, name: str = "app", **more) -> dict:
    return {"name": name, "image": IMAGE, "imagePullPolicy": "Never", "args": list(arguments),
            "resources": {"requests": {"cpu": "5m", "memory": "8Mi"}}, **more}


def pod_spec(*containers: dict, **more) -> dict:
    return {"containers": list(containers), "terminationGracePeriodSeconds": 20, **more}


def backend(on_term: str = "graceful", delay_ms: int = 0, drain_ms: int = 3000) -> dict:
    """A pod specification: ready only when it really answers."""
    return pod_spec(container(
        "serve", "--port", "8080", "--on-term", on_term, "--drain-ms", str(drain_ms), "--delay-ms", str(delay_ms),
        ports=[{"name": "http", "containerPort": 8080}],
        readinessProbe={"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1}))


def deployment(namespace: str, name: str, spec: dict, replicas: int = 1, labels: dict | None = None,
               annotations: dict | None = None, app: str | None = None, strategy: dict | None = None) -> dict:
    """`app` is the label that a Service selects by; it may be shared by several Deployments."""
    own = {"app": app or name, "part": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": namespace, "name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"part": name}},
                     **({"strategy": strategy} if strategy else {}),
                     "template": {"metadata": {"labels": {**own, **(labels or {})}, "annotations": annotations or {}}, "spec": spec}}}


def service(namespace: str, name: str, annotations: dict | None = None, port: int = 80, protocol: str | None = "http",
            selector: dict | None = None) -> dict:
    return {"apiVersion": "v1", "kind": "Service",
            "metadata": {"namespace": namespace, "name": name, "annotations": annotations or {}},
            "spec": {"selector": {"app": name} if selector is None else selector,
                     "ports": [{"name": "http", "port": port, "targetPort": 8080, **({"appProtocol": protocol} if protocol else {})}]}}


def pod(namespace: str, name: str, spec: dict, labels: dict | None = None, annotations: dict | None = None) -> dict:
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"namespace": namespace, "name": name, "labels": labels or {}, "annotations": annotations or {}}, "spec": spec}


INJECT = {"steelyard.dev/inject": "enabled"}
UPSTREAMS = "steelyard.dev/upstreams"
WEIGHT = "steelyard.dev/weight"
EXPORT = "steelyard.dev/export-to"


def client(namespace: str, name: str, upstreams: str = "", zone: str = "a", **annotations) -> dict:
    """An injected pod to run loads in: explicit upstreams ("8080=web.shop:80"), or none for transparent capture."""
    said = {UPSTREAMS: upstreams} if upstreams else {}
    return pod(namespace, name, pod_spec(container("idle"), nodeSelector={"topology.kubernetes.io/zone": zone}),
               labels={"app": name, **INJECT}, annotations={**said, **annotations})
