#pragma once
// rtnetlink messages as octets (rtnetlink(7)): requests built, answers and notifications parsed. Pure. What is truncated or of no
// interest is left out; nothing is ever read beyond what was given.
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "sidecar/vip/net/frames.hpp"
#include "sidecar/vip/net/ip.hpp"

namespace steelyard::vip {

// IFA_PROTO of the addresses that are ours (Linux 5.18; older kernels pass it over and show 0).
inline constexpr uint8_t kOurAddressProtocol = 0x56;

struct LinkMessage {
    bool removed = false;
    int index = 0;
    std::string name;
    bool up = false;  // IFF_UP and a carrier
    bool loopback = false;
    Mac mac{};
    bool ethernet = false;  // has such a hardware address
};

struct AddressMessage {
    bool removed = false;
    int index = 0;
    Prefix address;
    uint8_t protocol = 0;
    bool usable = true;  // neither tentative nor found to be double
    bool link_scope = false;
};

struct DefaultRoute {
    int index = 0;
    uint32_t metric = 0;
};

// To a request: 0 or an errno. Of a dump: its end.
struct Answer {
    uint32_t sequence = 0;
    int error = 0;
    bool dump_end = false;
};

using NetlinkMessage = std::variant<LinkMessage, AddressMessage, DefaultRoute, Answer>;

std::vector<NetlinkMessage> parse_netlink(std::span<const uint8_t> datagram);

// To add: no duplicate address detection (the address is another's until now), marked as ours, IPv6 never chosen as a source.
std::vector<uint8_t> address_request(bool add, uint32_t sequence, int index, const Prefix& address);

enum class Dump : uint8_t { links, addresses, routes_ipv4, routes_ipv6 };
std::vector<uint8_t> dump_request(Dump what, uint32_t sequence);

}  // namespace steelyard::vip
