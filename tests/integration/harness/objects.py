"""The Kubernetes objects that a test needs, as short calls. What is not given has the value most tests want."""


def namespace(name: str) -> dict:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service(ns: str, name: str = "web", port: int = 80, port_name: str = "http", target_port=8000, app_protocol: str = "",
            annotations: dict | None = None, protocol: str = "TCP") -> dict:
    """One port. `annotations` by their short name: {"algorithm": "round_robin"} becomes steelyard.dev/algorithm."""
    one = {"name": port_name, "port": port, "targetPort": target_port, "protocol": protocol}
    if app_protocol:
        one["appProtocol"] = app_protocol
    return {"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": ns, "annotations": _steelyard(annotations)},
            "spec": {"selector": {"app": name}, "ports": [one]}}


def endpoint(address: str, pod: str = "", ready: bool = True, serving: bool | None = None, terminating: bool = False,
             zone: str = "", node: str = "") -> dict:
    """One endpoint of a slice; `pod` is the name of the Pod whose weight counts."""
    conditions = {"ready": ready, "serving": ready if serving is None else serving, "terminating": terminating}
    one = {"addresses": [address], "conditions": conditions}
    if zone:
        one["zone"] = zone
    if node:
        one["nodeName"] = node
    if pod:
        one["targetRef"] = {"kind": "Pod", "name": pod}
    return one


def draining(address: str, pod: str = "") -> dict:
    """As Kubernetes shows a pod that was told to stop and still answers."""
    return endpoint(address, pod, ready=False, serving=True, terminating=True)


def endpoint_slice(ns: str, endpoints: list, name: str = "web-1", of: str = "web", port: int = 8000,
                   port_name: str = "http", address_type: str = "IPv4", protocol: str = "TCP") -> dict:
    for one in endpoints:
        if "targetRef" in one:
            one["targetRef"]["namespace"] = ns
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": address_type,
            "metadata": {"name": name, "namespace": ns, "labels": {"kubernetes.io/service-name": of}},
            "endpoints": endpoints, "ports": [{"name": port_name, "port": port, "protocol": protocol}]}


def pod(ns: str, name: str, weight=None, app: str = "web") -> dict:
    """A Pod that never runs: there is no kubelet. It is here for its annotation."""
    annotations = {} if weight is None else {"weight": str(weight)}
    return {"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": ns, "labels": {"app": app}, "annotations": _steelyard(annotations)},
            "spec": {"containers": [{"name": "app", "image": "none"}]}}


def policy(ns: str, name: str = "web", of: str = "web", section: str = "", **spec) -> dict:
    """A LoadBalancingPolicy for one Service, or one port of it; or for spec's targetRefs."""
    target = {"kind": "Service", "name": of, **({"sectionName": section} if section else {})}
    return {"apiVersion": "steelyard.dev/v1alpha1", "kind": "LoadBalancingPolicy", "metadata": {"name": name, "namespace": ns},
            "spec": {"targetRefs": [target], **spec}}


def cluster_role(name: str, user: str, rules: list) -> list:
    """A ClusterRole and its binding to `user`. A rule: (api group, [resources])."""
    return [
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name},
         "rules": [{"apiGroups": [group], "resources": resources, "verbs": ["get", "list", "watch"]}
                   for group, resources in rules]},
        {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": name},
         "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
         "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]},
    ]


def _steelyard(annotations: dict | None) -> dict:
    return {f"steelyard.dev/{name}": value for name, value in (annotations or {}).items()}
