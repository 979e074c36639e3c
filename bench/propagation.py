"""Part `propagation`: from a write to the API server to the first request that the new endpoint answers.

One Service of the loaded cluster, bench/target, has one endpoint; each change replaces it by the other of two. A poller asks for
it back to back through a sidecar's local listener. A change's time runs from just before its PUT is sent to when the poller has
the first answer of the new endpoint; the API server's own share is shown beside it, from a watch with nothing behind it.

The sidecar, the poller and the backends have one core, everything else (API server, etcd, controller, a second proxy that wants
everything, and this program) the others: the endless polling takes a whole core, which in a cluster is not the API server's.
"""

import contextlib
import http.client
import json
import os
import queue
import random
import subprocess
import threading
import time

import cluster
import common
import programs
import report

BACKENDS = {"one": "10.77.1.1", "two": "10.77.1.2"}
PATIENCE = 5.0       # seconds for a change to show
MOST_LOST = 5        # then it is no measurement any more
UPSTREAM = f"{cluster.TARGET}.{cluster.NAMESPACE}:80"


class Lines:
    """The lines of a stream with the time of each one's arrival, read by a thread."""

    def __init__(self, readline):
        self._lines = queue.Queue()
        threading.Thread(target=self._read, args=(readline,), daemon=True).start()

    def _read(self, readline):
        with contextlib.suppress(OSError, ValueError, AttributeError, http.client.HTTPException):  # it was cut meanwhile
            while line := readline():
                self._lines.put((time.perf_counter_ns(), line))

    def wait(self, wanted, seconds):
        """The first line for which `wanted(line)` is true, or None."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(queue.Empty):
            while True:
                arrived, line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
                if wanted(line):
                    return arrived, line
        return None


class Writer:
    """Points bench/target at one backend or the other, by an unconditional PUT of its EndpointSlice."""

    def __init__(self, client):
        self._client = client
        self._path = f"{cluster.SLICES}/{cluster.TARGET}-1"
        self._bodies = {
            name: json.dumps(cluster.endpoint_slice(cluster.TARGET, [cluster.endpoint(f"target-{name}", address)])).encode()
            for name, address in BACKENDS.items()}

    def write(self, name):
        """When the request was about to be sent and when its answer was there, as perf_counter_ns."""
        sent = time.perf_counter_ns()
        answer = self._client.send("PUT", self._path, self._bodies[name])
        answered = time.perf_counter_ns()
        text = answer.read()
        if answer.status != 200:
            raise common.CannotRun(f"PUT {self._path}: the API server answered {answer.status}: {text[:200]!r}")
        return sent, answered


def _changes(count):
    """The names to write, in turn, with a pause between them that no other timer can fall in step with."""
    pauses = random.Random(1)
    for number in range(count):
        yield ("two", "one")[number % 2]
        time.sleep(pauses.uniform(0.05, 0.15))


def _summary(nanoseconds):
    values = [each / 1e6 for each in nanoseconds]
    return {"p50_ms": round(report.percentile(values, 50), 2), "p99_ms": round(report.percentile(values, 99), 2),
            "max_ms": round(max(values), 2), "count": len(values)}


def _bare_watch(kubernetes, writer, changes):
    """What the API server itself takes: from sending a change to its event on a watch that nobody else has."""
    client = kubernetes.client()
    listed = client.call("GET", f"{cluster.SLICES}?limit=1")["metadata"]["resourceVersion"]
    stream = client.send("GET", f"{cluster.SLICES}?watch=1&timeoutSeconds=300&resourceVersion={listed}")
    lines = Lines(stream.readline)
    times = []
    for name in _changes(changes):
        sent, _ = writer.write(name)
        mark = f'"target-{name}"'.encode()
        event = lines.wait(lambda line, mark=mark: mark in line, PATIENCE)
        if event is None:
            raise common.CannotRun("the API server's watch did not show a change")
        times.append(event[0] - sent)
    client.cut()
    return _summary(times)


def _measure(poller, writer, count):
    """The changes themselves."""
    sent_to_seen, answered_to_seen, writes, lost = [], [], [], 0
    for name in _changes(count):
        sent, answered = writer.write(name)
        seen = poller.wait(lambda line, name=name: line.split()[0] == name, PATIENCE)
        writes.append(answered - sent)
        if seen is None:
            lost += 1
            common.say(f"propagation: a change to '{name}' was not in effect after {PATIENCE:.0f} s")
            if lost == MOST_LOST:
                raise common.CannotRun(f"{lost} changes were not in effect within {PATIENCE:.0f} s each")
            continue
        received = int(seen[1].split()[2])
        sent_to_seen.append(received - sent)
        answered_to_seen.append(received - answered)
    return {"from_sending": _summary(sent_to_seen), "from_the_answer": _summary(answered_to_seen),
            "write_alone": _summary(writes), "lost": lost}


class Poller:
    """bench_poller, running."""

    def __init__(self, port, core):
        self._process = subprocess.Popen(["taskset", "-c", str(core), common.product("bench_poller"), f"127.0.0.1:{port}"],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.wait = Lines(self._process.stdout.readline).wait

    def finish(self):
        """How many requests it made and how many of them failed."""
        self._process.stdin.close()
        end = self.wait(lambda line: line.startswith("end "), 5)
        if end is None:
            raise common.CannotRun("the poller did not end")
        requests, failures = end[1].split()[3:]
        return int(requests), int(failures)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()


def _with_steelyard(directory, kubernetes, writer, core, changes):
    with contextlib.ExitStack() as stack:
        listen = [f"{address}:{cluster.TARGET_PORT}={name}" for name, address in BACKENDS.items()]
        stack.enter_context(common.Program([common.product("bench_origin"), *listen], os.path.join(directory, "origin.log"), core))
        controller = stack.enter_context(programs.Controller(directory, kubernetes.kubeconfig))
        edge = stack.enter_context(programs.Sidecar(directory, "edge", controller.push_port))
        sidecar = stack.enter_context(programs.Sidecar(directory, "sidecar", controller.push_port, [UPSTREAM], core))
        for program in (controller, edge, sidecar):
            common.wait_for(program.ready, f"{program.name} ready", 30, program)
        poller = stack.enter_context(Poller(sidecar.ports[UPSTREAM], core))
        if poller.wait(lambda line: line.split()[0] == "one", 10) is None:
            raise common.CannotRun("no answer from the first endpoint through the sidecar within 10 s")
        result = _measure(poller, writer, changes)
        result["requests"], result["failed_requests"] = poller.finish()
        return result


def run(options, clusters):
    """The part's result."""
    for program in ("steelyard-controller", "steelyard-sidecar", "bench_origin", "bench_poller"):
        common.product(program)  # before minutes go into loading an API server
    _, core = common.cores()
    services = 100 if options.quick else 1000
    kubernetes = clusters.get(services, 10)
    everywhere = os.sched_getaffinity(0)
    others = everywhere - {core}
    ours = [os.getpid(), kubernetes.server.server.pid, kubernetes.server.etcd.pid]
    writer = Writer(kubernetes.client())
    writer.write("one")
    try:
        for pid in ours:
            common.confine(pid, others)
        with common.scratch("propagation") as directory:
            common.say(f"propagation: {options.changes} changes seen by a bare watch, then {options.changes} through Steelyard")
            floor = _bare_watch(kubernetes, writer, options.changes)
            writer.write("one")
            result = _with_steelyard(directory, kubernetes, writer, core, options.changes)
    finally:
        for pid in ours:
            common.confine(pid, everywhere)
    return {"services": services, "endpoints_each": 10, "bare_watch": floor, **result}


def tables(result):
    """The result as [(title, header, lines)]."""
    rows = [("write sent -> first answer of the new endpoint", "from_sending"),
            ("write answered -> first answer of the new endpoint", "from_the_answer"),
            ("write sent -> write answered", "write_alone"),
            ("write sent -> event on a bare watch (no Steelyard)", "bare_watch")]
    lines = [[title, *(f"{result[key][column]:.2f}" for column in ("p50_ms", "p99_ms", "max_ms"))] for title, key in rows]
    title = (f"Propagation, {result['services']} Services of {result['endpoints_each']} endpoints, "
             f"{result['from_sending']['count']} changes, {result['lost']} lost; {result['failed_requests']} of "
             f"{result['requests']} requests failed meanwhile")
    return [(title, ["from -> to", "p50 ms", "p99 ms", "max ms"], lines)]
