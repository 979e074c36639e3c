"""Part `idle`: what a client connection costs a proxy in memory while it waits for its next request.

5,000 connections send one request each, one after the other, and stay open. The figure is the growth of the proxy's resident memory
over what it had after a second of load at 64 connections, a connection. Memory of the kernel's is in no process and not counted.
"""

import contextlib
import socket
import time

import common
import peers
import procstat
import workloads

CONNECTIONS = 5000
PROXIES = ("steelyard", "nginx", "haproxy", "envoy")
REQUEST = b"GET / HTTP/1.1\r\nHost: idle.bench\r\n\r\n"


def ask(client):
    """One request and its answer, of which only the length matters."""
    client.sendall(REQUEST)
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(client)
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line.partition(b":")[2]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += _some(client)


def _some(client):
    piece = client.recv(65536)
    if not piece:
        raise common.CannotRun("the proxy closed an idle connection")
    return piece


def _measure(program, core):
    workloads.keep_alive(64).load(program.port, 1, core)
    time.sleep(1)
    before = procstat.memory(program.pid)["rss_mb"]
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", program.port), timeout=10))
            ask(client)
        time.sleep(1)
        after = procstat.memory(program.pid)["rss_mb"]
        program.check()
    return {"before_mb": before, "after_mb": after, "bytes_each": round((after - before) * 1e6 / CONNECTIONS)}


def run(_options, _clusters):
    load_core, proxy_core = common.cores()
    rows, missing = [], {}
    for name in PROXIES:
        with common.scratch("idle") as directory, contextlib.ExitStack() as stack:
            try:
                origin = stack.enter_context(peers.start_origin("nginx", directory, load_core))
                program = stack.enter_context(
                    peers.start(name, directory, peers.addresses(origin.port, 1), proxy_core))
                common.say(f"idle: {CONNECTIONS} connections through {name}")
                rows.append({"proxy": name, **_measure(program, load_core)})
            except common.CannotRun as reason:
                missing[name] = str(reason)
    return {"connections": CONNECTIONS, "rows": rows, "not_measured": missing}


def tables(result):
    """The result as [(title, header, lines)]."""
    lines = [[row["proxy"], str(row["bytes_each"]), f"{row['before_mb']:.1f}", f"{row['after_mb']:.1f}"]
             for row in sorted(result["rows"], key=lambda each: each["bytes_each"])]
    return [(f"Memory of an idle client connection ({result['connections']:,} of them)",
             ["proxy", "bytes each", "RSS MB before", "RSS MB with them"], lines)]
