"""The CustomResourceDefinition of the chart on a real API server: what it lets in, and what it refuses with which words."""
import copy
from pathlib import Path

import pytest
import yaml

from harness.objects import namespace, policy
from harness.policies import EVERYTHING, install


@pytest.fixture
def crd(kubectl):
    install(kubectl)


EXAMPLES = Path(__file__).parents[2] / "examples/policy/policies.yaml"
HASH = {"algorithm": "Maglev"}


def apply(kubectl, one: dict) -> str:
    """What kubectl says to a server-side dry run: nothing is left behind. Strict, as kubectl is by default."""
    return kubectl("apply", "--dry-run=server", "-f", "-", stdin=yaml.safe_dump(one), check=False)


def test_every_field_is_let_in(crd, kubectl, ns):
    assert "created (server dry run)" in apply(kubectl, policy(ns, section="http", **EVERYTHING))
    assert "created (server dry run)" in apply(kubectl, policy(ns))
    for name in ("WeightedRoundRobin", "RoundRobin", "LeastRequest", "LeastConnections", "LeastResponseTime", "Random"):
        assert "created" in apply(kubectl, policy(ns, algorithm=name)), name


def test_the_examples_are_let_in(crd, kubectl):
    kubectl.apply(namespace("shop"))
    answer = kubectl("apply", "--dry-run=server", "-f", str(EXAMPLES), check=False)
    assert answer.count("created (server dry run)") == EXAMPLES.read_text().count("kind: LoadBalancingPolicy"), answer


def test_the_examples_can_be_read_from_files(tmp_path, manifest_controller):
    directory = tmp_path / "manifests"
    directory.mkdir()
    (directory / "policies.yaml").write_text(EXAMPLES.read_text())
    control = manifest_controller(directory).wait_ready()
    assert control.metric("steelyard_manifest_problems") == 0
    assert control.metric("steelyard_policies", reason="TargetNotFound") == EXAMPLES.read_text().count("kind: LoadBalancingPolicy")


def edit(names: int) -> dict:
    return {"set": [{"name": f"s{i}", "value": "x"} for i in range(names)], "add": [{"name": f"a{i}", "value": "x"} for i in range(names)],
            "remove": [f"r{i}" for i in range(names)]}


REFUSED = {
    "unknown field": ({"algoritm": "Random"}, 'unknown field "spec.algoritm"'),
    "algorithm": ({"algorithm": "random"}, 'Unsupported value: "random": supported values: "WeightedRoundRobin"'),
    "no targets": ({"targetRefs": []}, "spec.targetRefs: Invalid value"),
    "17 targets": ({"targetRefs": [{"name": f"s{i}"} for i in range(17)]}, "spec.targetRefs: Too many: 17: must have at most 16 items"),
    "a target twice": ({"targetRefs": [{"name": "web"}, {"name": "web", "sectionName": "http"}, {"name": "web"}]}, "a target is named twice"),
    "another kind": ({"targetRefs": [{"kind": "Gateway", "name": "web"}]}, 'Unsupported value: "Gateway": supported values: "Service"'),
    "another group": ({"targetRefs": [{"group": "apps", "name": "web"}]}, 'spec.targetRefs[0].group: Unsupported value: "apps"'),
    "a Service's name": ({"targetRefs": [{"name": "Web"}]}, "spec.targetRefs[0].name"),
    "hash without hashing": ({"consistentHash": {}}, "consistentHash belongs to the algorithms RingHash and Maglev"),
    "nodes of Maglev": ({**HASH, "consistentHash": {"virtualNodes": 5}}, "consistentHash.virtualNodes belongs to the algorithm RingHash"),
    "table of RingHash": ({"algorithm": "RingHash", "consistentHash": {"tableSize": 251}},
                          "consistentHash.tableSize belongs to the algorithm Maglev"),
    "a key's name": ({**HASH, "consistentHash": {"key": {"type": "Header"}}}, "name is required unless type is ClientIP"),
    "a name for ClientIP": ({**HASH, "consistentHash": {"key": {"type": "ClientIP", "name": "x"}}},
                            "name belongs to the types Header, Cookie and Query"),
    "a header's name": ({**HASH, "consistentHash": {"key": {"type": "Header", "name": "a(b"}}}, "is not the name of such a header"),
    "a parameter's name": ({**HASH, "consistentHash": {"key": {"type": "Query", "name": "a=b"}}}, "is not the name of such a header"),
    "an even table": ({**HASH, "consistentHash": {"tableSize": 65536}}, "must be a prime"),
    "a square of a prime": ({**HASH, "consistentHash": {"tableSize": 1021 * 1021}}, "must be a prime"),
    "a small table": ({**HASH, "consistentHash": {"tableSize": 241}}, "should be greater than or equal to 251"),
    "a load factor": ({**HASH, "consistentHash": {"loadFactorPercent": 99}}, "should be greater than or equal to 100"),
    "a window": ({"slowStart": {"window": "2h"}}, "spec.slowStart.window: Invalid value: \"2h\": must be from 1ms to 1h"),
    "a share": ({"slowStart": {"minimumPercent": 0}}, "spec.slowStart.minimumPercent"),
    "a mode": ({"locality": {"mode": "SameZone"}}, 'spec.locality.mode: Unsupported value: "SameZone"'),
    "no mode": ({"locality": {}}, "spec.locality.mode: Required value"),
    "no type of check": ({"healthCheck": {"interval": "1s"}}, "spec.healthCheck.type: Required value"),
    "HTTP's fields": ({"healthCheck": {"type": "TCP", "path": "/"}}, "path, host and expectedStatuses belong to a check of type HTTP"),
    "an interval": ({"healthCheck": {"type": "TCP", "interval": "50ms"}}, "spec.healthCheck.interval: Invalid value: \"50ms\": must be from 100ms to 1h"),
    "a fraction": ({"healthCheck": {"type": "TCP", "interval": "1.5s"}}, "should match '^([0-9]{1,5}(h|m|s|ms)){1,4}$'"),
    "a path": ({"healthCheck": {"type": "HTTP", "path": "x"}}, "spec.healthCheck.path"),
    "statuses": ({"healthCheck": {"type": "HTTP", "expectedStatuses": ["399-200"]}}, "a range begins with the lower code"),
    "a status": ({"healthCheck": {"type": "HTTP", "expectedStatuses": ["99"]}}, "spec.healthCheck.expectedStatuses[0]"),
    "a number for a time": ({"drainTimeout": 30}, "spec.drainTimeout"),
    "a long time": ({"drainTimeout": "25h"}, "must be from 0s to 24h"),
    "a PROXY protocol": ({"proxyProtocol": "v2"}, 'spec.proxyProtocol: Unsupported value: "v2"'),
    "a time-out": ({"timeouts": {"connect": "0s"}}, "must be from 10ms to 24h"),
    "no host": ({"http": {"host": {"type": "Rewrite"}}}, "value is required with the type Rewrite and belongs to no other"),
    "a host kept": ({"http": {"host": {"type": "Preserve", "value": "x"}}}, "value is required with the type Rewrite and belongs to no other"),
    "a host": ({"http": {"host": {"type": "Rewrite", "value": "a/b"}}}, "spec.http.host.value"),
    "half a path": ({"http": {"path": {"prefix": "/"}}}, "spec.http.path.replacement: Required value"),
    "a query in a path": ({"http": {"path": {"prefix": "/?a", "replacement": "/"}}}, "spec.http.path.prefix"),
    "a fragment in a path": ({"http": {"path": {"prefix": "/", "replacement": "/#a"}}}, "spec.http.path.replacement"),
    "nowhere": ({"http": {"redirect": {"statusCode": 302}}}, "one of scheme, host and port is required"),
    "a code": ({"http": {"redirect": {"port": 1, "statusCode": 200}}}, "spec.http.redirect.statusCode"),
    "a framing field": ({"http": {"requestHeaders": {"set": [{"name": "Content-Length", "value": "1"}]}}}, "is the proxy's own to write"),
    "a framing field removed": ({"http": {"requestHeaders": {"remove": ["HOST"]}}}, "is the proxy's own to write"),
    "a field for proxies": ({"http": {"responseHeaders": {"set": [{"name": "Proxy-Status", "value": "1"}]}}}, "is the proxy's own to write"),
    "who asked": ({"http": {"requestHeaders": {"add": [{"name": "X_Forwarded_For", "value": "1"}]}}},
                  "add: a field that frames messages, holds for one hop or tells who asked is the proxy's own to write"),
    "long heads": ({"http": {"requestHeaders": {"set": [{"name": f"a{i}", "value": "x" * 1000} for i in range(5)]}}}, "at most 4096 bytes in all"),
    "a field twice": ({"http": {"requestHeaders": {"remove": ["a", "A"]}}}, "remove: a field is named twice"),
    "a field in two lists": ({"http": {"requestHeaders": {"set": [{"name": "a", "value": ""}], "remove": ["A"]}}},
                             "a field is in set and in remove"),
    "a line break": ({"http": {"responseHeaders": {"add": [{"name": "a", "value": "b\r\nc"}]}}}, "spec.http.responseHeaders.add[0].value"),
    "a name with a blank": ({"http": {"responseHeaders": {"add": [{"name": "a b", "value": "c"}]}}}, "spec.http.responseHeaders.add[0].name"),
    "no value": ({"http": {"responseHeaders": {"add": [{"name": "a"}]}}}, "spec.http.responseHeaders.add[0].value: Required value"),
    "33 changes": ({"http": {"requestHeaders": edit(11)}}, "at most 32 changes in all"),
    "17 changes of a kind": ({"http": {"requestHeaders": {"remove": [f"r{i}" for i in range(17)]}}}, "must have at most 16 items"),
    "a coding twice": ({"http": {"compression": {"algorithms": ["Gzip", "Gzip"]}}}, 'spec.http.compression.algorithms[1]: Duplicate value: "Gzip"'),
    "a coding": ({"http": {"compression": {"algorithms": ["deflate"]}}}, 'Unsupported value: "deflate"'),
    "a media type": ({"http": {"compression": {"types": ["Text/HTML"]}}}, "spec.http.compression.types[0]"),
    "a size": ({"http": {"cache": {"maximumBytes": "16M"}}}, "spec.http.cache.maximumBytes"),
    "a small cache": ({"http": {"cache": {"maximumBytes": 1000}}}, "must be from 64Ki to 16Gi"),
    "a large cache": ({"http": {"cache": {"maximumBytes": "17Gi"}}}, "must be from 64Ki to 16Gi"),
    "a large object": ({"http": {"cache": {"maximumBytes": "1Mi", "maximumObjectBytes": "2Mi"}}}, "maximumObjectBytes is more than maximumBytes"),
    "an object beyond the default": ({"http": {"cache": {"maximumObjectBytes": "17Mi"}}}, "maximumObjectBytes is more than maximumBytes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(crd, kubectl, ns, case):
    spec, says = REFUSED[case]
    answer = apply(kubectl, policy(ns, **spec))
    assert says in answer, answer
    assert "created" not in answer


def test_what_is_written_into_the_status_with_the_spec_is_dropped(crd, kubectl, ns):
    one = policy(ns)
    one["status"] = {"observedGeneration": 7}
    kubectl.apply(one)
    assert kubectl("get", "lbp", "web", "-n", ns, "-o", "jsonpath={.status}") == ""


def test_kubectl_shows_what_matters(crd, kubectl, ns):
    kubectl.apply(policy(ns, algorithm="Random"))
    head, line = kubectl("get", "lbp", "-n", ns).splitlines()
    assert head.split() == ["NAME", "TARGET", "ALGORITHM", "ACCEPTED", "AGE"]
    assert line.split()[:3] == ["web", "web", "Random"]
    explained = kubectl("explain", "lbp.spec.consistentHash.tableSize")
    assert "Maglev: entries of the table, a prime." in explained


def test_a_policy_of_today_can_be_changed_tomorrow(crd, kubectl, ns):
    """An update is held to the same rules."""
    kubectl.apply(policy(ns, **EVERYTHING))
    worse = copy.deepcopy(EVERYTHING)
    worse["drainTimeout"] = "25h"
    assert "must be from 0s to 24h" in apply(kubectl, policy(ns, **worse))
