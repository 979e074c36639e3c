"""What others may send to a node with virtual IPs, by mistake or on purpose: nothing of it changes who holds the addresses."""
import random

import pytest

from harness import segment
from harness.segment import Greeter, Segment, greeting
from harness.steelyard import SLOWDOWN
from harness.vip import PATIENCE, VIP, Vip, router
from harness.vrrp_packets import GROUP, VrrpSender, advert
from harness.wait import eventually, never

pytestmark = pytest.mark.skipif(bool(segment.usable()), reason=segment.usable())


@pytest.fixture
def storm(processes, tmp_path):
    """Master a, backup b, and a stranger that sends."""
    lan = Segment()
    a, b, stranger = lan.node("a"), lan.node("b"), lan.node("stranger")
    greeters = [Greeter(a), Greeter(b)]
    programs = []
    for one, priority in ((a, 200), (b, 100)):
        programs.append(Vip(tmp_path, one, [router(priority)]))
        processes.append(programs[-1])
        programs[-1].start().wait_state("master" if one is a else "backup")
    yield programs[0], programs[1], stranger
    for greeter in greeters:
        greeter.end()
    lan.end()


WRONG = {
    "hop_limit": {"hops": 64},
    "version": {"version": 2},
    "type": {"kind": 2},
    "checksum": {"checksum": 0xBEEF},
    "no_addresses": {"addresses": (), "count": 0},
    "length": {"count": 7},
    "interval": {"centiseconds": 0},
}


@pytest.mark.sanitizer
def test_packets_that_are_wrong_are_counted_by_their_fault_and_change_nothing(storm):
    a, b, stranger = storm
    before = a.transitions() + b.transitions()
    sender = VrrpSender(stranger)
    for reason, changes in WRONG.items():
        changes = dict(changes)
        sender.hops(changes.pop("hops", 255))
        for _ in range(20):
            sender.send(**changes)
        for one in (a, b):
            eventually(lambda: one.metric("steelyard_vip_packets_dropped_total", reason=reason) >= 20, PATIENCE,
                       f"{reason} is counted by {one.name}")
    sender.hops(255)
    heard = a.metric("steelyard_vip_adverts_received_total")
    sender.send(router=99)
    sender.send(router=0)
    assert a.metric("steelyard_vip_adverts_received_total") == heard, "another router's id is not ours"
    assert (a.state(), b.state()) == ("master", "backup")
    assert a.transitions() + b.transitions() == before
    sender.close()


def test_a_storm_of_noise_moves_nothing_and_does_not_hold_the_program_up(storm):
    a, b, stranger = storm
    before = a.transitions() + b.transitions()
    sender = VrrpSender(stranger)
    noise = random.Random(7)
    right = advert(stranger.address, GROUP)
    for number in range(20_000):
        packet = bytearray(right)
        for _ in range(noise.randrange(1, 4)):
            packet[noise.randrange(len(packet))] ^= noise.randrange(1, 256)
        packet[6] ^= 0x5A  # whatever was changed, the checksum is wrong
        sender.send(bytes(packet[:noise.randrange(2, len(packet) + 1)]))
    assert (a.state(), b.state()) == ("master", "backup")
    assert a.transitions() + b.transitions() == before
    assert greeting(stranger, VIP, 2) == "a"
    never(lambda: b.state() != "backup", 1.0, "a backup that is kept from hearing its master")
    sender.close()


def test_a_lesser_master_that_shouts_is_answered_and_not_heeded(storm):
    a, b, stranger = storm
    before = a.transitions() + b.transitions()
    sender = VrrpSender(stranger)

    def counted():
        for _ in range(1000):
            sender.send(priority=1)
        return a.metric("steelyard_vip_splits_total") > 0
    eventually(counted, PATIENCE, "adverts of a lesser master count once we are master for an interval")
    sender.send(priority=0)
    assert (a.state(), b.state()) == ("master", "backup")
    assert a.transitions() + b.transitions() == before
    # An answer each 5 ms at most, a burst of announcements each 100 ms.
    assert a.metric("steelyard_vip_announcements_total") < 2000
    sender.close()


def test_with_peers_a_replayed_advert_of_higher_priority_is_a_strangers(storm):
    a, b, stranger = storm
    a.configure([router(200, peers=[b.node.address])])
    b.configure([router(100, peers=[a.node.address])])
    b.wait_log("changed")
    eventually(lambda: b.metric("steelyard_vip_adverts_received_total") > 5 and b.state() == "backup", PATIENCE * SLOWDOWN)
    before = a.transitions() + b.transitions()
    for destination in (GROUP, a.node.address):
        sender = VrrpSender(stranger, destination)
        for _ in range(200):
            sender.send(priority=255)
        sender.close()
    eventually(lambda: a.metric("steelyard_vip_packets_dropped_total", reason="stranger") >= 400, PATIENCE)
    assert (a.state(), b.state()) == ("master", "backup")
    assert a.transitions() + b.transitions() == before
