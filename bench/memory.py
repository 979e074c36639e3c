"""Part `memory`: how large the controller and the proxies are, and how soon a controller that starts has every proxy in sync.

Controller and proxies start together, three times: the edge, which wants every endpoint of the cluster, and an ordinary sidecar,
which wants one Service. A proxy is in sync when /readyz says so; that it has every endpoint is checked afterwards, outside the
time. Memory is read two seconds later, with no traffic: VmRSS, and VmHWM for the peak that the start took.
"""

import contextlib
import statistics
import time

import cluster
import common
import procstat
import programs

SIZES = [(1000, 10), (5000, 20)]
STARTS = 3
PATIENCE = 60
SETTLE = 2.0
UPSTREAM = f"service-00000.{cluster.NAMESPACE}:80"


def _start_once(kubernetes, number):
    """One start of everything: seconds to sync and what memory each program has."""
    with common.scratch("memory") as directory, contextlib.ExitStack() as stack:
        start = time.monotonic()
        controller = stack.enter_context(programs.Controller(directory, kubernetes.kubeconfig))
        sidecar = stack.enter_context(programs.Sidecar(directory, "sidecar", controller.push_port, [UPSTREAM]))
        edge = stack.enter_context(programs.Sidecar(directory, "edge", controller.push_port))
        in_sync = {}
        for program in (sidecar, edge):
            common.wait_for(program.ready, f"{program.name} in sync", PATIENCE, program, pause=0.005)
            in_sync[program.name] = time.monotonic() - start
        time.sleep(SETTLE)
        memory = {program.name: procstat.memory(program.pid) for program in (controller, sidecar, edge)}
        _check(sidecar, kubernetes.endpoints)
        _check(edge, kubernetes.endpoints * kubernetes.services)
        controller.check()
        common.say(f"memory: start {number + 1} of {STARTS}: in sync after {max(in_sync.values()):.2f} s")
        return max(in_sync.values()), memory


def _check(proxy, expected):
    known = proxy.hosts()
    # The edge has bench/target's endpoint as well when the propagation part has run before.
    if not expected <= known <= expected + 1:
        raise common.CannotRun(f"{proxy.name} says it is ready and has {known} endpoints, not {expected}")


def _row(kubernetes):
    starts = [_start_once(kubernetes, number) for number in range(STARTS)]
    seconds = [each[0] for each in starts]

    def middle(name, key):
        return round(statistics.median(memory[name][key] for _, memory in starts), 1)

    return {"services": kubernetes.services, "endpoints_each": kubernetes.endpoints,
            "in_sync_s": round(statistics.median(seconds), 2), "in_sync_max_s": round(max(seconds), 2),
            **{f"{name}_{key}": middle(name, key)
               for name in ("controller", "edge", "sidecar") for key in ("rss_mb", "peak_mb")}}


def run(options, clusters):
    """The part's result: a row for each size of cluster."""
    for program in ("steelyard-controller", "steelyard-sidecar"):
        common.product(program)
    sizes = [(100, 10)] if options.quick else SIZES
    rows, missing = [], {}
    for services, endpoints in sizes:
        try:
            rows.append(_row(clusters.get(services, endpoints)))
        except common.CannotRun as reason:
            missing[f"{services} x {endpoints}"] = str(reason)
    if not rows:
        raise common.CannotRun("; ".join(f"{size}: {reason}" for size, reason in missing.items()))
    return {"rows": rows, "starts": STARTS, "not_measured": missing}


def tables(result):
    """The result as [(title, header, lines)]."""
    lines = []
    for row in result["rows"]:
        pairs = [f"{row[f'{name}_rss_mb']:.1f} / {row[f'{name}_peak_mb']:.1f}" for name in ("controller", "edge", "sidecar")]
        lines.append([f"{row['services']} x {row['endpoints_each']}", *pairs, f"{row['in_sync_s']:.2f}",
                      f"{row['in_sync_max_s']:.2f}"])
    return [(f"Memory (RSS / peak, MB of 10^6 bytes) and start to every proxy in sync, {result['starts']} starts",
             ["Services x endpoints", "controller", "proxy, everything", "proxy, one Service, idle", "in sync s (median)",
              "in sync s (worst)"], lines)]
