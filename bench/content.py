#!/usr/bin/env python3
"""What compression and the cache cost: CPU time of the proxy for a request, one worker on a core of its own, beside the same requests passed on.

    bench/content.py [--seconds 5]

Load and origin (nginx) share the other core. A body is HTML of 1 or 50 KiB. An absolute figure is this machine's alone; a quotient holds.
"""
import argparse
import contextlib
import json
import os
import re
import subprocess
import sys

import common
import procstat

HINT = "Debian package, scripts/bootstrap.sh bench installs it"
ORIGIN = """worker_processes 1; daemon off; pid {own}/pid; error_log /dev/null;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 100000000; default_type text/html; client_body_temp_path {own}/t; proxy_temp_path {own}/t;
  fastcgi_temp_path {own}/t; uwsgi_temp_path {own}/t; scgi_temp_path {own}/t;
  server {{ listen 127.0.0.1:{port}; root {own}/www; add_header Cache-Control "public, max-age=600"; }} }}
"""
COMPRESSION = {"codings": ["zstd", "br", "gzip"]}
ROWS = (  # policy, Accept-Encoding
    ("passed on", {}, ""),
    ("passed on, a policy that compresses", {"compression": COMPRESSION}, ""),
    ("out of the cache", {"cache": {}}, ""),
    ("gzip", {"compression": COMPRESSION}, "gzip"),
    ("zstd", {"compression": COMPRESSION}, "zstd"),
    ("br", {"compression": COMPRESSION}, "br"),
    ("out of the cache, zstd", {"compression": COMPRESSION, "cache": {}}, "zstd"),
)


def html(size: int) -> str:
    lines = (f"<li class=\"item\"><a href=\"/item/{n * 7919 % 10007}\">Item {n * 104729 % 99991}</a></li>\n" for n in range(size))
    text = ""
    while len(text) < size:
        text += next(lines)
    return text[:size]


def origin(directory: str, core: int):
    own = os.path.join(directory, "origin")
    os.makedirs(os.path.join(own, "www"))
    for name, size in (("1k", 1 << 10), ("50k", 50 << 10)):
        with open(os.path.join(own, "www", name), "w") as body:
            body.write(html(size))
    port = common.free_port()
    with open(os.path.join(own, "conf"), "w") as file:
        file.write(ORIGIN.format(own=own, port=port))
    program = common.Program([common.installed("nginx", HINT), "-p", own, "-c", os.path.join(own, "conf")], os.path.join(own, "log"), core)
    program.port = port
    return program


def proxy(directory: str, number: int, policy: dict, origin_port: int, core: int):
    port = common.free_port()
    config = os.path.join(directory, f"{number}.json")
    with open(config, "w") as file:
        json.dump({"type": "snapshot", "version": "file.1", "upsert": [
            {"kind": "listener", "name": "web", "address": "127.0.0.1", "port": port, "protocol": "http", "upstream": "bench/web:http"},
            {"kind": "upstream", "name": "bench/web:http", "protocol": "http", "policy": {"http": policy}},
            {"kind": "endpoints", "upstream": "bench/web:http", "slice": "web-1", "endpoints": [{"address": "127.0.0.1", "port": origin_port}]}]}, file)
    program = common.Program([common.product("steelyard-sidecar"), "--config", config, "--workers", "1", "--admin-listen", "127.0.0.1:0",
                              "--log-level", "warn"], f"{config}.log", core)
    program.port = port
    return program


def measure(program, path: str, coding: str, seconds: int, core: int) -> float:
    """Microseconds of CPU a request."""
    fields = ["-H", f"Accept-Encoding: {coding}"] if coding else []
    load = ["taskset", "-c", str(core), common.installed("wrk", HINT), "-t1", "-c64", *fields, f"http://127.0.0.1:{program.port}/{path}"]
    subprocess.run([*load, "-d1s"], check=True, stdout=subprocess.DEVNULL)
    before = procstat.cpu_us(program.pid)
    done = subprocess.run([*load, f"-d{seconds}s"], check=True, stdout=subprocess.PIPE, text=True).stdout
    if "Non-2xx" in done or "Socket errors" in done:
        raise common.CannotRun(f"errors under load: {done}")
    return (procstat.cpu_us(program.pid) - before) / int(re.search(r"(\d+) requests in", done)[1])


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--seconds", type=int, default=5)
    seconds = arguments.parse_args().seconds
    load_core, proxy_core = common.cores()
    print("| | 1 KiB | 50 KiB |\n|---|---|---|")
    with common.scratch("content") as directory, origin(directory, load_core) as source:
        common.wait_for(lambda: common.accepts("127.0.0.1", source.port), "the origin", 10, source)
        for number, (name, policy, coding) in enumerate(ROWS):
            with contextlib.closing(contextlib.ExitStack()) as stack:
                program = stack.enter_context(proxy(directory, number, policy, source.port, proxy_core))
                common.wait_for(lambda p=program: common.accepts("127.0.0.1", p.port), "the proxy", 10, program)
                figures = [measure(program, path, coding, seconds, load_core) for path in ("1k", "50k")]
            print(f"| {name} | " + " | ".join(f"{figure:.1f} us" for figure in figures) + " |", flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except common.CannotRun as why:
        sys.exit(f"bench/content.py: {why}")
