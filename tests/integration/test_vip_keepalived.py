"""Beside keepalived, as Debian has it: each can be master of the other, over IPv4 and IPv6, and each takes over from the other."""
import shutil

import pytest

from harness import segment
from harness.segment import Greeter, Segment, greeting
from harness.vip import PATIENCE, VIP, VIP6, Keepalived, Vip, router
from harness.wait import eventually

pytestmark = [
    pytest.mark.skipif(bool(segment.usable()), reason=segment.usable()),
    pytest.mark.skipif(shutil.which("keepalived") is None, reason="keepalived is not installed (scripts/bootstrap.sh test)"),
]


@pytest.fixture
def beside(processes, tmp_path):
    """beside(ours, theirs): steelyard-vip and keepalived of these priorities; neither is started."""
    lan = Segment()
    a, b, client = lan.node("ours"), lan.node("theirs"), lan.node("client")
    greeters = [Greeter(a), Greeter(b)]

    def make(ours: int, theirs: int, more: str = "", **changes):
        made = (Vip(tmp_path, a, [router(ours, **changes), router(ours, "ipv6", **changes)]),
                Keepalived(tmp_path, b, theirs, more=more), client)
        processes.extend(made[:2])
        return made

    yield make
    for greeter in greeters:
        greeter.end()
    lan.end()


def reaches(client, name: str):
    for address in (VIP, VIP6):
        eventually(lambda: greeting(client, address) == name, PATIENCE, f"{name} answers at {address}")


def holds(node, yes: bool = True):
    eventually(lambda: all(node.has(address) == yes for address in (VIP, VIP6)), PATIENCE,
               f"{node.name} {'holds' if yes else 'does not hold'} the addresses")


def test_we_are_master_keepalived_is_backup_and_takes_over_when_we_end(beside):
    ours, theirs, client = beside(200, 100)
    ours.start().wait_state("master").wait_state("master", "ipv6")
    theirs.start()
    theirs.wait_log("(ipv4) Entering BACKUP STATE")
    theirs.wait_log("(ipv6) Entering BACKUP STATE")
    reaches(client, "ours")
    assert ours.metric("steelyard_vip_splits_total") == 0 and ours.state() == "master"
    assert not any(fault in theirs.log() for fault in ("Invalid", "invalid", "checksum", "mismatch")), theirs.tail()
    assert ours.terminate() == 0
    reaches(client, "theirs")
    ours.start().wait_state("master").wait_state("master", "ipv6")
    reaches(client, "ours")
    assert ours.metric("steelyard_vip_conflicts_total") == 0


def test_keepalived_is_master_we_are_backup_and_take_over_when_it_ends(beside):
    ours, theirs, client = beside(100, 200)
    theirs.start()
    holds(theirs.node)
    ours.start().wait_state("backup").wait_state("backup", "ipv6")
    for family in ("ipv4", "ipv6"):
        eventually(lambda: ours.metric("steelyard_vip_adverts_received_total", family=family) > 5, PATIENCE, f"{family} is heard")
    assert ours.metric("steelyard_vip_packets_dropped_total") == 0
    reaches(client, "theirs")
    theirs.terminate()
    ours.wait_state("master").wait_state("master", "ipv6")
    reaches(client, "ours")
    theirs.start()
    ours.wait_state("backup").wait_state("backup", "ipv6")
    reaches(client, "theirs")


def test_a_killed_master_is_replaced_either_way(beside):
    ours, theirs, client = beside(200, 100)
    theirs.start()
    ours.start().wait_state("master").wait_state("master", "ipv6")
    reaches(client, "ours")
    ours.kill()
    ours.node.cable(False)
    reaches(client, "theirs")
    ours.node.cable(True)
    ours.node.wait_link_local()
    ours.start().wait_state("master").wait_state("master", "ipv6")
    reaches(client, "ours")


def test_without_preempting_whoever_holds_the_addresses_keeps_them(beside):
    ours, theirs, client = beside(200, 100, preempt=False)
    theirs.start()
    reaches(client, "theirs")
    ours.start().wait_state("backup").wait_state("backup", "ipv6")
    reaches(client, "theirs")
    theirs.terminate()
    ours.wait_state("master").wait_state("master", "ipv6")
    reaches(client, "ours")
