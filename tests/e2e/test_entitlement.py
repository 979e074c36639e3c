"""Whom a Service is for: its own namespace, until it says otherwise."""
from harness import kubectl, load, objects


def test_a_service_of_another_namespace_is_refused_until_it_is_exported(shop, namespace):
    kubectl.apply(objects.service(namespace, "private"), objects.deployment(namespace, "private", objects.backend()))
    kubectl.apply(objects.client(shop, "stranger", f"8080=private.{namespace}:80"))
    kubectl.rolled_out("deployment/private", namespace)
    try:
        kubectl.until(lambda: "Running" == kubectl.get("pod", "stranger", "-n", shop)["status"]["phase"], "the stranger runs", 60)
        stranger = load.Client(shop, "stranger", "http://127.0.0.1:8080/")
        words = kubectl.until(lambda: answer(stranger), "an answer", 30)
        assert "status 503" in words, words
        kubectl.run("annotate", "service", "private", "-n", namespace, f"{objects.EXPORT}={shop}")
        kubectl.until(lambda: answer(stranger).startswith("private-"), "the answer of a pod once the Service is exported", 15)
    finally:
        kubectl.run("delete", "pod", "stranger", "-n", shop, "--wait=false")


def answer(client: load.Client) -> str:
    """The backend's name, or what went wrong."""
    return kubectl.run("exec", "-n", client.namespace, client.pod, "-c", "app", "--", objects.PROGRAM, "get", client.url, check=False)
