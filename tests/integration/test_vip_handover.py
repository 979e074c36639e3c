"""Established connections when a virtual IP moves in order: they go on at the node that has them, and no new one notices anything."""
import json
import select
import signal
import socket
import threading
import time

import pytest

from harness import edge as edges
from harness import network, segment
from harness.segment import Namespace, Node
from harness.vip import PATIENCE, VIP, VIP6, Proxy, Vip, router
from harness.wait import eventually

pytestmark = pytest.mark.skipif(bool(segment.usable()), reason=segment.usable())
PORT = 7001
BOTH = ("ipv4", "ipv6")


class Talker:
    """A TCP server on every address of a node: answers each octet by the node's name and the octet, as long as the client likes."""

    def __init__(self, node: Namespace):
        self.node = node
        self.open: list[socket.socket] = []
        self.listener = node.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.listener.bind(("::", PORT))
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            while asked := connection.recv(1):
                connection.sendall(self.node.name.encode() + asked)
        except OSError:
            pass
        connection.close()

    def end(self):
        for one in (self.listener, *self.open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()


class Conversation:
    """A connection of the client's to an address; `said()` is the name of the node that answers, or the error."""

    def __init__(self, client: Namespace, address: str):
        self.socket = client.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        self.socket.settimeout(3)
        self.socket.connect((address, PORT))

    def said(self) -> str:
        try:
            self.socket.sendall(b".")
            return self.socket.recv(64).decode().rstrip(".") or "closed"
        except ConnectionResetError:
            return "reset"
        except TimeoutError:
            return "silence"

    def quiet(self) -> bool:
        """Whether nothing has come: neither an end nor a reset."""
        return not select.select([self.socket], [], [], 0)[0]

    def close(self):
        self.socket.close()


class Knocker:
    """Connects and says a word every 10 ms until end(): who answered, and what failed."""

    def __init__(self, client: Namespace, address: str):
        self.client, self.address = client, address
        self.answers: list[str] = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.ended.wait(0.01):
            try:
                one = Conversation(self.client, self.address)
                self.answers.append(one.said())
                one.close()
            except OSError as error:
                self.answers.append(f"connect: {error}")

    def end(self) -> list[str]:
        self.ended.set()
        self.thread.join()
        return self.answers


@pytest.fixture
def node(lan):
    talkers = []

    def make(name: str) -> Node:
        one = lan.node(name)
        one.talker = Talker(one)
        talkers.append(one.talker)
        return one

    yield make
    for talker in talkers:
        talker.end()


@pytest.fixture
def vip(processes, tmp_path):
    def start(on, priority: int, *flags, **changes) -> Vip:
        one = Vip(tmp_path, on, [router(priority, **changes), router(priority, "ipv6", **changes)], *flags)
        processes.append(one)
        return one.start()
    return start


@pytest.fixture
def pair(node, vip, client):
    """a, which is master of both families, and b, its backup."""
    def start(*flags, **changes):
        a = masters(vip(node("a"), 200, *flags, **changes))
        b = backs(vip(node("b"), 100, *flags, **changes))
        return a, b
    return start


def masters(one: Vip) -> Vip:
    return one.wait_state("master").wait_state("master", "ipv6")


def backs(one: Vip) -> Vip:
    return one.wait_state("backup").wait_state("backup", "ipv6")


def talk(client, *addresses) -> list[Conversation]:
    return [Conversation(client, address) for address in addresses or (VIP, VIP6)]


def say(conversations, name: str, seconds: float = 0):
    """All are answered by that node, for a time."""
    end = time.monotonic() + seconds
    while True:
        assert [one.said() for one in conversations] == [name] * len(conversations)
        if time.monotonic() >= end:
            return
        time.sleep(0.05)


def kept_routes(one: Node) -> list[str]:
    routes = one.ip("route", "show", "table", "local") + one.ip("-6", "route", "show", "table", "local")
    return [route for route in routes.splitlines() if VIP in route or VIP6 in route]


def wait_kept(one: Vip, addresses: int):
    eventually(lambda: one.metric("steelyard_vip_handover_kept_addresses") == addresses, PATIENCE,
               f"{one.name} keeps {addresses} addresses")


def terminate(one: Vip):
    one.send(signal.SIGTERM)


def ends(one: Vip):
    eventually(lambda: not one.running(), PATIENCE, f"{one.name} ends")
    assert one.child.wait() == 0


@pytest.mark.sanitizer
def test_a_stopped_holder_keeps_its_connections_until_they_end(pair, client):
    a, b = pair()
    old = talk(client)
    say(old, "a")
    knockers = [Knocker(client, VIP), Knocker(client, VIP6)]
    terminate(a)
    masters(b)
    eventually(lambda: not a.node.has(VIP) and not a.node.has(VIP6), PATIENCE, "the addresses have moved")
    say(old, "a", 2.5)
    for knocker in knockers:
        answers = knocker.end()
        assert set(answers) == {"a", "b"}, "each new connection is answered"
        assert answers.index("b") > 0 and "a" not in answers[-10:]
    new = talk(client)
    for space in (client, a.node, b.node):
        space.ip("neigh", "flush", "all")  # the segment learns anew who has the addresses
        say(old, "a")
        say(new, "b")
    assert a.running() and a.metric("steelyard_vip_handover_kept_connections") == 2
    assert sorted(json_kept(a)) == sorted([VIP, VIP6])
    for one in old:
        one.close()
    ends(a)
    assert kept_routes(a.node) == [] and "steelyard" not in a.node.run("nft", "list", "ruleset")
    say(new, "b", 0.5)
    eventually(lambda: b.metric("steelyard_vip_handover_forwarding_addresses") == 0, PATIENCE, "b has heard that a keeps none")


def json_kept(one: Vip) -> list:
    return json.loads(one.state_file.read_text())["kept"]


@pytest.mark.sanitizer
def test_a_return_and_another_leave_all_conversations_alive(pair, client):
    a, b = pair()
    first = talk(client)
    say(first, "a")
    a.configure([router(50), router(50, "ipv6")])  # b preempts
    masters(b)
    backs(a)
    second = talk(client)
    say(first, "a")
    say(second, "b")
    wait_kept(a, 2)
    a.configure([router(200), router(200, "ipv6")])  # and a comes back
    masters(a)
    backs(b)
    wait_kept(a, 0)
    wait_kept(b, 2)
    third = talk(client)
    for _ in range(10):
        say(first, "a")
        say(second, "b")
        say(third, "a")
        time.sleep(0.1)
    assert kept_routes(b.node) and all("dev lo" in route for route in kept_routes(b.node))
    for one in second:
        one.close()
    wait_kept(b, 0)
    assert kept_routes(b.node) == []
    say(first + third, "a", 0.5)


def test_no_connect_fails_and_no_conversation_ends_in_many_moves(pair, client):
    a, b = pair(advertisement_interval_ms=100)
    knockers = [Knocker(client, address) for address in (VIP, VIP6) * 4]
    conversations = talk(client)
    say(conversations, "a")
    for move in range(8):
        priority = 200 if move % 2 else 50
        a.configure([router(priority, advertisement_interval_ms=100), router(priority, "ipv6", advertisement_interval_ms=100)])
        masters(a if move % 2 else b)
        backs(b if move % 2 else a)
        time.sleep(0.3)
        say(conversations, "a")
    answers = [answer for knocker in knockers for answer in knocker.end()]
    assert set(answers) == {"a", "b"} and len(answers) > 100
    assert a.metric("steelyard_vip_handover_failures_total") == b.metric("steelyard_vip_handover_failures_total") == 0


def test_connections_follow_two_moves(node, vip, client):
    a = masters(vip(node("a"), 200))
    b = backs(vip(node("b"), 150))
    c = backs(vip(node("c"), 100))
    at_a = talk(client)
    say(at_a, "a")
    terminate(a)
    masters(b)
    at_b = talk(client)
    say(at_b, "b")
    terminate(b)
    masters(c)
    at_c = talk(client)
    for _ in range(10):
        say(at_a, "a")
        say(at_b, "b")
        say(at_c, "c")
        time.sleep(0.1)


def test_a_proxy_that_is_not_ready_keeps_its_connections(node, vip, client):
    a_node = node("a")
    proxy = Proxy(a_node)
    a = masters(vip(a_node, 200, "--ready-url", proxy.url))
    b = backs(vip(node("b"), 100))
    old = talk(client)
    say(old, "a")
    proxy.ready = False
    masters(b)
    say(old, "a", 1.5)
    proxy.ready = True
    masters(a)
    wait_kept(a, 0)
    say(old, "a", 0.5)


def test_the_limit_resets_what_has_not_ended(pair, client):
    a, b = pair("--flow-handover", "2s")
    old = talk(client)
    say(old, "a")
    terminate(a)
    masters(b)
    say(old, "a", 1)
    ends(a)
    eventually(lambda: not any(one.quiet() for one in old), PATIENCE, "the client hears of the end without asking")
    assert [one.said() for one in old] == ["reset", "reset"]
    assert kept_routes(a.node) == []


def test_a_second_signal_ends_at_once(pair, client):
    a, b = pair()
    old = talk(client)
    say(old, "a")
    terminate(a)
    wait_kept(a, 2)
    masters(b)
    a.send(signal.SIGTERM)
    ends(a)
    assert kept_routes(a.node) == [] and "steelyard" not in a.node.run("nft", "list", "ruleset")


def test_a_take_over_from_a_silent_master_resets_at_once(pair, client):
    a, b = pair()
    old = talk(client)
    say(old, "a")
    a.node.cable(False)
    masters(b)
    began = time.monotonic()
    assert [one.said() for one in old] == ["reset", "reset"]
    assert time.monotonic() - began < 3
    assert b.metric("steelyard_vip_handover_forwarding_addresses") == 0


def test_what_nobody_knows_is_reset(pair, client):
    a, b = pair()
    old = talk(client)
    say(old, "a")
    anchor = talk(client)
    say(anchor, "a")
    terminate(a)
    masters(b)
    wait_kept(a, 2)
    # a's server has lost the first two, which the client does not learn: the packet that would say so is dropped.
    a.node.run("nft", "add table inet mute; add chain inet mute out { type filter hook output priority 0; }; "
                      "add rule inet mute out tcp flags & (fin|rst) != 0 drop")
    for one in old:
        port = one.socket.getsockname()[1]
        a.node.run("ss", "-K", "dport", "=", f":{port}")
    a.node.run("nft", "delete table inet mute")
    a.node.run("sh", "-c", "conntrack -F 2>/dev/null || true")
    assert [one.said() for one in old] == ["reset", "reset"]
    say(anchor, "a")


def test_leftovers_of_a_killed_holder_are_removed_at_its_next_start(pair, client):
    a, b = pair()
    old = talk(client)
    say(old, "a")
    a.configure([router(50), router(50, "ipv6")])
    masters(b)
    wait_kept(a, 2)
    a.kill()
    assert len(kept_routes(a.node)) == 2
    a.start()
    eventually(lambda: kept_routes(a.node) == [], PATIENCE, "the routes are removed")
    assert "was left by an earlier run" in a.log()


def test_without_nft_it_says_so_and_moves_as_ever(node, vip, client):
    a_node, b_node = node("a"), node("b")
    a = vip(a_node, 200)
    a.kill()
    a.env = {**(a.env or {}), "PATH": "/nowhere"}
    a.command = ["/usr/bin/nsenter", *a.command[1:]]
    a.start()
    masters(a)
    assert "cannot be run" in a.log() and "connections over ipv4 are cut" in a.log()
    assert a.metric("steelyard_vip_handover_available", family="ipv4") == 0
    b = backs(vip(b_node, 100, "--flow-handover", "0"))
    assert "steelyard" not in b_node.run("nft", "list", "ruleset")
    old = talk(client, VIP)
    say(old, "a")
    terminate(a)
    masters(b)
    ends(a)
    assert old[0].said() == "reset"
    say(talk(client), "b")


def ask(connection: socket.socket) -> str:
    """The head of the answer to a request over a connection that is to be kept; "" when it has ended."""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n")
    answer = connection.recv(65536).decode()
    return answer.partition("\r\n\r\n")[0].lower()


@pytest.mark.sanitizer
def test_the_proxy_ends_http_connections_to_a_kept_address_with_their_next_answer(processes, tmp_path):
    around = edges.Surroundings()
    port = network.free_port()
    proxy = edges.Edge(tmp_path, edges.listener(port, "http"), edges.listener(port, "http", address=edges.VIP6), edges.virtual_ip())
    processes.append(proxy)
    try:
        proxy.start().wait_answering()
        around.hold(edges.VIP)
        around.hold(edges.VIP6)

        def tell(*kept):
            draft = proxy.vip_state.with_suffix(".new")
            draft.write_text(json.dumps({"format": 1, "boot_id": "b", "monotonic_ms": int(time.monotonic() * 1000), "routers": [],
                                         "kept": kept}))
            draft.rename(proxy.vip_state)

        tell()
        moved, stays = (socket.create_connection((address, port), timeout=5) for address in (edges.VIP, edges.VIP6))
        assert "connection: close" not in ask(moved) and "connection: close" not in ask(moved), "no endpoint, but no end either"
        tell(edges.VIP)
        proxy.wait_log("1 addresses are another node's now")
        # Within the second after which an idle connection is closed as it is.
        assert "connection: close" in ask(moved) and moved.recv(1) == b""
        assert "connection: close" not in ask(stays)
        idle = socket.create_connection((edges.VIP, port), timeout=5)
        assert idle.recv(1) == b"", "nothing came for a second"
        tell()
        back = socket.create_connection((edges.VIP, port), timeout=5)
        eventually(lambda: "connection: close" not in ask(back), PATIENCE, "the address has come back")
    finally:
        around.end()
