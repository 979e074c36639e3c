"""One upstream: who asks, who answers, what share each endpoint gets, and what fails where."""
from .expressions import error_ratio, join, quantile, quantiles, rate, ratio, share
from .grafana import ORANGE, RED, Dashboard, thresholds, variable

U = 'namespace=~"$namespace",upstream="$upstream"'
LATENCY = "steelyard_upstream_request_duration_seconds"


def build() -> Dashboard:
    board = Dashboard("steelyard-upstream", "Steelyard / Upstream", "One upstream (a port of a Service), as all chosen proxies see it.", [
        variable("namespace", "Namespace of the proxies", "label_values(steelyard_config_endpoints, namespace)", every=True),
        variable("upstream", "Upstream", 'label_values(steelyard_upstream_hosts{namespace=~"$namespace"}, upstream)', every=False)])
    _now(board)
    _requests(board)
    _endpoints(board)
    _connections(board)
    return board


def _now(board: Dashboard):
    board.stat("Requests", "HTTP requests answered a second.", rate("steelyard_upstream_requests_total", U), "reqps", spark=True, width=4)
    board.stat("Errors", "Share of requests answered with 5xx or cut off in the middle.", error_ratio(U), "percentunit",
               thresholds((0.01, ORANGE), (0.05, RED)), spark=True, width=4)
    board.stat("Latency p50", "Half of the requests are faster.", quantile(0.5, LATENCY, U), "s", spark=True, width=4)
    board.stat("Latency p99", "One request in a hundred is slower.", quantile(0.99, LATENCY, U), "s", thresholds((0.5, ORANGE), (1, RED)), spark=True, width=4)
    board.stat("Ready endpoints", "Endpoints that take new requests, as the proxy sees it that sees fewest.",
               f'min(steelyard_upstream_hosts{{{U},state="ready"}})', "short",
               {"mode": "absolute", "steps": [{"color": RED, "value": None}, {"color": "green", "value": 1}]}, width=4)
    board.stat("Active", "Requests, TCP and upgraded connections under way.", f"sum(steelyard_upstream_active{join(U)})", "short", spark=True, width=4)


def _requests(board: Dashboard):
    board.row("Requests")
    board.series("Answers by class", "5xx holds the proxy's own 502, 503 and 504.",
                 [(rate("steelyard_upstream_requests_total", U, "code"), "{{code}}")], "reqps", stacked=True)
    board.series("Latency", "From a request's head to the last byte of its answer.", quantiles(LATENCY, U), "s")
    board.heatmap("Latency distribution", "How many requests fell into each bucket.",
                  f"sum by (le) (increase({LATENCY}_bucket{join(U)}[$__rate_interval]))", "s")
    board.series("Failures by reason", "What the proxies answered themselves or broke off.",
                 [(rate("steelyard_upstream_failures_total", U, "reason"), "{{reason}}")], "ops", stacked=True)
    board.series("Requests by proxy", "Who asks: the ten busiest proxies.",
                 [(f"topk(10, {rate('steelyard_upstream_requests_total', U, 'namespace, pod')})", "{{namespace}}/{{pod}}")], "reqps")
    board.series("Latency p99 by proxy", "The ten slowest: one proxy that stands out has a problem of its own.",
                 [(f"topk(10, {quantile(0.99, LATENCY, U, 'namespace, pod')})", "{{namespace}}/{{pod}}")], "s")


def _endpoints(board: Dashboard):
    board.row("Endpoints")
    weights = f"max by (address) (steelyard_endpoint_weight{join(U)} * steelyard_endpoint_ready{join(U)})"
    board.table("Endpoints", "Share of requests beside the share that the weight asks for. Failures: refused, timed-out or broken connections.", [
        ("Requests", rate("steelyard_endpoint_requests_total", U, "address"), "reqps", None),
        ("Share", share(rate("steelyard_endpoint_requests_total", U, "address"), rate("steelyard_endpoint_requests_total", U)), "percentunit", None),
        ("Share by weight", share(weights, f"sum({weights})"), "percentunit", None),
        ("Weight", f"max by (address) (steelyard_endpoint_weight{join(U)})", "short", None),
        ("Ready", f"min by (address) (steelyard_endpoint_ready{join(U)})", "bool_yes_no", None),
        ("Failures", rate("steelyard_endpoint_failures_total", U, "address"), "ops", thresholds((0.1, ORANGE))),
        ("Active", f"sum by (address) (steelyard_endpoint_active{join(U)})", "short", None),
    ], by="address")
    board.series("Requests by endpoint", "The twenty busiest.", [(f"topk(20, {rate('steelyard_endpoint_requests_total', U, 'address')})", "{{address}}")], "reqps")
    board.series("Failures by endpoint", "The twenty worst.", [(f"topk(20, {rate('steelyard_endpoint_failures_total', U, 'address')})", "{{address}}")], "ops")
    board.series("Endpoints by state", "The most that any proxy sees. draining: leaving, finishes its work; down: failed its health checks; weightless: weight 0; ejected: failed several times in a row.",
                 [(f"max by (state) (steelyard_upstream_hosts{join(U)})", "{{state}}")], "short", stacked=True)
    board.series("Health checks", "Active checks by result; 0 where none are declared. inconclusive: the proxy itself had no socket to spare.",
                 [(rate("steelyard_health_checks_total", U, "result"), "{{result}}")], "ops")
    board.series("Health transitions", "Endpoints found up or down in the interval, over all proxies.",
                 [(f"sum by (to) (increase(steelyard_health_transitions_total{join(U)}[$__rate_interval]))", "{{to}}")], "short")
    board.series("Cut while draining", "Requests and connections ended because an endpoint's drain time-out was over.",
                 [(rate("steelyard_upstream_drain_cuts_total", U), "cut")], "ops")


def _connections(board: Dashboard):
    board.row("Connections")
    connects = rate("steelyard_upstream_connects_total", U)
    reused = rate("steelyard_upstream_connections_reused_total", U)
    board.series("Connections", "Opened and failed a second.",
                 [(connects, "opened"), (rate("steelyard_upstream_connect_failures_total", U), "failed")], "cps")
    board.series("Reuse", "Share of requests that went over a pooled connection.", [(ratio(reused, f"({reused} + {connects})"), "reused")], "percentunit", maximum=1)
    board.series("Pool", "Idle connections in the pools and requests under way.",
                 [(f"sum(steelyard_upstream_connections_idle{join(U)})", "idle"), (f"sum(steelyard_upstream_active{join(U)})", "active")], "short")
    board.series("Retries", "Tries after the first one of a request.", [(rate("steelyard_upstream_retries_total", U), "retries")], "ops")
    board.series("Tunnels", "TCP and upgraded connections begun a second.", [(rate("steelyard_upstream_tunnels_total", U), "begun")], "cps")
    board.series("Bytes", "Passed on in each direction.",
                 [(rate("steelyard_upstream_sent_bytes_total", U), "to endpoints"), (rate("steelyard_upstream_received_bytes_total", U), "to clients")], "Bps")
