"""What is sent through the proxies: the shapes of the CPU parts, each measured for every proxy that can do it.

A load generator prints one line of JSON: requests, duration (us), p50, p99 (us), bad_status, broken.
"""

import dataclasses
import json
import os
import subprocess

import common
import peers
import routes

HTTP = ("relay", "steelyard", "nginx", "haproxy", "envoy")
# They read no HTTP: they are compared with each other, and with the relay.
TCP = ("steelyard-tcp", "haproxy-tcp")
KEEP_ALIVE, SHAPES = "cpu", "shapes"


@dataclasses.dataclass(frozen=True)
class Workload:
    key: str
    title: str
    part: str
    connections: int
    proxies: tuple = HTTP
    origin: str = "nginx"       # one of peers.ORIGINS
    backends: int = 1
    routes: int = 1             # destinations; more than one: bench_spread is the load
    path: str = "/"
    headers: tuple = ()
    script: str = "wrk.lua"
    message: int = 0            # bytes of a message: the load is the counterpart of the origin, not wrk
    websocket: bool = False
    of: str = "request"         # what the figures are of

    def load(self, port, seconds, core):
        make = self._spread if self.routes > 1 else self._wrk if self.script else self._counterpart
        command = make(port, seconds)
        ended = subprocess.run(["taskset", "-c", str(core), *command], capture_output=True, text=True, timeout=seconds + 60)
        for line in reversed(ended.stdout.splitlines()):
            if line.startswith("{"):
                return json.loads(line)
        said = (ended.stderr or ended.stdout).strip()[-300:]
        raise common.CannotRun(f"the load generator ended with status {ended.returncode}: {said}")

    def _wrk(self, port, seconds):
        headers = [part for header in self.headers for part in ("-H", header)]
        return [common.installed("wrk", peers.DEBIAN), "-t1", f"-c{self.connections}", f"-d{seconds}s", "--timeout", "10s",
                "-s", os.path.join(peers.HERE, self.script), *headers, f"http://127.0.0.1:{port}{self.path}"]

    def _spread(self, port, seconds):
        return [common.product("bench_spread"), f"{routes.FIRST}:{port}", str(self.routes), str(self.connections), str(seconds),
                "close" if self.headers else "keep"]

    def _counterpart(self, port, seconds):
        """The programs that are origin and load in one."""
        message = [str(self.message)] if self.message else []
        kind = ["websocket"] if self.websocket else []
        return [common.product(self.origin), "load", f"127.0.0.1:{port}", str(self.connections), str(seconds), *message, *kind]


def keep_alive(connections):
    return Workload(f"keep-alive-{connections}", f"keep-alive, {connections:,} connections", KEEP_ALIVE, connections,
                    proxies=HTTP + TCP)


ALL = [
    *map(keep_alive, (64, 256, 1000, 5000)),
    Workload("close", "a connection a request", SHAPES, 64, headers=("Connection: close",)),
    Workload("body-64k", "answers of 64 KiB", SHAPES, 64, path="/body/64k"),
    Workload("body-1m", "answers of 1 MiB", SHAPES, 16, path="/body/1m"),
    Workload("upload-64k", "requests with 64 KiB", SHAPES, 64, origin="bench_origin", script="upload.lua"),
    Workload("backends-1000", "1,000 backends", SHAPES, 64, backends=1000, proxies=tuple(p for p in HTTP if p != "relay")),
    Workload("routes-1000", "1,000 routes, keep-alive, 1,000 connections", SHAPES, 1000, backends=2, routes=1000, proxies=tuple(routes.PROXIES)),
    Workload("routes-1000-close", "1,000 routes, a connection a request", SHAPES, 64, backends=2, routes=1000,
             headers=("Connection: close",), proxies=tuple(routes.PROXIES)),
    Workload("websocket", "WebSocket echo of 125 bytes", SHAPES, 64, origin="bench_echo", script="", message=125, websocket=True, of="message"),
    Workload("tcp-echo", "TCP echo of 1 KiB", SHAPES, 64, origin="bench_echo", script="", message=1024, proxies=("relay", *TCP),
             of="message"),
    Workload("tcp-bulk", "TCP, a download", SHAPES, 8, origin="bench_tcp_bulk", script="", proxies=("relay", *TCP), of="MiB"),
    Workload("udp-echo", "UDP echo of 128 bytes", SHAPES, 64, origin="bench_udp_echo", script="", message=128,
             proxies=("steelyard-udp", "nginx-udp", "envoy-udp"), of="exchange"),
]


def of(part, options):
    """The workloads of a part, fewer when the options ask for that."""
    chosen = [each for each in ALL if each.part == part and (not options.rows or each.key in options.rows)]
    if not chosen:
        raise common.CannotRun("--rows names none of its rows")
    return chosen[:1] if options.quick and part == KEEP_ALIVE else chosen
