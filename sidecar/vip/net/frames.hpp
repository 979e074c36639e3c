#pragma once
// Ethernet frames that tell neighbours where an address is, and what neighbours say of it: ARP (RFC 826, 5227) and IPv6 neighbour
// discovery (RFC 4861). Pure: bytes in, bytes out. Parsing takes any bytes; what is not well formed is nullopt.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sidecar/vip/net/ip.hpp"

namespace steelyard::vip {

using Mac = std::array<uint8_t, 6>;
using Frame = std::vector<uint8_t>;  // from the destination's hardware address on, without the checksum

constexpr Mac kBroadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

enum class ArpForm : uint8_t { request = 1, reply = 2 };

// Gratuitous ARP: sender and target address are both `ip`. Some devices heed only one of the two forms. Asked in the request's form, a
// foreign host that holds `ip` answers, and is found out.
Frame gratuitous_arp(const Mac& own, const Ip& ip, ArpForm form);

// The answer to `asker` that `ip` is at `own`.
Frame arp_answer(const Mac& own, const Ip& ip, const Mac& asker, const Ip& asker_ip);

// Unsolicited, to all nodes, override set; `router` as the interface forwards or not (RFC 9568, 7.2.2 asks for it of routers).
Frame neighbour_advertisement(const Mac& own, const Ip& ip, bool router);

// The answer to a solicitation of `asker`: solicited and override set.
Frame solicited_advertisement(const Mac& own, const Ip& ip, bool router, const Mac& asker, const Ip& asker_ip);

// Duplicate address detection's solicitation: a foreign host that holds `ip` answers to all nodes; caches stay as they are.
Frame duplicate_address_probe(const Mac& own, const Ip& ip);

// The group that a node with the address listens to: ff02::1:ffXX:XXXX.
Ip solicited_node_group(const Ip& ip);

// An ARP packet, from its hardware type on (no Ethernet header).
struct Arp {
    ArpForm form = ArpForm::request;
    Mac sender_mac{};
    Ip sender_ip;
    Ip target_ip;
};
std::optional<Arp> parse_arp(std::span<const uint8_t> packet);

// A neighbour solicitation or advertisement, from the ICMPv6 type on. The checksum is the kernel's matter.
struct Neighbour {
    bool advertisement = false;
    Ip target;
    std::optional<Mac> mac;  // the link-layer address option
};
std::optional<Neighbour> parse_neighbour(std::span<const uint8_t> message);

}  // namespace steelyard::vip
