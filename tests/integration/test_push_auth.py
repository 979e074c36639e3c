"""Who may connect to the push and what they get: real service accounts and tokens of a real API server."""
import json

import pytest

from harness import objects, secured
from harness.api_server import ADMIN_TOKEN
from harness.http_client import get
from harness.secured import SecureClient, refusal, service_account, signed_token, token
from harness.steelyard import SLOWDOWN
from harness.wait import eventually, never


@pytest.fixture
def other_ns(kubectl, ns) -> str:
    name = f"{ns}-other"
    kubectl.apply(objects.namespace(name))
    return name


@pytest.fixture
def controllers_ns(kubectl, ns) -> str:
    name = f"{ns}-system"
    kubectl.apply(objects.namespace(name))
    return name


@pytest.fixture
def secure(api_server, kubectl, controller, ns, other_ns, controllers_ns, tmp_path):
    """A controller with TLS and tokens, and service account `web` in two namespaces."""
    def start(*more):
        kubectl.apply(service_account(ns, "web"), service_account(other_ns, "web"), service_account(controllers_ns, "edge"))
        made = controller("--kubeconfig", api_server.kubeconfig("controller", token=ADMIN_TOKEN),
                          *secured.flags(controllers_ns, *more)).wait_ready()
        made.ca = secured.ca_of(kubectl, controllers_ns, tmp_path)
        return made
    return start


def shop(kubectl, ns, address="10.77.9.1", annotations=None, name="web"):
    kubectl.apply(objects.service(ns, name, annotations=annotations),
                  objects.endpoint_slice(ns, [objects.endpoint(address)], name=f"{name}-1", of=name))


def refused(controller, reason):
    return controller.metric("steelyard_push_refused_total", reason=reason)


def test_a_sidecar_with_a_pods_token_is_served(secure, kubectl, sidecar, backend, ns, tmp_path):
    controller = secure()
    one = backend("a")
    kubectl.apply(objects.service(ns), objects.endpoint_slice(ns, [objects.endpoint(one.address)], port=one.port),
                  {**objects.pod(ns, "client-0"), "spec": {"serviceAccountName": "web", "containers": [{"name": "a", "image": "none"}]}})
    (tmp_path / "token").write_text(token(kubectl, ns, "web", pod="client-0") + "\n")
    proxy = sidecar(f"wss://127.0.0.1:{controller.push_port}", f"web.{ns}:80",
                    arguments=("--controller-ca", controller.ca, "--token-file", tmp_path / "token", "--name", f"{ns}/client-0"))
    proxy.wait_ready().wait_ready_hosts(one)
    assert get(proxy.address_of(), "/").status == 200
    row = json.loads(controller.admin_get("/proxies").body)["proxies"][0]
    assert (row["namespace"], row["service_account"], row["pod"]) == (ns, "web", "client-0")
    secret = (tmp_path / "token").read_text().strip()
    assert secret not in controller.log() and secret not in proxy.log()


def test_another_pods_name_is_refused(secure, kubectl, ns):
    controller = secure()
    kubectl.apply({**objects.pod(ns, "client-0"), "spec": {"serviceAccountName": "web", "containers": [{"name": "a", "image": "none"}]}})
    bearer = token(kubectl, ns, "web", pod="client-0")
    for name in ("client-1", "other/client-0", "client-0-x", "client"):
        client = SecureClient(controller, controller.ca, bearer, name=name).until(lambda c: c.last("error"))
        assert client.last("error")["code"] == "forbidden", name
    SecureClient(controller, controller.ca, bearer, name="client-0").until(lambda c: c.last("snapshot"))
    assert refused(controller, "forbidden") == 4


def test_strangers_are_turned_away_before_they_say_anything(secure, kubectl, ns):
    controller = secure()
    good = token(kubectl, ns, "web")
    head, claims, signature = good.split(".")
    forged = f"{head}.{claims}.{signature[:-8]}AAAAAAAA"
    unsigned = f"{head}.{claims}."
    for bearer in (None, "", "garbage", "a.b.c", ADMIN_TOKEN, forged, unsigned, "x" * 7000):
        assert refusal(controller, controller.ca, bearer) == 401, bearer
    assert refused(controller, "unauthorized") == 8
    assert refusal(controller, controller.ca, token(kubectl, ns, "web", audience="another")) == 403
    assert refused(controller, "forbidden") == 1
    assert refusal(controller, controller.ca, good) == 0
    assert good not in controller.log()


def test_an_expired_token_and_one_of_a_deleted_account(secure, api_server, kubectl, ns):
    controller = secure()
    assert refusal(controller, controller.ca, signed_token(api_server, kubectl, ns, "web", -10)) == 401
    bearer = token(kubectl, ns, "web")
    kubectl("delete", "serviceaccount", "web", "-n", ns)
    eventually(lambda: refusal(controller, controller.ca, bearer) == 401, 20, "the deleted account's token is refused", interval=2.5)


def test_a_session_ends_with_its_token(secure, api_server, kubectl, ns):
    controller = secure()
    client = SecureClient(controller, controller.ca, signed_token(api_server, kubectl, ns, "web", 4))
    client.until(lambda c: c.last("error"), timeout=10 * SLOWDOWN)
    assert client.last("error")["code"] == "expired"
    assert client.connection.recv() == "", "closed"
    assert refused(controller, "expired") == 1


def test_a_namespace_gets_its_own_and_what_is_exported_to_it(secure, kubectl, ns, other_ns):
    controller = secure()
    shop(kubectl, ns)
    shop(kubectl, other_ns, "10.77.9.2")
    shop(kubectl, other_ns, "10.77.9.3", name="public", annotations={"export-to": "*"})
    shop(kubectl, other_ns, "10.77.9.4", name="friends", annotations={"export-to": f"elsewhere,{ns}"})
    wanted = {f"{ns}/web:http", f"{other_ns}/public:http", f"{other_ns}/friends:http"}
    client = SecureClient(controller, controller.ca, token(kubectl, ns, "web")).until(lambda c: wanted <= set(c.upstreams))
    mine = {name for name in client.upstreams if name.startswith(ns)}
    assert mine == wanted
    assert client.last("refused") is None, "who wants everything wants what it may have"


def test_a_foreign_upstream_is_refused_granted_and_revoked(secure, kubectl, sidecar, backend, ns, other_ns, tmp_path):
    controller = secure()
    one = backend("a")
    annotated = lambda exported: objects.service(other_ns, annotations={"export-to": exported} if exported else {})  # noqa: E731
    kubectl.apply(annotated(""), objects.endpoint_slice(other_ns, [objects.endpoint(one.address)], port=one.port))
    (tmp_path / "token").write_text(token(kubectl, ns, "web"))
    proxy = sidecar(f"wss://127.0.0.1:{controller.push_port}", f"web.{other_ns}:80",
                    arguments=("--controller-ca", controller.ca, "--token-file", tmp_path / "token"))
    proxy.wait_log("is refused by the controller")
    shown = eventually(lambda: json.loads(proxy.admin_get("/upstreams").body)["refused"], 10, "/upstreams says so")
    assert shown[0]["name"] == f"{other_ns}/web:80" and ns in shown[0]["problem"]
    answer = get(proxy.address_of(), "/")
    assert answer.status == 503 and b"export-to" in answer.body, answer.body
    assert controller.metric("steelyard_push_refused_wants_total", reason="forbidden") == 1
    assert one.address not in proxy.admin_get("/config").body.decode()

    kubectl.apply(annotated(ns))
    proxy.wait_ready_hosts(one)
    assert get(proxy.address_of(), "/").status == 200
    assert json.loads(proxy.admin_get("/upstreams").body)["refused"] == []

    kubectl.apply(annotated("somebody-else"))
    eventually(lambda: get(proxy.address_of(), "/").status == 503, 10, "what is revoked is gone")
    assert one.address not in proxy.admin_get("/config").body.decode()
    assert controller.metric("steelyard_push_refused_wants_total", reason="forbidden") == 2
    assert proxy.metric("steelyard_controller_connects_total") <= 1, "it never lost its connection"


def test_what_is_not_there_is_refused_like_what_is_not_exported(secure, kubectl, ns, other_ns):
    controller = secure()
    shop(kubectl, other_ns)
    names = (f"{other_ns}/web:http", f"{other_ns}/none:http")
    client = SecureClient(controller, controller.ca, token(kubectl, ns, "web"), wants=names).until(lambda c: c.last("refused"))
    told = {one["name"]: one["problem"] for one in client.last("refused")["wants"]}
    assert set(told) == set(names) and len(set(told.values())) == 1


def test_everything_may_be_allowed_across_namespaces(secure, kubectl, ns, other_ns):
    controller = secure("--cross-namespace", "all")
    shop(kubectl, other_ns)
    name = f"{other_ns}/web:http"
    SecureClient(controller, controller.ca, token(kubectl, ns, "web"), wants=(name,)).until(lambda c: name in c.upstreams)


def test_edges_come_from_the_controllers_namespace(secure, kubectl, ns, controllers_ns):
    controller = secure()
    shop(kubectl, ns)
    client = SecureClient(controller, controller.ca, token(kubectl, ns, "web"), role="edge").until(lambda c: c.last("error"))
    assert client.last("error")["code"] == "forbidden"
    SecureClient(controller, controller.ca, token(kubectl, controllers_ns, "edge"), role="edge").until(
        lambda c: f"{ns}/web:http" in c.upstreams)


def test_the_same_name_in_two_namespaces_is_two_proxies(secure, kubectl, ns, other_ns):
    controller = secure()
    first = SecureClient(controller, controller.ca, token(kubectl, ns, "web"), name="web-0").until(lambda c: c.last("snapshot"))
    SecureClient(controller, controller.ca, token(kubectl, other_ns, "web"), name="web-0").until(lambda c: c.last("snapshot"))
    first.connection.settimeout(1)
    never(lambda: first.connection.connected is False, 0.5)
    assert len(json.loads(controller.admin_get("/proxies").body)["proxies"]) == 2


def test_without_the_api_server_nobody_new_is_let_in_and_nobody_is_lost(secure, api_server, kubectl, ns):
    controller = secure()
    first, second = token(kubectl, ns, "web"), token(kubectl, ns, "web")
    client = SecureClient(controller, controller.ca, first).until(lambda c: c.last("snapshot"))
    api_server.kill()
    assert refusal(controller, controller.ca, second) == 503
    assert refused(controller, "unavailable") == 1
    client.connection.ping()
    api_server.start()
    eventually(lambda: refusal(controller, controller.ca, second) == 0, 30, "the token is reviewed again", interval=0.5)
