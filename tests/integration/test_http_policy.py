"""What a policy makes of requests and answers: fields, Host, path, redirects; and what the proxy answers itself."""
import json

import pytest

from harness.configured import ConfiguredSidecar
from harness.http_client import HttpConnection, get
from harness.manifests import static_service, write
from harness.objects import policy as policy_object
from harness.wait import eventually

HSTS = "max-age=31536000; includeSubDomains"


@pytest.fixture
def proxy(tmp_path, processes):
    """proxy({policy}, backend...) starts one."""
    def start(policy: dict, *backends, **options) -> ConfiguredSidecar:
        one = ConfiguredSidecar(tmp_path, *((each.address, each.port) for each in backends), policy=policy, **options)
        processes.append(one)
        return one.start().wait_answering()
    return start


@pytest.mark.sanitizer
def test_fields_host_and_path_are_changed_on_the_way(proxy, backend, tmp_path):
    one, log = backend("one"), tmp_path / "access.log"
    running = proxy({"http": {
        "host": "web.internal", "path": {"prefix": "/api", "replacement": "/"},
        "request_headers": [{"kind": "set", "name": "X-Env", "value": "test"}, {"kind": "remove", "name": "Cookie", "value": ""}],
        "response_headers": [{"kind": "set", "name": "Strict-Transport-Security", "value": HSTS},
                             {"kind": "set", "name": "X-Backend", "value": "hidden"}]}}, one,
        arguments=("--access-log", str(log), "--access-log-format", "%{path} %{host}"))
    answer = get(running.address, "/api/echo?a=b", headers="Cookie: secret\r\nX-Env: forged\r\n")
    assert answer.headers["strict-transport-security"] == HSTS and answer.headers["x-backend"] == "hidden"
    assert one.paths == {"/echo?a=b"}
    assert get(running.address, "/apix").status == 200 and "/apix" in one.paths
    seen = get(running.address, "/api/echo", headers="Cookie: secret\r\nX-Env: forged\r\n").body.decode()
    assert seen.startswith("GET /echo HTTP/1.1\r\nHost: web.internal\r\n")
    assert "X-Forwarded-Host: test" in seen and "X-Env: test" in seen
    assert "secret" not in seen and "forged" not in seen
    eventually(lambda: "/api/echo?a=b test" in log.read_text(), what="the client's own path and host in the log")


@pytest.mark.sanitizer
def test_the_proxys_own_answers_have_the_fields_as_well(proxy):
    running = proxy({"http": {"response_headers": [{"kind": "set", "name": "Strict-Transport-Security", "value": HSTS}]}})
    assert get(running.address).headers["strict-transport-security"] == HSTS, "503: there is no endpoint"
    with HttpConnection(running.address) as connection:
        connection.send_raw(b"GET / HTTP/1.1\r\nHost: a\r\nbad header: x\r\n\r\n")
        answer = connection.receive()
        assert (answer.status, answer.headers["strict-transport-security"]) == (400, HSTS)


@pytest.mark.sanitizer
def test_redirects_keep_the_connection_and_reach_nobody(proxy, backend):
    one = backend("one")
    running = proxy({"http": {"redirect": {"scheme": "https", "status": 308}}}, one)
    with HttpConnection(running.address) as connection:
        for path in ("/", "/a?b=c", "//evil.test/x", "/x\\y"):
            answer = connection.request(path)
            assert (answer.status, answer.headers["location"]) == (308, "https://test" + path.replace("\\", "%5C"))
        assert connection.request("/", "POST", body=b"x" * 100_000).status == 308
        connection.send_raw(b"".join(b"PUT /%d HTTP/1.1\r\nHost: test:81\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" % n
                                     for n in range(5)))
        assert [connection.receive().headers["location"] for _ in range(5)] == [f"https://test/{n}" for n in range(5)]
    assert one.accepted == 0
    eventually(lambda: running.metric("steelyard_upstream_requests_total", code="3xx") == 10, what="the count")


def test_what_would_break_an_answer_up_never_reaches_location(proxy):
    running = proxy({"http": {"redirect": {"scheme": "https"}}})
    for target, host in ((b"/\r\nSet-Cookie: a", b"test"), (b"/a\nb", b"test"), (b"/", b"test\r\n x"), (b"/", b"te st"),
                         (b"/", b"user@test"), (b"/", b"test/x"), (b"/a\tb", b"test")):
        with HttpConnection(running.address) as connection:
            connection.send_raw(b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (target, host))
            assert connection.receive().status == 400, (target, host)
    with HttpConnection(running.address) as connection:
        connection.send_raw(b"GET / HTTP/1.0\r\n\r\n")
        assert connection.receive().status == 400, "nobody knows where to"


def test_trace_options_and_connect(proxy, backend):
    one = backend("one")
    running = proxy({}, one)
    trace = get(running.address, "/", "TRACE", headers="Max-Forwards: 0\r\nCookie: secret\r\n")
    assert trace.status == 405 and b"secret" not in trace.body and "TRACE" not in trace.headers["allow"]
    options = get(running.address, "/", "OPTIONS", headers="Max-Forwards: 0\r\n")
    assert options.status == 200 and "allow" not in options.headers
    assert one.requests == 0
    assert b"Max-Forwards: 6\r\n" in get(running.address, "/echo", "OPTIONS", headers="Max-Forwards: 7\r\n").body
    with HttpConnection(running.address) as connection:
        connection.send_raw(b"CONNECT 10.77.0.1:22 HTTP/1.1\r\nHost: 10.77.0.1:22\r\n\r\n")
        assert connection.receive().status == 405 and connection.closed_by_peer()
    assert running.metric("steelyard_http_malformed_requests_total", fault="bad_connect") == 1


def test_time_outs_of_the_upstream(proxy, backend):
    one = backend("one")
    running = proxy({"timeouts": {"response_ms": 200}}, one)
    assert get(running.address, "/hold").status == 504


def test_a_policy_that_cannot_be_is_refused_with_its_field(tmp_path, processes):
    for policy, problem in (
            ({"request_headers": [{"kind": "set", "name": "Host", "value": "x"}]}, "request_headers[0].name: 'Host' is the proxy's own"),
            ({"response_headers": [{"kind": "set", "name": "a", "value": "b\r\nc: d"}]}, "response_headers[0].value"),
            ({"path": {"prefix": "api", "replacement": "/"}}, "path.prefix: 'api' is not a path"),
            ({"redirect": {"scheme": "javascript"}}, "redirect.scheme: 'javascript' is neither http nor https")):
        one = ConfiguredSidecar(tmp_path, policy={"http": policy}, name="wrong")
        processes.append(one)
        one.start()
        assert one.wait() != 0, json.dumps(policy)
        assert problem in one.log(), one.tail()


def test_the_same_as_an_object_in_a_directory(tmp_path, manifest_controller, sidecar, backend):
    one, directory = backend("one"), tmp_path / "manifests"
    static_service(directory, one)

    def put(**http):
        write(directory, "policy.yaml", policy_object("shop", http=http))

    put(host={"type": "Rewrite", "value": "web.internal"}, path={"prefix": "/api", "replacement": "/"},
        requestHeaders={"set": [{"name": "X-Env", "value": "test"}], "remove": ["Cookie"]},
        responseHeaders={"set": [{"name": "Strict-Transport-Security", "value": HSTS}], "add": [{"name": "Via", "value": "1.1 edge"}]})
    running = sidecar(manifest_controller(directory), "web.shop:80").wait_ready_hosts(one)
    with HttpConnection(running.address_of()) as connection:
        answer = connection.request("/api/echo", headers="Cookie: secret\r\n")
        assert answer.headers["strict-transport-security"] == HSTS and answer.headers["via"] == "1.1 edge"
        seen = answer.body.decode()
        assert seen.startswith("GET /echo HTTP/1.1\r\nHost: web.internal\r\n") and "X-Env: test" in seen and "secret" not in seen
        put(redirect={"scheme": "https", "host": "www.test", "statusCode": 302})
        eventually(lambda: connection.request("/a").status == 302, what="the new policy, on the connection that is open")
        assert connection.request("/a?b").headers["location"] == "https://www.test/a?b"
        # A change that cannot be leaves the last good one in force.
        put(requestHeaders={"set": [{"name": "Content-Length", "value": "1"}]})
        eventually(lambda: "Content-Length" in (tmp_path / "controller.log").read_text(), what="the problem in the log")
        assert connection.request("/a").status == 302
