"""Part `cpu`: what a proxied request costs in CPU time, beside other proxies, in one run.

wrk (keep-alive) and the origin share one core, the proxy has another to itself and one thread. The figure is the CPU time of
the proxy's processes (utime + stime) over the requests that were answered: the median of the rounds, whose order is interleaved
so that a change of the machine's mood meets every proxy. A ratio within one run holds; an absolute figure does not travel.
"""

import contextlib
import json
import os
import statistics
import subprocess

import common
import peers
import procstat


def _wrk(port, connections, seconds, core):
    """One run of wrk; its own account as a dictionary."""
    command = ["taskset", "-c", str(core), common.installed("wrk", peers.DEBIAN), "-t1", f"-c{connections}",
               f"-d{seconds}s", "--timeout", "10s", "-s", os.path.join(peers.HERE, "wrk.lua"), f"http://127.0.0.1:{port}/"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    for line in reversed(ended.stdout.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise common.CannotRun(f"wrk ended with status {ended.returncode}: {(ended.stderr or ended.stdout).strip()[-300:]}")


def measure(program, connections, seconds, core):
    """One proxy, one round."""
    before = procstat.cpu_us(program.pid)
    report = _wrk(program.port, connections, seconds, core)
    cpu = procstat.cpu_us(program.pid) - before
    program.check()
    if report["requests"] == 0:
        raise common.CannotRun("answered no request")
    return {
        "cpu_us": round(cpu / report["requests"], 2),
        "requests_per_second": round(report["requests"] * 1e6 / report["duration"]),
        "p50_us": report["p50"], "p99_us": report["p99"],
        "errors": report["bad_status"] + report["broken"],
    }


def _row(name, connections, rounds, memory):
    middle = {key: statistics.median(r[key] for r in rounds) for key in ("cpu_us", "requests_per_second", "p50_us", "p99_us")}
    return {"proxy": name, "connections": connections, **middle, "errors": sum(r["errors"] for r in rounds),
            "rss_mb": memory["rss_mb"], "rounds_cpu_us": [r["cpu_us"] for r in rounds]}


def _start_all(stack, directory, origin, core, load_core, missing):
    started = {}
    for name in peers.PROXIES:
        try:
            program = peers.start(name, directory, origin.port, core)
            stack.enter_context(program)
            _wrk(program.port, 64, 1, load_core)  # fills pools and caches, and shows that it answers
            started[name] = program
        except common.CannotRun as reason:
            missing[name] = str(reason)
            common.say(f"cpu: no row for {name}: {reason}")
    return started


def run(options, _clusters):
    """The part's result: rows, and by name what has no row and why."""
    load_core, proxy_core = common.cores()
    common.installed("wrk", peers.DEBIAN)
    seconds = 1 if options.quick else 4
    concurrencies = [64] if options.quick else [64, 256, 1000]
    missing = {}
    with common.scratch("cpu") as directory, contextlib.ExitStack() as stack:
        origin = stack.enter_context(peers.start_origin(directory, load_core))
        started = _start_all(stack, directory, origin, proxy_core, load_core, missing)
        samples, memory = {}, {}
        for number in range(options.rounds):
            for connections in concurrencies:
                common.say(f"cpu: round {number + 1} of {options.rounds}, {connections} connections, {len(started)} proxies")
                for name, program in list(started.items()):
                    try:
                        sample = measure(program, connections, seconds, load_core)
                    except common.CannotRun as reason:
                        missing[name] = f"fell out in round {number + 1} at {connections} connections: {reason}"
                        del started[name]
                        continue
                    samples.setdefault((name, connections), []).append(sample)
                    memory[name, connections] = procstat.memory(program.pid)
    rows = [_row(name, connections, rounds, memory[name, connections])
            for (name, connections), rounds in samples.items()]
    return {"seconds_a_round": seconds, "rounds": options.rounds, "rows": rows, "not_measured": missing}


def tables(result):
    """The result as [(title, header, lines)]."""
    found = []
    for connections in sorted({row["connections"] for row in result["rows"]}):
        rows = [row for row in result["rows"] if row["connections"] == connections]
        base = {row["proxy"]: row["cpu_us"] for row in rows}
        lines = []
        for row in sorted(rows, key=lambda each: each["cpu_us"]):
            ratios = [f"{row['cpu_us'] / base[peer]:.2f}" if base.get(peer) else "-" for peer in ("haproxy", "nginx", "relay")]
            lines.append([row["proxy"], f"{row['cpu_us']:.2f}", *ratios, f"{row['requests_per_second']:.0f}",
                          f"{row['p50_us']:.0f}", f"{row['p99_us']:.0f}", f"{row['rss_mb']:.1f}", str(row["errors"])])
        found.append((f"CPU per request, {connections} connections",
                      ["proxy", "CPU us/request", "of haproxy", "of nginx", "of relay", "requests/s", "p50 us", "p99 us",
                       "RSS MB", "errors"], lines))
    return found
