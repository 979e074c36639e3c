"""VRRP and ARP packets, right and wrong, as a node might send them: built from octets, not by the code under test."""
import socket
import struct

GROUP, GROUP6 = "224.0.0.18", "ff02::12"
PROTOCOL = 112


def _sum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def advert(source: str, destination: str, *, router: int = 17, priority: int = 254, addresses=("192.0.2.100",), version: int = 3,
           kind: int = 1, centiseconds: int = 20, count: int | None = None, checksum: int | None = None, more: bytes = b"") -> bytes:
    """A VRRPv3 advertisement, from the version on. What is not given is right."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    listed = b"".join(socket.inet_pton(family, one) for one in addresses) + more
    head = struct.pack("!BBBBH", version << 4 | kind, router, priority, len(addresses) if count is None else count, centiseconds)
    if checksum is None:
        pseudo = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
        length = len(head) + 2 + len(listed)
        pseudo += struct.pack("!BBH", 0, PROTOCOL, length) if family == socket.AF_INET else struct.pack("!IHBB", length, 0, 0, PROTOCOL)
        checksum = _sum(pseudo + head + b"\0\0" + listed)
    return head + struct.pack("!H", checksum) + listed


class VrrpSender:
    """Sends adverts from a node's own address: to the group, or to one host."""

    def __init__(self, node, destination: str = GROUP):
        self.source = node.address
        self.destination = destination
        self.raw = node.socket(socket.AF_INET, socket.SOCK_RAW, PROTOCOL)
        self.raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0\0")
        self.hops(255)

    def hops(self, number: int):
        for option in (socket.IP_TTL, socket.IP_MULTICAST_TTL):
            self.raw.setsockopt(socket.IPPROTO_IP, option, number)

    def send(self, message: bytes | None = None, **changes):
        self.raw.sendto(advert(self.source, self.destination, **changes) if message is None else message, (self.destination, 0))

    def close(self):
        self.raw.close()


def claim(node, address: str):
    """What a host that has just been given `address` says to all: gratuitous ARP."""
    own = node.mac()
    arp = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + own + socket.inet_aton(address) + bytes(6) + socket.inet_aton(address)
    with node.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.bind(("eth0", 0x0806))
        raw.send(b"\xff" * 6 + own + b"\x08\x06" + arp)
