"""helm upgrade from one version to the next, under load."""
import time

import pytest

from harness import kubectl, load, objects, release
from harness.cluster import version
from harness.machine import call, scratch

NEXT = "9.9.9"


@pytest.fixture
def next_chart(cluster):
    """The same chart and programs under another version."""
    for program in ("controller", "sidecar"):
        call("docker", "tag", f"steelyard/{program}:{version()}", f"steelyard/{program}:{NEXT}")
    cluster.load(f"steelyard/controller:{NEXT}", f"steelyard/sidecar:{NEXT}")
    with scratch() as directory:
        release.helm("package", release.CHART, "--version", NEXT, "--app-version", NEXT, "--destination", directory)
        yield f"{directory}/steelyard-{NEXT}.tgz"


def images() -> set[str]:
    return {container["image"] for pod in release.controllers() for container in pod["spec"]["containers"]}


def test_upgrade_and_back(clients, next_chart, shop):
    with load.without_a_failure("helm upgrade and rollback", *clients):
        time.sleep(1)
        release.install(next_chart, "upgrade")
        assert all(image.endswith(f":{NEXT}") for image in images()), images()
        # A pod that is made now gets the new sidecar; the ones there go on with theirs until they are rolled.
        kubectl.apply(objects.client(shop, "newcomer", "8080=web.shop:80"))
        kubectl.run("wait", "-n", shop, "--for=condition=Ready", "pod/newcomer", "--timeout=60s")
        pod = kubectl.get("pod", "newcomer", "-n", shop)
        assert any(each["image"].endswith(f"sidecar:{NEXT}") for each in pod["spec"]["initContainers"])
        assert load.Client(shop, "newcomer", "http://127.0.0.1:8080/").get(tries=10).startswith("web-")
        release.helm("rollback", release.NAME, "--namespace", release.NAMESPACE, "--wait", "--timeout", "120s")
        time.sleep(1)
    kubectl.run("delete", "pod", "newcomer", "-n", shop, "--wait=false")
    assert all(image.endswith(f":{version()}") for image in images()), images()
