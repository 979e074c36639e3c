"""The application changes under load: not one request fails, whatever mode the client is in."""
import time

import pytest

from harness import kubectl, load, objects

SETTLE = 2  # seconds of load before and after what is done


@pytest.fixture
def web(shop):
    """The Service web as it is meant to be, before and after."""
    yield f"-n {shop} deployment/web".split()
    kubectl.run("scale", "-n", shop, "deployment/web", "--replicas=4")
    kubectl.rolled_out("deployment/web", shop)


def test_rolling_update(clients, web, shop):
    with load.without_a_failure("rolling update", *clients):
        time.sleep(SETTLE)
        kubectl.run("rollout", "restart", *web)
        kubectl.rolled_out("deployment/web", shop)
        time.sleep(SETTLE)


def test_scale_up_and_down(clients, web, shop):
    with load.without_a_failure("scale 4 -> 8 -> 2", *clients) as reports:
        time.sleep(SETTLE)
        kubectl.run("scale", *web, "--replicas=8")
        kubectl.rolled_out("deployment/web", shop)
        time.sleep(SETTLE)
        kubectl.run("scale", *web, "--replicas=2")
        kubectl.until(lambda: len(kubectl.get("pods", "-n", shop, "-l", "app=web")["items"]) == 2, "two pods left")
        time.sleep(SETTLE)
    for report in reports:
        assert len(report["backends"]) >= 8, f"new pods got no requests: {report['backends']}"


def test_kubectl_delete_pod(clients, web, shop):
    with load.without_a_failure("kubectl delete pod", *clients):
        time.sleep(SETTLE)
        for pod in kubectl.pods(shop, "app=web")[:2]:
            kubectl.run("delete", "pod", "-n", shop, pod["metadata"]["name"])
        kubectl.rolled_out("deployment/web", shop)
        time.sleep(SETTLE)


def test_three_restarts_of_pods_that_die_at_once(clients, shop, namespace):
    """They leave their connections and requests as they are the moment they are told to stop; the proxy has to make up for it."""
    kubectl.apply(objects.service(namespace, "abrupt"),
                  objects.deployment(namespace, "abrupt", objects.backend(on_term="immediate"), replicas=3))
    kubectl.apply(objects.client(namespace, "explicit", f"8080=abrupt.{namespace}:80"), objects.client(namespace, "capture"))
    kubectl.rolled_out("deployment/abrupt", namespace)
    kubectl.run("wait", "-n", namespace, "--for=condition=Ready", "pod/explicit", "pod/capture", "--timeout=60s")
    own = [load.Client(namespace, "explicit", "http://127.0.0.1:8080/"),
           load.Client(namespace, "capture", f"http://abrupt.{namespace}.svc.cluster.local/")]
    for client in own:
        client.get(tries=50)
    with load.without_a_failure("three restarts, pods die at once", *own, rate=300):
        for _ in range(3):
            time.sleep(SETTLE)
            kubectl.run("rollout", "restart", "-n", namespace, "deployment/abrupt")
            kubectl.rolled_out("deployment/abrupt", namespace)
        time.sleep(SETTLE)
