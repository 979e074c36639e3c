"""Part `instructions`: instructions a keep-alive request takes in user space, counted by valgrind's callgrind.

Two runs of the same proxy differ only in how many requests they serve; the difference of their counts over the difference of the requests
is free of start and stop. The kernel's share is not in it. Unlike CPU time it is the same on a busy machine, and within a few instructions
the same every time: the figure to watch for regressions.
"""

import contextlib
import os
import re
import signal
import socket

import common
import idle
import peers

PROXIES = ("steelyard", "haproxy")
FEW, MANY = 200, 2200


def _serve(name, directory, origin_port, requests):
    """Instructions of one whole run."""
    own = os.path.join(directory, f"{name}-{requests}")
    os.makedirs(own)
    port = common.free_port()
    counts = os.path.join(own, "callgrind.out")
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}",
               *peers.PROXIES[name](own, port, peers.addresses(origin_port, 1))]
    program = common.Program(command, os.path.join(own, "log"))
    with program:
        common.wait_for(lambda: common.accepts("127.0.0.1", port), f"{name} under valgrind", 60, program)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
            for _ in range(requests):
                idle.ask(client)
        program.check()
        program.process.send_signal(signal.SIGTERM)
        program.process.wait(60)
    with open(counts) as output:
        for line in output:
            found = re.match(r"(?:summary|totals): (\d+)", line)
            if found:
                return int(found.group(1))
    raise common.CannotRun(f"{name}: valgrind wrote no count")


def run(_options, _clusters):
    common.installed("valgrind", peers.DEBIAN)
    load_core, _ = common.cores()
    rows, missing = [], {}
    with common.scratch("instructions") as directory, contextlib.ExitStack() as stack:
        origin = stack.enter_context(peers.start_origin("nginx", directory, load_core))
        for name in PROXIES:
            common.say(f"instructions: {name}, {FEW} and {MANY} requests under valgrind")
            try:
                few, many = (_serve(name, directory, origin.port, count) for count in (FEW, MANY))
                rows.append({"proxy": name, "instructions": round((many - few) / (MANY - FEW))})
            except common.CannotRun as reason:
                missing[name] = str(reason)
    return {"rows": rows, "requests": MANY - FEW, "not_measured": missing}


def tables(result):
    """The result as [(title, header, lines)]."""
    return [(f"Instructions a keep-alive request in user space (callgrind, over {result['requests']:,} requests)",
             ["proxy", "instructions"], [[row["proxy"], str(row["instructions"])] for row in result["rows"]])]
