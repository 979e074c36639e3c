"""The push over TLS: certificates that change while proxies are connected, and peers that do not speak it."""
import json
import socket
import ssl
import subprocess
import time

import pytest
import websocket

from harness import objects, secured
from harness.api_server import ADMIN_TOKEN
from harness.certificates import Authority
from harness.http_client import get
from harness.secured import SecureClient, refusal, service_account, token
from harness.steelyard import SLOWDOWN
from harness.tcp_client import send_until_closed
from harness.wait import eventually

QUICK_CA = ("--tls-ca-lifetime", "30s", "--tls-certificate-lifetime", "10s")


@pytest.fixture
def secure(api_server, kubectl, controller, ns, tmp_path):
    """A controller with TLS and tokens that keeps its Secret in the test's namespace, and a token for it."""
    def start(*more, names="127.0.0.1,localhost", **options):
        kubectl.apply(service_account(ns, "web"))
        made = controller("--kubeconfig", api_server.kubeconfig("controller", token=ADMIN_TOKEN),
                          *secured.flags(ns, *more, names=names), **options).wait_ready()
        made.ca = secured.ca_of(kubectl, ns, tmp_path)
        made.token_file = tmp_path / "token"
        made.token_file.write_text(token(kubectl, ns, "web"))
        made.wss = f"wss://127.0.0.1:{made.push_port}"
        return made
    return start


@pytest.fixture
def shop(kubectl, backend, ns):
    one = backend("a")
    kubectl.apply(objects.service(ns), objects.endpoint_slice(ns, [objects.endpoint(one.address)], port=one.port))
    return one


def trusting(controller, ca=None) -> tuple:
    return ("--controller-ca", ca or controller.ca, "--token-file", controller.token_file)


def bundle(kubectl, ns) -> str:
    return json.loads(kubectl("get", "configmap", "steelyard-ca", "-n", ns, "-o", "json"))["data"]["ca.crt"]


def refused(controller, reason) -> float:
    return controller.metric("steelyard_push_refused_total", reason=reason)


def test_the_secret_is_made_once_and_kept_over_restarts(secure, kubectl, ns):
    controller = secure()
    before = kubectl("get", "secret", "steelyard-tls", "-n", ns, "-o", "jsonpath={.data}")
    assert set(json.loads(before)) == {"ca.crt", "ca.key", "tls.crt", "tls.key"}
    assert "PRIVATE" not in controller.log()
    controller.terminate()
    controller.start().wait_answering().wait_ready()
    assert refusal(controller, controller.ca, controller.token_file.read_text()) == 0
    assert kubectl("get", "secret", "steelyard-tls", "-n", ns, "-o", "jsonpath={.data}") == before


def test_a_proxy_outlives_the_rotation_of_the_ca_and_a_restart(secure, kubectl, sidecar, shop, ns):
    controller = secure(*QUICK_CA)
    first = controller.ca.read_text()
    proxy = sidecar(controller.wss, f"web.{ns}:80", arguments=trusting(controller))
    proxy.wait_ready().wait_ready_hosts(shop)
    eventually(lambda: bundle(kubectl, ns).count("BEGIN") == 2, 60 * SLOWDOWN, "the next CA is told", interval=0.2)
    told = eventually(lambda: (proxy.state_dir / "trust.pem").read_text().count("BEGIN") == 2, 5, "the proxy learns it")
    assert told and (proxy.state_dir / "trust.pem").stat().st_mode & 0o077 == 0
    eventually(lambda: first not in bundle(kubectl, ns), 60 * SLOWDOWN, "the first CA is forgotten", interval=0.2)
    eventually(lambda: first not in (proxy.state_dir / "trust.pem").read_text(), 5, "the proxy hears of that")
    assert proxy.metric("steelyard_controller_disconnects_total") == 0
    assert get(proxy.address_of(), "/").status == 200

    # Its configured CA signs nothing any more: what it has learned lets it back in.
    proxy.terminate()
    proxy.start().wait_answering()
    eventually(lambda: proxy.metric("steelyard_controller_connected") == 1, 10 * SLOWDOWN, "it is connected again")
    with pytest.raises(ssl.SSLError):
        SecureClient(controller, controller.ca, None)


def test_a_proxy_that_trusts_another_ca_serves_what_it_has_and_says_why(secure, sidecar, shop, ns, tmp_path):
    controller = secure()
    other = tmp_path / "other"
    other.mkdir()
    proxy = sidecar(controller.wss, f"web.{ns}:80", arguments=trusting(controller, Authority(other).certificate))
    proxy.wait_log("certificate is not trusted")
    eventually(lambda: refused(controller, "tls") >= 1, 10, "the controller counts it")
    assert proxy.metric("steelyard_controller_connected") == 0


def test_another_name_is_not_the_controller(secure, sidecar, shop, ns):
    controller = secure(names="controller.example")
    proxy = sidecar(controller.wss, f"web.{ns}:80", arguments=trusting(controller))
    assert "mismatch" in proxy.wait_log("certificate is not trusted")


def test_a_ca_file_that_is_mended_is_read_again(secure, sidecar, shop, ns, tmp_path):
    controller = secure()
    ca = tmp_path / "mended.pem"
    ca.write_text("not yet\n")
    proxy = sidecar(controller.wss, f"web.{ns}:80", arguments=trusting(controller, ca))
    proxy.wait_log("mended.pem")
    ca.write_text(controller.ca.read_text())
    proxy.wait_ready().wait_ready_hosts(shop)


def test_certificates_from_files_are_followed(api_server, controller, sidecar, kubectl, backend, shop, ns, tmp_path):
    tls = tmp_path / "tls"
    tls.mkdir()

    def write():
        authority = Authority(tls)
        (tls / "ca.crt").write_bytes(authority.certificate.read_bytes())
        authority.server("tls", "IP:127.0.0.1")
    write()
    kubectl.apply(service_account(ns, "web"))
    made = controller("--kubeconfig", api_server.kubeconfig("controller", token=ADMIN_TOKEN), "--namespace", ns,
                      "--push-tls", "files", "--tls-dir", tls, "--push-auth", "token").wait_ready()
    made.token_file = tmp_path / "token"
    made.token_file.write_text(token(kubectl, ns, "web"))
    old = (tls / "ca.crt").read_text()
    (tmp_path / "old.pem").write_text(old)
    proxy = sidecar(f"wss://127.0.0.1:{made.push_port}", f"web.{ns}:80", arguments=trusting(made, tmp_path / "old.pem"))
    proxy.wait_ready()
    eventually(lambda: bundle(kubectl, ns) == old, 10, "the bundle is published")
    write()
    eventually(lambda: bundle(kubectl, ns) == (tls / "ca.crt").read_text(), 10 * SLOWDOWN, "the new one is, too")
    assert refusal(made, tls / "ca.crt", made.token_file.read_text()) == 0
    (tls / "tls.crt").write_text("garbage")
    made.wait_log("the certificate in force stays")
    assert refusal(made, tls / "ca.crt", made.token_file.read_text()) == 0


def test_two_controllers_share_one_secret(secure, sidecar, shop, ns):
    controller = secure()
    second = secure(name="second")
    for one in (controller, second):
        proxy = sidecar(one.wss, f"web.{ns}:80", name=f"proxy-of-{one.name}", arguments=trusting(controller))
        proxy.wait_ready().wait_ready_hosts(shop)


def test_who_does_not_speak_tls_is_cut_off_and_counted(secure):
    controller = secure()
    with pytest.raises((OSError, websocket.WebSocketException)):
        websocket.create_connection(f"ws://127.0.0.1:{controller.push_port}/push", timeout=5)
    for garbage in (b"\x00" * 4096, b"GET /push HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\xff" * 70000, b"\x16\x03\x01"):
        send_until_closed(("127.0.0.1", controller.push_port), garbage, 10 * SLOWDOWN)
    eventually(lambda: refused(controller, "tls") == 5, 10 * SLOWDOWN, "all five are counted")
    assert controller.running()


def test_old_versions_of_tls_are_refused(secure):
    controller = secure()
    for version, good in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{controller.push_port}", version, "-CAfile",
                               str(controller.ca), "-verify_return_error", "-cipher", "ALL:@SECLEVEL=0"],
                              input=b"", capture_output=True, timeout=20)
        assert (done.returncode == 0) == good, (version, done.stderr[-500:])


def test_a_slow_hand_shake_is_given_up_and_others_are_served_meanwhile(secure):
    controller = secure()
    idle = [socket.create_connection(("127.0.0.1", controller.push_port)) for _ in range(50)]
    eventually(lambda: controller.metric("steelyard_push_unauthenticated_connections") == 50, 10, "they are seen")
    began = time.monotonic()
    assert refusal(controller, controller.ca, controller.token_file.read_text()) == 0
    assert time.monotonic() - began < 2 * SLOWDOWN
    for peer in idle:
        peer.settimeout(12 * SLOWDOWN)
        assert peer.recv(1) == b""
        peer.close()
    assert refused(controller, "tls") == 50
    assert controller.metric("steelyard_push_unauthenticated_connections") == 0


def test_strangers_are_limited(secure):
    controller = secure()
    peers = []
    for _ in range(1100):
        peers.append(socket.create_connection(("127.0.0.1", controller.push_port)))
    eventually(lambda: refused(controller, "unauthenticated") >= 70, 10 * SLOWDOWN, "the most allowed are in")
    for peer in peers:
        peer.close()
    eventually(lambda: refusal(controller, controller.ca, controller.token_file.read_text()) == 0, 10 * SLOWDOWN,
               "then there is room again")


def test_a_long_head_is_cut_off(secure):
    controller = secure()
    context = ssl.create_default_context(cafile=str(controller.ca))
    with socket.create_connection(("127.0.0.1", controller.push_port)) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as peer:
            peer.sendall(b"GET /push HTTP/1.1\r\n" + b"x: " + b"y" * 20000)
            peer.settimeout(10)
            try:
                while peer.recv(4096):
                    pass
            except OSError:
                pass
    eventually(lambda: refused(controller, "handshake") == 1, 10, "it is counted")
