#pragma once
// The packet rules that lead a pod's connections to Services to its sidecar, as text for `nft -f -`. Pure.
//
// One table, `inet steelyard`, with one NAT chain on what the pod's own processes send: only the first packet of a connection
// passes it, so that connections which were there before are left alone, and none passes it that comes from outside. In this
// order: what the proxy sends goes out, as do loopback, port 53 and whatever is excluded; TCP to a Service's address is redirected
// to the proxy's port on loopback; all else goes out. The text replaces an older table in one transaction: run twice, it is there once.
// Source: nft(8), "redirect" in the output hook sends to the loopback address of the packet's family.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace steelyard::capture {

struct Cidr {
    std::string text;  // "10.96.0.0/16", "fd00:10:96::/112"
    bool ipv6 = false;
};

struct PortRange {
    uint16_t first = 0;
    uint16_t last = 0;  // inclusive

    std::string to_string() const;
};

struct Rules {
    uint16_t port = 15001;
    uint32_t proxy_uid = 0;
    std::vector<Cidr> services;  // at least one
    std::vector<PortRange> excluded_ports;
    std::vector<Cidr> excluded;
};

// "10.96.0.0/16"; an address alone is one of /32 or /128. Bits beyond the prefix are refused: they are a slip of the pen.
Result<Cidr> parse_cidr(std::string_view text);
// "3306" or "9000-9100".
Result<PortRange> parse_ports(std::string_view text);

std::string ruleset(const Rules& rules);
// One line for people: what goes to the proxy and what does not.
std::string summary(const Rules& rules);

}  // namespace steelyard::capture
