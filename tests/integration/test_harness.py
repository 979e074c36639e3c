"""The ground the other tests stand on: without it their failures would mean nothing."""
from harness.objects import endpoint, endpoint_slice, service
from harness.wait import eventually


def resource_version(kubectl, ns):
    return int(kubectl("get", "service", "web", "-n", ns, "-o", "jsonpath={.metadata.resourceVersion}"))


def test_what_was_applied_is_there_after_the_api_server_and_etcd_were_killed(api_server, kubectl, ns):
    kubectl.apply(service(ns), endpoint_slice(ns, [endpoint("10.77.200.1")]))
    before = resource_version(kubectl, ns)
    api_server.kill()
    api_server.kill_etcd()
    api_server.start()
    assert resource_version(kubectl, ns) == before


def test_a_client_certificate_logs_in(api_server, kubernetes_binaries, tmp_path):
    from harness.kubectl import Kubectl
    kubeconfig = api_server.client_certificate_kubeconfig("operator", "system:masters")
    assert "default" in Kubectl(kubernetes_binaries / "kubectl", kubeconfig, tmp_path)("get", "namespaces")


def test_a_watch_from_before_a_compaction_is_refused_with_410(api_server, kubectl, ns):
    kubectl.apply(service(ns))
    before = resource_version(kubectl, ns)
    kubectl("annotate", "service", "web", "-n", ns, "changed=yes")
    api_server.compact_etcd()

    def gone():
        # The API server answers from its own cache as long as that reaches back, so a new one is asked.
        status, body = api_server.get(f"/api/v1/namespaces/{ns}/services?watch=1&timeoutSeconds=1&resourceVersion={before}")
        return status == 410 or b'"code":410' in body
    api_server.kill()
    api_server.start()
    eventually(gone, 10, "410 Gone")


def test_backends_say_who_they_are_and_count(backend):
    from harness.load import ask
    one = backend("one")
    tally = ask((one.address, one.port), 100, connections=4)
    assert (tally.answers["one"], one.requests, tally.failures) == (100, 100, [])
