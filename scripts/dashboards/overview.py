"""Overview: is traffic served, how fast, by which proxies; the first page to look at."""
from .expressions import error_ratio, join, of_program, or_zero, quantile, quantiles, rate, ratio
from .grafana import ORANGE, RED, Dashboard, thresholds, variable

N = 'namespace=~"$namespace"'
SIDECAR = "steelyard-sidecar"


def build() -> Dashboard:
    board = Dashboard("steelyard-overview", "Steelyard / Overview", "All traffic that Steelyard's proxies carry.", [
        variable("namespace", "Namespace of the proxies", "label_values(steelyard_config_endpoints, namespace)", every=True)])
    _now(board)
    _traffic(board)
    _upstreams(board)
    _connections(board)
    _proxies(board)
    return board


def _now(board: Dashboard):
    board.stat("Requests", "HTTP requests answered a second, over all proxies.", rate("steelyard_upstream_requests_total", N), "reqps", spark=True)
    board.stat("Errors", "Of all requests, those answered with 5xx (by an endpoint or by the proxy) or cut off in the middle.",
               error_ratio(N), "percentunit", thresholds((0.01, ORANGE), (0.05, RED)), spark=True)
    board.stat("Latency p99", "From a request's head to the last byte of its answer, as clients are served.",
               quantile(0.99, "steelyard_upstream_request_duration_seconds", N), "s", thresholds((0.5, ORANGE), (1, RED)), spark=True)
    board.stat("Client connections", "Open now.", f"sum(steelyard_client_connections{join(N)})", "short", spark=True)
    board.stat("Proxies", "Proxies that are scraped.", f'count(steelyard_build_info{{{N},program="{SIDECAR}"}})', "short")
    board.stat("Upstreams without endpoint", "Upstreams of which no proxy has an endpoint that takes requests.",
               or_zero(f'count(max by (upstream) (steelyard_upstream_hosts{{{N},state="ready"}}) == 0)'), "short", thresholds((1, RED)))
    board.stat("Proxies out of sync", "Proxies whose configuration is not known to be the controller's newest.",
               or_zero(f"count(steelyard_config_in_sync{join(N)} == 0)"), "short", thresholds((1, ORANGE)))
    board.stat("Alerts", "Steelyard's alerts that fire, in all namespaces.",
               or_zero('count(ALERTS{alertname=~"Steelyard.+",alertstate="firing"})'), "short", thresholds((1, RED)))


def _traffic(board: Dashboard):
    board.row("Traffic")
    board.series("Requests by upstream", "The ten busiest upstreams.",
                 [(f"topk(10, {rate('steelyard_upstream_requests_total', N, 'upstream')})", "{{upstream}}")], "reqps")
    board.series("Errors by upstream", "Share of requests answered with 5xx or cut off; the ten worst.",
                 [(f"topk(10, {error_ratio(N, 'upstream')})", "{{upstream}}")], "percentunit", thresholds((0.05, RED)))
    board.series("Latency", "Over all upstreams.", quantiles("steelyard_upstream_request_duration_seconds", N), "s")
    board.series("Answers by class", "5xx holds the proxy's own 502, 503 and 504.",
                 [(rate("steelyard_upstream_requests_total", N, "code"), "{{code}}")], "reqps", stacked=True)
    board.series("Failures by reason", "What the proxies answered themselves or broke off. no_host: no endpoint is ready; connect: none could be "
                 "reached; upstream_*: an endpoint broke off or spoke no HTTP; client_gone: the client left.",
                 [(rate("steelyard_upstream_failures_total", N, "reason"), "{{reason}}")], "ops", stacked=True)
    board.series("Bytes", "Payload passed on in each direction.",
                 [(rate("steelyard_upstream_sent_bytes_total", N), "to endpoints"), (rate("steelyard_upstream_received_bytes_total", N), "to clients")], "Bps")


def _upstreams(board: Dashboard):
    board.row("Upstreams")
    board.table("Upstreams", "One line for each upstream in use; a click on its name opens its own dashboard.", [
        ("Requests", rate("steelyard_upstream_requests_total", N, "upstream"), "reqps", None),
        ("Errors", error_ratio(N, "upstream"), "percentunit", thresholds((0.01, ORANGE), (0.05, RED))),
        ("p99", quantile(0.99, "steelyard_upstream_request_duration_seconds", N, "upstream"), "s", thresholds((0.5, ORANGE), (1, RED))),
        ("Tunnels", rate("steelyard_upstream_tunnels_total", N, "upstream"), "cps", None),
        ("Ready endpoints", f'max by (upstream) (steelyard_upstream_hosts{{{N},state="ready"}})', "short",
         {"mode": "absolute", "steps": [{"color": RED, "value": None}, {"color": "green", "value": 1}]}),
        ("Down", f'max by (upstream) (steelyard_upstream_hosts{{{N},state="down"}})', "short", thresholds((1, ORANGE))),
        ("Active", f"sum by (upstream) (steelyard_upstream_active{join(N)})", "short", None),
    ], by="upstream", link={"title": "Open this upstream", "targetBlank": False,
                            "url": "/d/steelyard-upstream?var-upstream=${__data.fields.upstream}&${datasource:queryparam}&${namespace:queryparam}"})


def _connections(board: Dashboard):
    board.row("Connections")
    board.series("Client connections", "Accepted and refused a second; refused: at --max-connections, or the system had no socket left.",
                 [(rate("steelyard_client_connections_total", N), "accepted"), (rate("steelyard_client_connections_refused_total", N, "reason"), "refused: {{reason}}")], "cps")
    board.series("Connections to endpoints", "Opened, failed, and requests over a pooled one.",
                 [(rate("steelyard_upstream_connects_total", N), "opened"), (rate("steelyard_upstream_connect_failures_total", N), "failed"),
                  (rate("steelyard_upstream_connections_reused_total", N), "reused")], "ops")
    board.series("Retries", "Tries after the first, by upstream; the ten highest.",
                 [(f"topk(10, {rate('steelyard_upstream_retries_total', N, 'upstream')})", "{{upstream}}")], "ops")
    board.series("Captured connections", "What became of connections that were redirected to the proxy. passthrough: the destination is no Service that is known. "
                 "refused: it cannot be served. 0 where nothing is captured.",
                 [(or_zero(rate("steelyard_capture_connections_total", N, "outcome")), "{{outcome}}")], "cps", stacked=True)
    board.series("Malformed requests", "Requests refused before any endpoint saw them, by fault.",
                 [(rate("steelyard_http_malformed_requests_total", N, "fault"), "{{fault}}")], "reqps")
    board.series("Connections in use of the limit", "Per proxy; at 100% new clients are closed unserved.",
                 [(f"sum without (worker) (steelyard_client_connections{join(N)}) / steelyard_client_connections_limit{join(N)}", "{{pod}}")],
                 "percentunit", thresholds((0.8, ORANGE)))


def _proxies(board: Dashboard):
    board.row("Proxies")
    board.series("CPU", "Cores in use, per proxy; the ten busiest.",
                 [(f"topk(10, {of_program(f'rate(process_cpu_seconds_total{join(N)}[$__rate_interval])', N, SIDECAR)})", "{{pod}}")], "none")
    board.series("Memory", "Resident, per proxy; the ten largest.",
                 [(f"topk(10, {of_program(f'process_resident_memory_bytes{join(N)}', N, SIDECAR)})", "{{pod}}")], "bytes")
    board.series("CPU a request", "Seconds of CPU of all proxies for each request answered.",
                 [(ratio(f"sum({of_program(f'rate(process_cpu_seconds_total{join(N)}[$__rate_interval])', N, SIDECAR)})", rate("steelyard_upstream_requests_total", N)), "a request")], "s")
    board.series("Endpoints by state", "As the proxies see them, added up over upstreams; the most that any proxy sees.",
                 [(f"sum by (state) (max by (upstream, state) (steelyard_upstream_hosts{join(N)}))", "{{state}}")], "short", stacked=True)
    board.series("Configuration age", "Since a proxy last heard from the controller; 0 while in sync. The ten oldest.",
                 [(f"topk(10, steelyard_config_age_seconds{join(N)})", "{{pod}}")], "s", thresholds((300, ORANGE)))
    board.series("Versions", "Proxies by the version they run; draining: told to go.",
                 [(f'count by (version) (steelyard_build_info{{{N},program="{SIDECAR}"}})', "{{version}}"),
                  (f"sum(steelyard_draining{join(N)})", "draining")], "short")
