"""Control plane: does the controller see the cluster, and do the proxies have what it says."""
from .expressions import join, of_program, or_zero, quantile, quantiles, rate, ratio
from .grafana import ORANGE, RED, Dashboard, thresholds, variable

N = 'namespace=~"$namespace"'
CONTROLLER = "steelyard-controller"
BATCH = "steelyard_translate_batch_duration_seconds"
ACK = "steelyard_push_ack_duration_seconds"
YES_NO = [{"type": "value", "options": {"0": {"text": "no", "color": RED}, "1": {"text": "yes", "color": "green"}}}]


def build() -> Dashboard:
    board = Dashboard("steelyard-control-plane", "Steelyard / Control plane", "The controllers, and how proxies follow them.", [
        variable("namespace", "Namespace of the controllers", "label_values(steelyard_push_version, namespace)", every=True)])
    _now(board)
    _cluster(board)
    _push(board)
    _duties(board)
    _processes(board)
    return board


def _now(board: Dashboard):
    board.stat("Controllers ready", "Replicas that have the first lists and push.", f"sum(steelyard_ready{join(N)})", "short",
               {"mode": "absolute", "steps": [{"color": RED, "value": None}, {"color": "green", "value": 1}]})
    board.stat("Leaders", "Exactly one replica writes; every replica pushes.", f"sum(steelyard_controller_leader{join(N)})", "short",
               {"mode": "absolute", "steps": [{"color": RED, "value": None}, {"color": "green", "value": 1}, {"color": RED, "value": 2}]})
    board.stat("Proxies", "Connected to all replicas together.", f"sum(steelyard_push_proxies{join(N)})", "short", spark=True)
    board.stat("Behind", "Proxies with something not acknowledged yet. A push makes them so for some milliseconds.",
               f"sum(steelyard_push_proxies_behind{join(N)})", "short", thresholds((1, ORANGE)))
    board.stat("Refusing", "Proxies that refused the newest they were sent and keep what they had.",
               f"sum(steelyard_push_proxies_refusing{join(N)})", "short", thresholds((1, RED)))
    board.stat("Watching", "All watches are open.", f"min(steelyard_kube_watching{join(N)})", "short",
               {"mode": "absolute", "steps": [{"color": RED, "value": None}, {"color": "green", "value": 1}]}, mappings=YES_NO)
    board.stat("Problems", "What could not be translated as it stands; the controller's /problems names it.",
               f"max(steelyard_translate_problems{join(N)})", "short", thresholds((1, ORANGE)))
    board.stat("Next certificate ends in", "The CA's or the server's, whichever ends first; renewed when two thirds of its life are over.",
               f"min(steelyard_controller_certificate_expiry_timestamp_seconds{join(N)}) - time()", "s",
               {"mode": "absolute", "steps": [{"color": RED, "value": None}, {"color": ORANGE, "value": 86400}, {"color": "green", "value": 7 * 86400}]})


def _cluster(board: Dashboard):
    board.row("From the cluster")
    board.series("Changes", "Received over watches a second.", [(rate("steelyard_kube_events_total", N, "kind"), "{{kind}}")], "ops")
    board.series("Since the last sign of life", "A change or a bookmark of a watch; the API server sends a bookmark about once a minute.",
                 [(f"max by (kind) (steelyard_kube_last_event_age_seconds{join(N)})", "{{kind}}")], "s")
    board.series("Errors of the API server", "Requests that failed, by reason. gone: too old a version, answered by a new list; idle: a silent watch was closed.",
                 [(rate("steelyard_kube_errors_total", N, "reason"), "{{reason}}")], "ops")
    board.series("Lists and watches", "Completed lists and opened watches a second; a list means that a watch could not be resumed.",
                 [(rate("steelyard_kube_lists_total", N), "lists"), (rate("steelyard_kube_watches_total", N), "watches")], "ops")
    board.series("Last list", "How long the last list of each kind took; the slowest replica.",
                 [(f"max by (kind) (steelyard_kube_last_list_seconds{join(N)})", "{{kind}}")], "s")
    board.series("Objects", "What a replica holds of the cluster.", [(f"max by (kind) (steelyard_cluster_objects{join(N)})", "{{kind}}")], "short")
    board.series("Batches", "From taking a batch of changes to having handed it to the push sessions.", quantiles(BATCH, N), "s")
    board.series("Units a batch", "Services and slices translated, for each batch: how much one change sets off.",
                 [(ratio(rate("steelyard_translate_units_total", N), rate("steelyard_translate_batches_total", N)), "units")], "short")
    board.series("Versions", "Made a second, and resources left out because they break a limit.",
                 [(rate("steelyard_push_publishes_total", N), "versions"), (rate("steelyard_push_refused_resources_total", N), "left out")], "ops")


def _push(board: Dashboard):
    board.row("To the proxies")
    board.series("Sent to acknowledged", "How late a change is in force in the proxies, once sent.", quantiles(ACK, N), "s", thresholds((1, ORANGE)))
    board.series("Sent to acknowledged, p99 by replica", "One replica that stands out is short of CPU or network.",
                 [(quantile(0.99, ACK, N, "pod"), "{{pod}}")], "s")
    board.series("Frames", "Sent a second; snapshots are for proxies that are new or were away too long.",
                 [(rate("steelyard_push_frames_total", N, "type"), "{{type}}")], "ops")
    board.series("Answers", "acks and nacks a second.", [(rate("steelyard_push_answers_total", N, "type"), "{{type}}")], "ops")
    board.series("Bytes sent", "Of frames, over all proxies.", [(rate("steelyard_push_sent_bytes_total", N), "sent")], "Bps")
    board.series("Proxies by replica", "Connected, behind and refusing.",
                 [(f"steelyard_push_proxies{join(N)}", "{{pod}}"), (f"steelyard_push_proxies_behind{join(N)}", "{{pod}} behind"),
                  (f"steelyard_push_proxies_refusing{join(N)}", "{{pod}} refusing")], "short")
    board.series("Refused", "Connections and messages of proxies that were refused, by reason.",
                 [(rate("steelyard_push_refused_total", N, "reason"), "{{reason}}")], "ops")
    board.series("Sessions begun", "A peak means that proxies reconnect: a replica ended, or the network did.",
                 [(rate("steelyard_push_sessions_total", N), "sessions")], "ops")
    board.series("Refused wants", "Upstreams that a proxy asked for and its namespace may not have.",
                 [(rate("steelyard_push_refused_wants_total", N, "reason"), "{{reason}}")], "ops")
    board.series("Proxies: connected and in sync", "As the proxies say it, in all namespaces.",
                 [("sum(steelyard_controller_connected)", "connected"), ("sum(steelyard_config_in_sync)", "in sync"),
                  ('count(steelyard_build_info{program="steelyard-sidecar"})', "scraped")], "short")
    board.series("Proxies: what became of pushes", "As the proxies say it: applied as a snapshot or a delta, or refused.",
                 [("sum by (result) (rate(steelyard_config_pushes_total[$__rate_interval]))", "{{result}}")], "ops")
    board.series("Proxies: applying a push", "How long the last one took; the slowest proxy and the middle one.",
                 [("max(steelyard_config_last_apply_seconds)", "slowest"), ("quantile(0.5, steelyard_config_last_apply_seconds)", "middle")], "s")


def _duties(board: Dashboard):
    board.row("Leading, certificates, injection")
    board.series("Leader", "1 for the replica that leads.", [(f"steelyard_controller_leader{join(N)}", "{{pod}}")], "short", maximum=1)
    board.series("Changes of leader", "Times that replicas became leader or ceased to be, in the interval.",
                 [(f"sum by (pod) (increase(steelyard_controller_leader_transitions_total{join(N)}[$__rate_interval]))", "{{pod}}")], "short")
    board.series("Certificates end in", "Per replica: after a renewal all should agree.",
                 [(f"steelyard_controller_certificate_expiry_timestamp_seconds{join(N)} - time()", "{{pod}} {{certificate}}")], "s", minimum=None)
    board.series("Injections", "Pods that the webhook was asked about, by what became of them; 0 where it is off.",
                 [(or_zero(rate("steelyard_controller_injections_total", N, "result")), "{{result}}")], "ops")
    board.series("Events", "Kubernetes Events, by what became of them.", [(rate("steelyard_controller_events_total", N, "result"), "{{result}}")], "ops")
    board.series("Held to be pushed", "Resources, and removals remembered for proxies that come back.",
                 [(f"max by (kind) (steelyard_push_resources{join(N)})", "{{kind}}"), (f"max(steelyard_push_tombstones{join(N)})", "removals")], "short")


def _processes(board: Dashboard):
    board.row("Processes and metrics")
    board.series("CPU", "Cores in use.", [(of_program(f"rate(process_cpu_seconds_total{join(N)}[$__rate_interval])", N, CONTROLLER), "{{pod}}")], "none")
    board.series("Memory", "Resident.", [(of_program(f"process_resident_memory_bytes{join(N)}", N, CONTROLLER), "{{pod}}")], "bytes")
    board.series("File descriptors", "Open, of those allowed.",
                 [(of_program(f"process_open_fds{join(N)} / process_max_fds{join(N)}", N, CONTROLLER), "{{pod}}")], "percentunit", thresholds((0.8, ORANGE)))
    board.series("Connections of proxies", "Open, of those allowed.",
                 [(f"steelyard_push_connections{join(N)} / steelyard_push_connections_limit{join(N)}", "{{pod}}")], "percentunit", thresholds((0.8, ORANGE)))
    board.series("Series of the limit", "Of all programs; the ten nearest to it. Beyond it endpoints are left out of /metrics.",
                 [("topk(10, steelyard_metrics_series / steelyard_metrics_series_limit)", "{{pod}}")], "percentunit", thresholds((0.8, ORANGE)))
    board.series("Series left out", "A second, over all programs and scrapes.", [("sum(rate(steelyard_metrics_series_dropped_total[$__rate_interval]))", "left out")], "short")
