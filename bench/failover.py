"""Part `failover`: what a client notices when the node that holds a virtual IP goes, and when it comes back.

Three nodes and a client on one Ethernet segment (segment.py). Each node has a backend and a proxy that balances over all three; one
holds the address. The client connects every 10 ms (failover_client.py). In each round the holder's cable is pulled, the holder is
switched off (all processes killed, link down), and it is stopped in order, as the edge's pod is: first who holds the address, a moment
later the proxy. After each it comes back. All contenders run at the same time, each on a segment of its own. An attempt fails when it
is not done after a second. A failed attempt that began later than a second after the cut is what is left of a dead node: backends that
a proxy goes on trying.
"""

import collections
import concurrent.futures
import contextlib
import os
import statistics
import sys
import threading
import time

import common
import failover_client
import peers
import segment

NODES = ("node1", "node2", "node3")
PRIORITIES = (210, 180, 150)
ADDRESS, PORT, BACKEND_PORT = f"{segment.NETWORK}.100", 8080, 7000
WATCHED = 5.0    # how long the time after a cut is looked at
EVENTS = {"pulled": "cable pulled", "killed": "switched off", "stopped": "stopped in order", "returned": "comes back"}
DEBIAN = "a Debian package of that name"


def _steelyard(host, priority):
    return [common.product("steelyard-vip"), "--interface", "eth0", "--vrid", "51", "--priority", str(priority), "--address",
            f"{ADDRESS}/24", "--ready-url", "http://127.0.0.1:9901/readyz",
            "--state-file", os.path.join(host.directory, "vip-state.json")]


def _keepalived(more="", general=""):
    def command(host, priority):
        config = peers.write_config("keepalived.conf", host.directory, "keepalived.conf", node=host.name, priority=priority,
                                    address=ADDRESS, more=more, **{"global": general})
        return [common.installed("keepalived", DEBIAN), "--vrrp", "--dont-fork", "--log-console", "--use-file", config,
                "--pid", os.path.join(host.directory, "pid"), "--vrrp_pid", os.path.join(host.directory, "vrrp.pid")]
    return command


def _steelyard_proxy(host, backends):
    origins = peers.each('    {{"address": "{host}", "port": {port}}}', backends).replace("\n", ",\n")
    config = peers.write_config("steelyard.json", host.directory, "steelyard.json", servers=origins, listen_host="0.0.0.0",
                                listen_port=PORT, protocol="tcp")
    return [common.product("steelyard-sidecar"), "--config", config, "--workers", "1", "--admin-listen", "127.0.0.1:9901",
            "--connect-timeout", "300ms", "--drain-delay", "2s", "--drain-timeout", "2s",
            "--state-dir", os.path.join(host.directory, "state"), "--log-level", "warn"]


def _haproxy(host, backends):
    servers = peers.each("    server s{i} {host}:{port}", backends)
    config = peers.write_config("haproxy-failover.cfg", host.directory, "haproxy.cfg", servers=servers, listen=f"0.0.0.0:{PORT}")
    return [common.installed("haproxy", DEBIAN), "-db", "-f", config]


# What holds the address, and the proxy behind it.
CONTENDERS = {
    "Steelyard": (_steelyard, _steelyard_proxy),
    "keepalived, advert_int 1; HAProxy": (_keepalived(), _haproxy),
    "keepalived, advert_int 0.1; HAProxy": (_keepalived("advert_int 0.1", "vrrp_version 3"), _haproxy),
}


_over = threading.Event()  # the run was ended from outside: contests do not go on to their last round


def _pause(seconds):
    if _over.wait(seconds):
        raise common.CannotRun("the run was ended")


class Contest:
    """One contender on its segment. The rounds follow each other; what the client saw is read when they are over."""

    def __init__(self, name, net, directory):
        self.name, self.net = name, net
        self.holder, self.proxy = CONTENDERS[name]
        self.nodes = [net.hosts[node] for node in NODES]
        self.first = self.nodes[0]  # the highest priority: whenever it is there, it holds the address
        self.seen = os.path.join(directory, "client.log")
        self.events = []            # (what, begins, ends) on the monotonic clock

    def start(self, node):
        backends = [(each.address, BACKEND_PORT) for each in self.nodes]
        node.start("backend", [common.product("bench_echo"), "serve", f"0.0.0.0:{BACKEND_PORT}"])
        node.start("proxy", self.proxy(node, backends))
        self.start_holder(node)

    def start_holder(self, node):
        node.start("holder", self.holder(node, PRIORITIES[self.nodes.index(node)]))

    def wait_until_held(self, node):
        common.wait_for(lambda: node.holds(ADDRESS), f"{self.name}: {node.name} holding the address", 30,
                        node.programs["holder"], pause=0.05)

    def begin(self):
        for node in self.nodes:
            self.start(node)
        self.wait_until_held(self.first)
        client = self.net.hosts["client"]
        client.start("load", [sys.executable, failover_client.__file__, ADDRESS, str(PORT), self.seen])
        _pause(3)

    def event(self, what, action, until):
        """One thing that happens, and the time until the next."""
        began = time.monotonic()
        action()
        until()
        self.events.append((what, began, time.monotonic()))

    def round(self):
        def back(action):
            def until():
                self.wait_until_held(self.first)
                _pause(2)
            self.event("returned", action, until)

        def watch():
            _pause(WATCHED)

        self.event("pulled", lambda: self.net.cable(self.first.name, False), watch)
        back(lambda: self.net.cable(self.first.name, True))

        self.event("killed", self._switch_off, watch)
        back(self._switch_on)

        self.event("stopped", self._stop, watch)
        back(self._start_again)

    def _switch_off(self):
        self.net.cable(self.first.name, False)
        self.first.kill()

    def _switch_on(self):
        self.net.cable(self.first.name, True)
        self.start(self.first)

    def _stop(self):
        # The backend stays: a node whose edge is replaced goes on with its other pods.
        self.first.stop("holder")
        self.first.stop("proxy")

    def _start_again(self):
        backends = [(each.address, BACKEND_PORT) for each in self.nodes]
        self.first.start("proxy", self.proxy(self.first, backends))
        common.wait_for(lambda: self._listens(self.first), f"{self.name}: the proxy of {self.first.name}", 10)
        self.start_holder(self.first)

    @staticmethod
    def _listens(node):
        return f":{PORT} " in node.run("ss", "--no-header", "--listening", "--tcp", "--numeric")


def summary(rounds):
    return {
        "rounds": len(rounds),
        "outage_median_ms": round(statistics.median(each["outage_ms"] for each in rounds)),
        "outage_worst_ms": max(each["outage_ms"] for each in rounds),
        "failed_median": round(statistics.median(each["failed"] for each in rounds), 1),
        "failed_worst": max(each["failed"] for each in rounds),
        "failed_later_than_1s": sum(each["failed_later_than_1s"] for each in rounds),
        "slowest_ms": max(each["slowest_ms"] for each in rounds),
        "reasons": dict(sum((collections.Counter(each["reasons"]) for each in rounds), collections.Counter())),
        "each": rounds,
    }


def measure(name, rounds):
    with common.scratch("failover") as directory, contextlib.ExitStack() as stack:
        net = stack.enter_context(segment.Segment([*NODES, "client"], directory))
        contest = Contest(name, net, directory)
        contest.begin()
        for number in range(rounds):
            contest.round()
            common.say(f"failover: {name}: round {number + 1} of {rounds}")
        time.sleep(1.5)
        attempts = failover_client.attempts(contest.seen)
        found = {what: summary([failover_client.judge(attempts, began, ended) for each, began, ended in contest.events if each == what])
                 for what in EVENTS}
        return {"contender": name, "events": found}


def run(options, _clusters):
    rounds = options.failovers
    rows, missing = [], {}
    for program in (lambda: common.product("bench_echo"), lambda: common.installed("ip", "the Debian package iproute2")):
        program()
    with concurrent.futures.ThreadPoolExecutor(len(CONTENDERS)) as pool:
        running = {name: pool.submit(measure, name, rounds) for name in CONTENDERS}
        try:
            for name, future in running.items():
                try:
                    rows.append(future.result())
                except common.CannotRun as reason:
                    missing[name] = str(reason)
        finally:
            _over.set()
    return {"rounds": rounds, "rows": rows, "not_measured": missing}


def tables(result):
    """The result as [(title, header, lines)]."""
    made = []
    for what, title in EVENTS.items():
        lines = []
        for row in result["rows"]:
            one = row["events"][what]
            lines.append([row["contender"], f"{one['outage_median_ms']} ms", f"{one['outage_worst_ms']} ms", one["failed_median"],
                          one["failed_worst"], one["failed_later_than_1s"], f"{one['slowest_ms']} ms"])
        count = result["rows"][0]["events"][what]["rounds"] if result["rows"] else 0
        made.append((f"The holder of a virtual IP: {title} ({count} times)",
                     ["holder; proxy", "outage, median", "worst", "failed connects, median", "worst", "later than 1 s, in all",
                      "slowest success"], lines))
    return made
