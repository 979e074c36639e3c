"""Part `latency`: response times at one fixed rate for every proxy, 60 % of what the slower of HAProxy and nginx can do here.

bench_pace sends requests at even distances and counts each one's time from when it was due, so that a proxy that stalls cannot hide it
by holding the load back. Cores as in part `cpu`.
"""

import contextlib
import json
import statistics
import subprocess

import common
import cpu
import peers
import workloads

CONNECTIONS = 64
SHARE = 0.6
PROXIES = ("relay", "steelyard", "nginx", "haproxy", "envoy")


def _pace(program, seconds, rate, core):
    command = ["taskset", "-c", str(core), common.product("bench_pace"), f"127.0.0.1:{program.port}", str(CONNECTIONS),
               str(seconds), str(rate)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    program.check()
    try:
        return json.loads(ended.stdout)
    except ValueError:
        raise common.CannotRun(f"bench_pace ended with status {ended.returncode}: {ended.stderr.strip()[-300:]}") from None


def run(options, _clusters):
    load_core, proxy_core = common.cores()
    seconds = 2 if options.quick else 8
    missing, samples = {}, {}
    with common.scratch("latency") as directory, contextlib.ExitStack() as stack:
        origin = stack.enter_context(peers.start_origin("nginx", directory, load_core))
        started = {}
        for name in PROXIES:
            try:
                started[name] = stack.enter_context(
                    peers.start(name, directory, peers.addresses(origin.port, 1), proxy_core))
            except common.CannotRun as reason:
                missing[name] = str(reason)
        most = {name: cpu.measure(program, workloads.keep_alive(CONNECTIONS), 2, load_core)["requests_per_second"]
                for name, program in started.items()}
        judged = [most[name] for name in ("haproxy", "nginx") if name in most]
        if not judged:
            raise common.CannotRun("neither HAProxy nor nginx runs: there is no rate to compare at")
        rate = int(round(SHARE * min(judged), -2))
        for number in range(options.rounds):
            common.say(f"latency: round {number + 1} of {options.rounds}, {rate} requests/s, {len(started)} proxies")
            for name, program in started.items():
                samples.setdefault(name, []).append(_pace(program, seconds, rate, load_core))
    rows = [{"proxy": name, "most_per_second": most[name],
             **{key: statistics.median(each[key] for each in rounds) for key in ("p50", "p99", "p999")},
             "errors": sum(each["bad_status"] + each["broken"] for each in rounds),
             "late": sum(each["late"] for each in rounds)} for name, rounds in samples.items()]
    return {"rate": rate, "seconds_a_round": seconds, "rounds": options.rounds, "rows": rows, "not_measured": missing}


def tables(result):
    """The result as [(title, header, lines)]."""
    lines = [[row["proxy"], f"{row['p50']:.0f}", f"{row['p99']:.0f}", f"{row['p999']:.0f}", f"{row['most_per_second']:.0f}",
              str(row["errors"]), str(row["late"])] for row in sorted(result["rows"], key=lambda each: each["p99"])]
    return [(f"Response times at {result['rate']:.0f} requests/s, {CONNECTIONS} connections",
             ["proxy", "p50 us", "p99 us", "p99.9 us", "requests/s at most", "errors", "unanswered"], lines)]
