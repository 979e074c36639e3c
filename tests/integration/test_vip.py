"""Virtual IPs by VRRP: three nodes and a client on a segment of their own; who holds the addresses, and that the client reaches it."""
import json
import signal

import pytest

from harness import segment
from harness.processes import Process, run
from harness.segment import Greeter, greeting
from harness.steelyard import BINARIES
from harness.vip import PATIENCE, VIP, VIP6, Proxy, Vip, router
from harness.vrrp_packets import VrrpSender, claim
from harness.wait import eventually, never

pytestmark = pytest.mark.skipif(bool(segment.usable()), reason=segment.usable())


@pytest.fixture
def node(lan):
    """node("a"): a host whose TCP server says "a"."""
    greeters = []

    def make(name: str):
        one = lan.node(name)
        greeters.append(Greeter(one))
        return one

    yield make
    for greeter in greeters:
        greeter.end()


@pytest.fixture
def vip(processes, tmp_path):
    def start(on, *routers, flags: tuple = ()) -> Vip:
        one = Vip(tmp_path, on, list(routers), *flags)
        processes.append(one)
        return one.start()
    return start


def both(priority: int, **changes) -> tuple:
    return router(priority, **changes), router(priority, "ipv6", **changes)


def reaches(client, name: str, *addresses):
    for address in addresses or (VIP, VIP6):
        eventually(lambda: greeting(client, address) == name, PATIENCE, f"{name} answers at {address}")


@pytest.fixture
def pair(node, vip, client):
    """Two nodes, of which a is master of both families."""
    def start(**changes):
        a = vip(node("a"), *both(200, **changes))
        for family in ("ipv4", "ipv6"):
            a.wait_state("master", family)
        b = vip(node("b"), *both(100, **changes))
        for family in ("ipv4", "ipv6"):
            b.wait_state("backup", family)
        reaches(client, "a")
        return a, b
    return start


@pytest.mark.sanitizer
def test_the_highest_priority_holds_the_addresses_and_hands_them_over_when_it_ends(pair, client):
    a, b = pair()
    assert a.node.has(VIP) and a.node.has(VIP6) and not b.node.has(VIP) and not b.node.has(VIP6)
    assert a.terminate() == 0
    assert not a.node.has(VIP) and not a.node.has(VIP6)
    for family in ("ipv4", "ipv6"):
        b.wait_state("master", family)
    reaches(client, "b")
    a.start().wait_state("master").wait_state("master", "ipv6")
    b.wait_state("backup").wait_state("backup", "ipv6")
    reaches(client, "a")
    assert not b.node.has(VIP) and not b.node.has(VIP6)


def test_of_three_nodes_each_has_its_turn(node, vip, client):
    nodes = [vip(node(name), router(priority)) for name, priority in (("a", 200), ("b", 150), ("c", 100))]
    for number, one in enumerate(nodes):
        one.wait_state("master")
        reaches(client, one.node.name, VIP)
        for other in nodes[number + 1:]:
            other.wait_state("backup")
        one.kill()
        one.node.cable(False)  # a crash of the whole node: what was killed alone still has the address


@pytest.mark.sanitizer
def test_a_killed_program_is_replaced_and_takes_its_addresses_back(pair, client):
    a, b = pair()
    a.kill()
    b.wait_state("master").wait_state("master", "ipv6")
    assert a.node.has(VIP), "nobody was there to remove it"
    reaches(client, "b")
    a.configure(list(both(50)))
    a.start().wait_state("backup").wait_state("backup", "ipv6")
    assert not a.node.has(VIP) and not a.node.has(VIP6), "what the state file lists is removed"
    assert b.state() == "master"


def test_a_program_that_hangs_is_replaced_and_takes_over_again(pair, client):
    a, b = pair()
    a.send(signal.SIGSTOP)
    b.wait_state("master").wait_state("master", "ipv6")
    a.send(signal.SIGCONT)
    b.wait_state("backup").wait_state("backup", "ipv6")
    a.wait_state("master").wait_state("master", "ipv6")
    reaches(client, "a")
    assert not b.node.has(VIP) and not b.node.has(VIP6)


def test_a_restart_within_the_master_down_interval_goes_on_as_master(pair, client):
    a, b = pair(advertisement_interval_ms=2000)
    before = b.transitions()
    a.restart()
    for family in ("ipv4", "ipv6"):
        a.wait_log(f"router 17 {family} on eth0: master: went on as master after a restart")
    never(lambda: b.state() != "backup", 1.0, "the backup takes over")
    reaches(client, "a")
    assert b.transitions() == before


def test_a_pulled_cable_moves_the_addresses_and_a_plugged_one_brings_them_back(pair, client):
    a, b = pair()
    a.node.cable(False)
    a.wait_state("fault").wait_state("fault", "ipv6")
    b.wait_state("master").wait_state("master", "ipv6")
    assert "no carrier" in a.told()["ipv4"]["problem"]
    assert not a.node.has(VIP)
    reaches(client, "b")
    a.node.cable(True)
    a.wait_state("master").wait_state("master", "ipv6")
    b.wait_state("backup").wait_state("backup", "ipv6")
    reaches(client, "a")


def test_an_interface_that_is_deleted_and_made_again_is_used_again(pair, client):
    a, b = pair()
    a.node.unplug()
    a.wait_state("fault").wait_state("fault", "ipv6")
    b.wait_state("master").wait_state("master", "ipv6")
    a.node.plug_in()
    a.wait_state("master").wait_state("master", "ipv6")
    reaches(client, "a")
    assert a.running()


def test_when_only_one_hears_the_other_both_are_master_and_the_greater_says_so(node, vip, client):
    a = vip(node("a"), router(200)).wait_state("master")
    b_node = node("b")
    b_node.run("nft", "add", "table", "netdev", "cut")
    b_node.run("nft", "add", "chain", "netdev", "cut", "in", "{ type filter hook ingress device eth0 priority 0; }")
    b_node.run("nft", "add", "rule", "netdev", "cut", "in", "ip", "protocol", "112", "drop")
    b = vip(b_node, router(100)).wait_state("master")
    eventually(lambda: a.metric("steelyard_vip_splits_total") > 0, PATIENCE, "the split is counted")
    eventually(lambda: a.told()["ipv4"]["splits"] > 0, PATIENCE, "and told to the proxy")
    assert a.state() == "master"
    reaches(client, "a", VIP)
    b_node.run("nft", "delete", "table", "netdev", "cut")
    b.wait_state("backup")
    assert not b_node.has(VIP) and a.state() == "master"
    reaches(client, "a", VIP)


@pytest.mark.sanitizer
def test_a_proxy_that_is_not_ready_holds_no_address(node, vip, client):
    a_node = node("a")
    proxy = Proxy(a_node, ready=False)
    a = vip(a_node, *both(200), flags=("--ready-url", proxy.url))
    b = vip(node("b"), *both(100)).wait_state("master").wait_state("master", "ipv6")
    a.wait_state("init")
    proxy.ready = True
    a.wait_state("master").wait_state("master", "ipv6")
    reaches(client, "a")
    proxy.ready = False
    b.wait_state("master").wait_state("master", "ipv6")
    a.wait_state("init")
    reaches(client, "b")
    proxy.ready = True
    a.wait_state("master")
    proxy.silent = True
    a.wait_state("init")
    assert "no answer within" in a.log()
    proxy.silent = False
    a.wait_state("master")
    proxy.die()
    a.wait_state("init")
    b.wait_state("master").wait_state("master", "ipv6")
    assert "Connection refused" in a.log()
    reaches(client, "b")
    assert a.metric("steelyard_vip_proxy_ready") == 0


def test_changes_of_the_file_are_applied_without_giving_anything_up(pair, client):
    a, b = pair()
    transitions = a.transitions()
    a.configure([router(220, addresses=[VIP, "192.0.2.101"]), router(220, "ipv6")])
    reaches(client, "a", "192.0.2.101")
    eventually(lambda: a.told()["ipv4"]["priority"] == 220, PATIENCE)
    a.configure('{"format": 1, "routers": [{"id": 0}]}')
    a.wait_log("stays in force")
    assert a.state() == "master" and a.node.has("192.0.2.101")
    assert a.metric("steelyard_vip_config_loads_total", outcome="refused") == 1
    a.configure([router(220, advertisement_interval_ms=300), router(220, "ipv6")])
    eventually(lambda: not a.node.has("192.0.2.101"), PATIENCE, "the address that is not listed any more is removed")
    assert a.node.has(VIP) and a.transitions() == transitions
    a.configure([router(50), router(220, "ipv6")])
    b.wait_state("master")
    a.wait_state("backup")
    assert a.state("ipv6") == "master", "the other family stays"
    a.configure([router(220, "ipv6")])
    eventually(lambda: "ipv4" not in a.told(), PATIENCE)
    reaches(client, "b", VIP)
    reaches(client, "a", VIP6)


def test_an_address_that_moves_to_another_router_stays_reachable(node, vip, client):
    a = vip(node("a"), router(200)).wait_state("master")
    a.configure([router(200, id=18)])
    eventually(lambda: a.told()["ipv4"]["id"] == 18 and a.state() == "master", PATIENCE)
    reaches(client, "a", VIP)
    assert a.node.has(VIP)


def test_adverts_can_be_unicast_and_then_only_peers_are_heard(node, vip, client):
    a_node, b_node = node("a"), node("b")
    both_of_them = [a_node.address, b_node.address]  # one list for all nodes, as VirtualIPAdvertisement has it
    a = vip(a_node, router(200, peers=both_of_them)).wait_state("master")
    b = vip(b_node, router(100, peers=both_of_them)).wait_state("backup")
    reaches(client, "a", VIP)
    sender = VrrpSender(client, b_node.address)
    sender.send(priority=255)
    eventually(lambda: b.metric("steelyard_vip_packets_dropped_total", reason="stranger") >= 1, PATIENCE)
    assert a.metric("steelyard_vip_packets_dropped_total", reason="own") == 0, "it sends nothing to itself"
    b_node.cable(False)
    b.wait_state("fault")
    b_node.cable(True)
    b.wait_state("backup")
    a.terminate()
    b.wait_state("master")
    reaches(client, "b", VIP)
    sender.close()


def test_a_master_that_does_not_accept_answers_for_the_address_all_the_same(node, vip, client):
    a = vip(node("a"), *both(200, accept=False)).wait_state("master").wait_state("master", "ipv6")
    assert not a.node.has(VIP) and not a.node.has(VIP6)
    mac = a.node.mac().hex(":")
    for address in (VIP, VIP6):
        client.ip("neigh", "flush", "dev", "eth0")
        greeting(client, address, 0.2)
        eventually(lambda: greeting(client, address, 0.2) == "" and mac in client.ip("neigh", "show", address), PATIENCE,
                   f"the client learns where {address} is")
    a.configure(list(both(200)))
    reaches(client, "a")


def test_a_foreign_host_with_the_address_is_counted_and_answered(lan, node, vip, client):
    a = vip(node("a"), *both(200)).wait_state("master").wait_state("master", "ipv6")
    foreign = lan.node("foreign")
    assert a.metric("steelyard_vip_conflicts_total") == 0, "a takeover is none"
    for address in (f"{VIP}/32", f"{VIP6}/128"):
        foreign.ip("addr", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))

    def counted(family: str):
        if family == "ipv4":
            claim(foreign, VIP)
        return a.metric("steelyard_vip_conflicts_total", family=family) > 0
    eventually(lambda: counted("ipv4"), PATIENCE, "the claim is counted")
    told = a.told()["ipv4"]
    assert told["state"] == "master" and told["conflicts"] > 0
    assert foreign.mac().hex(":") in told["problem"], told
    eventually(lambda: counted("ipv6"), PATIENCE, "so is that of IPv6, when asked")
    foreign.ip("addr", "del", f"{VIP}/32", "dev", "eth0")
    reaches(client, "a", VIP)


def test_a_takeover_is_no_conflict(pair):
    a, b = pair()
    for _ in range(2):
        a.terminate()
        b.wait_state("master").wait_state("master", "ipv6")
        a.start().wait_state("master").wait_state("master", "ipv6")
        b.wait_state("backup").wait_state("backup", "ipv6")
    assert a.metric("steelyard_vip_conflicts_total") == 0 and b.metric("steelyard_vip_conflicts_total") == 0


def test_an_address_that_somebody_removes_is_added_again_and_one_that_was_there_is_left(node, vip):
    a_node = node("a")
    a_node.ip("addr", "add", "192.0.2.101/32", "dev", "eth0")
    a = vip(a_node, router(200, addresses=[VIP, "192.0.2.101"])).wait_state("master")
    a_node.ip("addr", "del", f"{VIP}/32", "dev", "eth0")
    eventually(lambda: a_node.has(VIP), PATIENCE, "it is back")
    a.terminate()
    assert not a_node.has(VIP)
    assert a_node.has("192.0.2.101"), "it is not ours to remove"


def test_the_interface_is_found_by_subnet_or_default_route(lan, node, vip):
    a = node("a")
    one = vip(a, router(200, interfaces=[]), router(200, "ipv6", interfaces=[], addresses=["2001:db8::7"]))
    one.wait_state("master").wait_state("fault", "ipv6")
    assert "no default route" in one.told()["ipv6"]["problem"]
    a.ip("-6", "route", "add", "default", "via", "fd00:2::1", "dev", "eth0")
    one.wait_state("master", "ipv6")
    assert a.has("2001:db8::7") and one.told()["ipv6"]["interface"] == "eth0"


def test_the_pages_tell_what_the_state_file_tells(pair):
    a, b = pair()
    status, body = a.get("/routers")
    assert status == 200
    shown = {one["family"]: one for one in json.loads(body)["routers"]}
    assert shown["ipv4"]["state"] == "master" and shown["ipv4"]["addresses"] == [f"{VIP}/32"]
    eventually(lambda: json.loads(b.get("/routers")[1])["routers"][0]["master"] == a.node.address, PATIENCE, "b hears a")
    assert a.get("/healthz")[0] == 200 and a.get("/readyz")[0] == 200
    assert a.metric("steelyard_vip_master", family="ipv4") == 1 and b.metric("steelyard_vip_master") == 0
    assert a.metric("steelyard_vip_state", state="master") == 2
    eventually(lambda: b.metric("steelyard_vip_adverts_received_total") > 1, PATIENCE)
    assert a.metric("steelyard_vip_adverts_sent_total") > 0 and a.metric("steelyard_vip_announcements_total") >= 2


def test_without_its_rights_it_says_which_are_missing(tmp_path, node):
    a = node("a")
    flags = ["--interface", "eth0", "--vrid", "17", "--address", VIP]
    for kept, missing in (("-all,+net_raw", "NET_ADMIN missing"), ("-all,+net_admin", "NET_RAW missing"),
                          ("-all", "NET_ADMIN and NET_RAW missing")):
        status, printed, _ = run(a.command("setpriv", f"--bounding-set={kept}", "--inh-caps=-all", BINARIES / "steelyard-vip", *flags))
        assert status == 2 and missing in printed, printed


def test_it_keeps_no_more_rights_than_it_needs(node, vip):
    a = vip(node("a"), router(200)).wait_state("master")
    status = dict(line.split(":\t", 1) for line in open(f"/proc/{a.pid}/status").read().splitlines() if ":\t" in line)
    needed = 1 << 12 | 1 << 13
    assert int(status["CapPrm"], 16) == needed and int(status["CapEff"], 16) == needed
    assert int(status["CapBnd"], 16) == 0 and int(status["CapAmb"], 16) == 0 and int(status["CapInh"], 16) == 0
    assert status["NoNewPrivs"] == "1"


def test_it_runs_by_flags_alone(node, processes, tmp_path, client):
    a = node("a")
    one = Process("flags", a.command(BINARIES / "steelyard-vip", "--interface", "eth0", "--vrid", "17", "--address", VIP, "--address",
                                     VIP6), tmp_path)
    processes.append(one)
    one.start()
    reaches(client, "a")
    one.send(signal.SIGINT)
    assert one.wait() == 0
    assert not a.has(VIP)
