#pragma once
// What this node should do about virtual addresses: the file of --vip-config, made of the VirtualIps that were pushed, of where this proxy
// runs and of how it stands. Pure.
//
// No list of the nodes is kept anywhere: each node's priority for a router id is a hash of the two, so that the nodes agree on one master a
// router without talking about it, and one that comes or goes moves only what it holds (rendezvous hashing, Thaler and Ravishankar 1998).
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/config/state.hpp"
#include "sidecar/edge/lease_claims.hpp"
#include "sidecar/vip/config/config.hpp"

namespace steelyard::edge {

// How a node stands towards the addresses of one VirtualIp.
enum class Standing : uint8_t {
    sound,
    impaired,  // a listener of these addresses cannot be opened here: only when no node is better
    unfit,     // it may not, or should not, hold them
};

// 128 to 247: 128 + mix(fnv1a64(NODE '\n' ID)) mod 120, where ID is the number in decimal, fnv1a64 is FNV-1a and mix() is the finalizer
// of MurmurHash3 (fmix64).
uint8_t priority_of(std::string_view node, uint8_t router_id);

struct Plan {
    vip::Config config;                 // Leases are not held in it: lease_until_ms is 0 where one decides
    std::vector<LeaseWant> leases;      // that this node may claim for them: none while it drains
    std::vector<std::string> problems;  // what was left out of it, and why
};

// VirtualIps with the same router id are one router: their addresses together, the figures of the first by name; taking part when one of
// them does, impaired when one of them is. An impaired node's priority is lower by 127; a draining one's is 1, so that another takes over
// before this one goes.
Plan make_plan(const config::VirtualIps& ips, std::string_view node, bool draining,
               const std::function<Standing(const config::VirtualIp&)>& standing);

}  // namespace steelyard::edge
