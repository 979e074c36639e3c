"""Part `cpu`: what a proxied keep-alive request costs in CPU time, beside other proxies, in one run. (Part `shapes` is the same for
other kinds of traffic.)

The load generator and the origin share one core, the proxy has another to itself and one thread. The figure is the CPU time of
the proxy's processes (utime + stime) over the requests that were answered: the median of the rounds, whose order is interleaved
so that a change of the machine's mood meets every proxy. A ratio within one run holds; an absolute figure does not travel.
"""

import contextlib
import itertools
import statistics

import common
import peers
import procstat
import routes
import workloads


def measure(program, workload, seconds, core):
    """One proxy, one round."""
    before = procstat.cpu_us(program.pid)
    report = workload.load(program.port, seconds, core)
    cpu = procstat.cpu_us(program.pid) - before
    program.check()
    if report["requests"] == 0:
        raise common.CannotRun("nothing came through it")
    return {
        "cpu_us": round(cpu / report["requests"], 2),
        "requests_per_second": round(report["requests"] * 1e6 / report["duration"]),
        "p50_us": report["p50"], "p99_us": report["p99"],
        "errors": report["bad_status"] + report["broken"],
    }


def _row(name, workload, rounds, memory):
    middle = {key: statistics.median(r[key] for r in rounds) for key in ("cpu_us", "requests_per_second", "p50_us", "p99_us")}
    return {"proxy": name, "workload": workload.key, "title": workload.title, "of": workload.of, "connections": workload.connections, **middle,
            "errors": sum(r["errors"] for r in rounds), "rss_mb": memory["rss_mb"],
            "rounds_cpu_us": [r["cpu_us"] for r in rounds]}


class _Setting:
    """An origin and the proxies before it, for the workloads that want the same ones."""

    def __init__(self, stack, group, cores, missing):
        self.load_core, proxy_core = cores
        self.missing = missing
        self.title = group[0].title
        directory = stack.enter_context(common.scratch("cpu"))
        origin = stack.enter_context(peers.start_origin(group[0].origin, directory, self.load_core))
        self.programs = {}
        for name in dict.fromkeys(name for workload in group for name in workload.proxies):
            try:
                program = self.start(name, directory, peers.addresses(origin.port, group[0].backends), proxy_core, group[0].routes)
                stack.enter_context(program)
                # Fills pools and caches, and shows that it answers.
                next(w for w in group if name in w.proxies).load(program.port, 1, self.load_core)
                self.programs[name] = program
            except common.CannotRun as reason:
                self.drop(name, self.title, reason)

    @staticmethod
    def start(name, directory, origins, core, count):
        if count == 1:
            return peers.start(name, directory, origins, core)
        # The last address: whoever answers there has them all.
        return peers.start(name, directory, origins, core, lambda *to: routes.PROXIES[name](*to, count), str(routes.FIRST + count - 1))

    def drop(self, name, where, reason):
        self.missing[f"{name} ({where})"] = str(reason)
        self.programs.pop(name, None)
        common.say(f"no row for {name} ({where}): {reason}")

    def round(self, workload, seconds, samples, memory):
        for name in [name for name in workload.proxies if name in self.programs]:
            program = self.programs[name]
            try:
                samples.setdefault((name, workload.key), []).append(measure(program, workload, seconds, self.load_core))
                memory[name, workload.key] = procstat.memory(program.pid)
            except common.CannotRun as reason:
                self.drop(name, workload.title, reason)


def run_workloads(chosen, options):
    """The result of a part: rows, and by name what has no row and why."""
    cores = common.cores()
    common.installed("wrk", peers.DEBIAN)
    seconds = 1 if options.quick else 4
    missing, samples, memory = {}, {}, {}
    for _, group in itertools.groupby(chosen, key=lambda w: (w.origin, w.backends, w.routes)):
        group = list(group)
        with contextlib.ExitStack() as stack:
            setting = _Setting(stack, group, cores, missing)
            for number in range(options.rounds):
                for workload in group:
                    common.say(f"{workload.title}: round {number + 1} of {options.rounds}, {len(setting.programs)} proxies")
                    setting.round(workload, seconds, samples, memory)
    by_key = {workload.key: workload for workload in chosen}
    rows = [_row(name, by_key[key], rounds, memory[name, key]) for (name, key), rounds in samples.items()]
    return {"seconds_a_round": seconds, "rounds": options.rounds, "rows": rows, "not_measured": missing}


def run(options, _clusters):
    return run_workloads(workloads.of(workloads.KEEP_ALIVE, options), options)


def tables(result):
    """The result as [(title, header, lines)]."""
    found = []
    for key in dict.fromkeys(row["workload"] for row in result["rows"]):
        rows = [row for row in result["rows"] if row["workload"] == key]
        base = {row["proxy"]: row["cpu_us"] for row in rows}
        compared = [peer for peer in ("haproxy", "haproxy-tcp", "nginx", "nginx-udp", "envoy", "envoy-udp", "relay")
                    if peer in base]
        if "haproxy" in base:
            compared = [peer for peer in compared if peer != "haproxy-tcp"]
        lines = []
        for row in sorted(rows, key=lambda each: each["cpu_us"]):
            ratios = [f"{row['cpu_us'] / base[peer]:.2f}" for peer in compared]
            lines.append([row["proxy"], f"{row['cpu_us']:.2f}", *ratios, f"{row['requests_per_second']:.0f}",
                          f"{row['p50_us']:.0f}", f"{row['p99_us']:.0f}", f"{row['rss_mb']:.1f}", str(row["errors"])])
        of = rows[0].get("of", "request")
        found.append((f"CPU per {of}: {rows[0]['title']}",
                      ["proxy", f"CPU us/{of}", *(f"of {peer}" for peer in compared), "a second", "p50 us", "p99 us",
                       "RSS MB", "errors"], lines))
    return found
