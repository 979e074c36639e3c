"""Who the controller is to the API server: tokens that rotate, certificates, rights that are missing, kubeconfigs that are broken."""
import pytest

from harness.load import Load
from harness.objects import cluster_role, endpoint, endpoint_slice, pod, service
from harness.processes import run
from harness.steelyard import BINARIES, SLOWDOWN
from harness.wait import eventually

ALL_RIGHTS = [("", ["services", "pods"]), ("discovery.k8s.io", ["endpointslices"])]


def test_a_rotated_token_file_is_read_again(api_server, kubectl, ns, controller, sidecar, backend, tmp_path):
    one, two = backend("one"), backend("two")
    token_file = tmp_path / "token"
    token_file.write_text("rotating-1\n")
    api_server.set_token("rotating-1", "rotating")
    api_server.kill()
    api_server.start()
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]), *cluster_role("rotating", "rotating", ALL_RIGHTS))
    control = controller("--kubeconfig", api_server.kubeconfig("rotating", token_file=token_file))
    proxy = sidecar(control, f"web.{ns}:80").wait_ready_hosts(one)

    with Load(proxy.address_of()) as load:
        token_file.write_text("rotating-2\n")
        api_server.forget_token("rotating-1")
        api_server.set_token("rotating-2", "rotating")
        api_server.kill()
        api_server.start()
        kubectl.apply(endpoint_slice(ns, [endpoint(one.address), endpoint(two.address)]))
        proxy.wait_ready_hosts(one, two, timeout=30)
    load.assert_no_failure()


def test_a_refused_token_is_said_with_401_and_mended_by_the_right_one(api_server, kubectl, ns, controller, sidecar, backend, tmp_path):
    one = backend("one")
    token_file = tmp_path / "token"
    token_file.write_text("nobody-knows-this\n")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]))
    control = controller("--kubeconfig", api_server.kubeconfig("refused", token_file=token_file))
    control.wait_log("401")
    assert not control.answers("/readyz")
    assert "nobody-knows-this" not in control.log(), "a token in the log"
    token_file.write_text("admin-token\n")
    sidecar(control, f"web.{ns}:80").wait_ready_hosts(one, timeout=40)


def test_without_the_right_to_read_pods_all_weighs_1_until_it_is_granted(api_server, kubectl, ns, controller, sidecar, backend):
    one, two = backend("one"), backend("two")
    api_server.set_token("few-rights", "few-rights")
    api_server.kill()
    api_server.start()
    kubectl.apply(service(ns), pod(ns, "one", 3), pod(ns, "two", 1),
                  endpoint_slice(ns, [endpoint(one.address, "one"), endpoint(two.address, "two")]),
                  *cluster_role("few-rights", "few-rights", [("", ["services"]), ("discovery.k8s.io", ["endpointslices"])]))
    control = controller("--kubeconfig", api_server.kubeconfig("few-rights", token="few-rights"))
    proxy = sidecar(control, f"web.{ns}:80").wait_weights({one.at: 1, two.at: 1}, timeout=20)
    control.wait_log("Pods: list: 403")
    with Load(proxy.address_of()) as load:
        kubectl.apply(*cluster_role("few-rights", "few-rights", ALL_RIGHTS))
        proxy.wait_weights({one.at: 3, two.at: 1}, timeout=45)
    load.assert_no_failure()


def test_a_client_certificate_is_enough(api_server, kubectl, ns, controller, sidecar, backend):
    one = backend("one")
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint(one.address)]))
    kubeconfig = api_server.client_certificate_kubeconfig("controller-by-certificate", "system:masters")
    sidecar(controller("--kubeconfig", kubeconfig), f"web.{ns}:80").wait_ready_hosts(one)


def test_a_server_with_another_authority_is_not_trusted(api_server, controller, tmp_path):
    from harness.certificates import Authority
    from harness.kubeconfig import write_kubeconfig
    other = Authority(tmp_path)
    kubeconfig = write_kubeconfig(tmp_path / "other.kubeconfig", api_server.url, other.certificate, token="admin-token")
    control = controller("--kubeconfig", kubeconfig)
    control.wait_log("certificate")
    assert not control.answers("/readyz")


BROKEN = {
    "is not there": None,
    "is empty": "",
    "is no YAML": "clusters: [}",
    "is a list": "- 1\n- 2\n",
    "has no current context": "apiVersion: v1\nkind: Config\nclusters: []\n",
    "names a cluster that it lacks": "current-context: a\ncontexts: [{name: a, context: {cluster: gone, user: u}}]\nclusters: []\nusers: [{name: u, user: {}}]\n",
    "has a cluster without a server": "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {}}]\nusers: [{name: u, user: {}}]\n",
    "names a CA file that is not there": "current-context: a\ncontexts: [{name: a, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:1', certificate-authority: /nonexistent/ca.crt}}]\nusers: [{name: u, user: {}}]\n",
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_kubeconfig_that(what, tmp_path):
    """... is broken like this ends the controller with status 2 and one line that names the file."""
    file = tmp_path / "broken.kubeconfig"
    if BROKEN[what] is not None:
        file.write_text(BROKEN[what])
    status, output, _ = run([BINARIES / "steelyard-controller", "--kubeconfig", file, "--push-listen", "127.0.0.1:0",
                             "--admin-listen", "127.0.0.1:0"], timeout=15 * SLOWDOWN)
    lines = [line for line in output.splitlines() if line.strip()]
    assert status == 2, output
    assert len(lines) == 1, f"not one line: {output}"
    assert str(file) in lines[0], output
