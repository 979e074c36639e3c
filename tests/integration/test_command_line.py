"""The flags of both programs: help, version, the environment, and one clear line for what is wrong."""
import pytest

from harness.processes import run
from harness.steelyard import BINARIES

CONTROLLER = BINARIES / "steelyard-controller"
SIDECAR = BINARIES / "steelyard-sidecar"

WRONG = {
    "an unknown flag": (CONTROLLER, ["--colour", "blue"], "colour"),
    "both sources of objects": (CONTROLLER, ["--kubeconfig", "a", "--manifests", "b"], "manifests"),
    "an address without a port": (CONTROLLER, ["--manifests", "/", "--push-listen", "127.0.0.1"], "push-listen"),
    "a port past the last": (CONTROLLER, ["--manifests", "/", "--admin-listen", "127.0.0.1:65536"], "admin-listen"),
    "a log level that there is not": (CONTROLLER, ["--manifests", "/", "--log-level", "loud"], "log-level"),
    "leases that two could hold": (CONTROLLER, ["--renew-deadline", "15s"], "--renew-deadline"),
    "a lease of half seconds": (CONTROLLER, ["--lease-duration", "15500ms"], "--lease-duration"),
    "an election without an API server": (CONTROLLER, ["--manifests", "/", "--leader-elect", "true"], "--leader-elect"),
    "a kind of TLS that there is not": (CONTROLLER, ["--push-tls", "self-signed"], "push-tls"),
    "managed certificates without an API server": (CONTROLLER, ["--manifests", "/", "--push-tls", "managed"], "--push-tls"),
    "certificate files without a directory": (CONTROLLER, ["--push-tls", "files"], "--tls-dir"),
    "a directory of certificates that is not there": (CONTROLLER, ["--push-tls", "files", "--tls-dir", "/nonexistent"], "/nonexistent"),
    "a certificate for no name": (CONTROLLER, ["--push-tls", "managed", "--tls-names", "a b"], "--tls-names"),
    "a CA that ends before its certificates": (CONTROLLER, ["--push-tls", "managed", "--tls-ca-lifetime", "1h"], "--tls-ca-lifetime"),
    "tokens in clear text": (CONTROLLER, ["--push-auth", "token"], "--push-auth"),
    "a webhook without TLS": (CONTROLLER, ["--webhook-listen", "127.0.0.1:0"], "--webhook-listen"),
    "a webhook that injects nothing": (CONTROLLER, ["--webhook-listen", "127.0.0.1:0", "--push-tls", "managed"], "--inject-config"),
    "fewer series than describe the program": (CONTROLLER, ["--metrics-series-limit", "999"], "--metrics-series-limit"),
    "no number of series": (SIDECAR, ["--controller", "ws://127.0.0.1:1", "--metrics-series-limit", "many"], "--metrics-series-limit"),
    "no source of configuration": (SIDECAR, [], "controller"),
    "a controller that is no URL": (SIDECAR, ["--controller", "localhost"], "controller"),
    "an upstream without a service": (SIDECAR, ["--controller", "ws://127.0.0.1:1", "--upstream", "8080"], "upstream"),
    "an upstream with a bad port": (SIDECAR, ["--controller", "ws://127.0.0.1:1", "--upstream", "99999=web.shop:80"], "upstream"),
    "two upstreams on one port": (SIDECAR, ["--controller", "ws://127.0.0.1:1", "--upstream", "8080=a.b:80", "--upstream", "8080=c.d:80"], "8080"),
    "a proxy that is no network": (SIDECAR, ["--controller", "ws://127.0.0.1:1", "--trusted-proxies", "10.0.0.1/8"], "--trusted-proxies"),
    "minus one workers": (SIDECAR, ["--controller", "ws://127.0.0.1:1", "--workers", "-1"], "workers"),
    "an access log to nowhere": (SIDECAR, ["--controller", "ws://127.0.0.1:1", "--access-log", "stdot"], "--access-log"),
    "a config file that is not there": (SIDECAR, ["--config", "/nonexistent/config.json"], "/nonexistent/config.json"),
}


@pytest.mark.parametrize("what", WRONG)
def test_bad_usage_ends_with_2_and_one_line_that_names_the_flag(what):
    program, arguments, named = WRONG[what]
    status, output, _ = run([program, *arguments])
    assert status == 2, output
    assert len(output.strip().splitlines()) == 1, output
    assert named in output


def test_a_controller_in_a_cluster_refuses_to_push_in_clear_text():
    pod = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}
    status, output, _ = run([CONTROLLER], env=pod)
    assert status == 2 and len(output.strip().splitlines()) == 1, output
    assert "--push-tls: none is refused in a cluster" in output
    status, output, _ = run([CONTROLLER, "--push-tls", "managed"], env=pod)  # as far as the pod's files, which there are none of
    assert status == 2 and "serviceaccount" in output


@pytest.mark.parametrize("program", [CONTROLLER, SIDECAR], ids=["controller", "sidecar"])
def test_help_and_version_end_with_0(program):
    status, output, _ = run([program, "--help"])
    assert status == 0 and "--log-level" in output and "--admin-listen" in output
    status, output, _ = run([program, "--version"])
    assert status == 0 and "0.1.0" in output


def test_every_flag_is_also_a_variable_of_the_environment(tmp_path):
    status, output, _ = run([CONTROLLER, "--push-listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
                            env={"STEELYARD_MANIFESTS": str(tmp_path / "from-environment")})
    assert status == 2 and "from-environment" in output


def test_a_port_that_is_taken_is_named(tmp_path):
    import socket
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = "127.0.0.1:%d" % taken.getsockname()[1]
        status, output, _ = run([CONTROLLER, "--manifests", tmp_path, "--push-listen", at, "--admin-listen", "127.0.0.1:0"])
    assert status != 0 and at in output, output
