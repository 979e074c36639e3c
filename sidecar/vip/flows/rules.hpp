#pragma once
// The packet rules by which established connections stay with the node that has them when their address moves in order (docs/adr/0013). Pure.
//
// Tables of each family, whose sets and maps are filled while a move is under way (messages.hpp):
// - `ip`, `ip6`: what belongs to a TCP connection that this node does not know, and goes to an address in `moved`, is routed to the former
//   holder (`via`, over `port`) as it is, by a copy of the packet filter that needs no forwarding and sends no redirect. The time to live is
//   cut down to kHops and decreases with each node, so that what nobody knows can not circle; at its end the node answers it itself. A
//   SYN is a new connection, and this node's. The rules look at the state of connections from the start of the program on: only so does
//   the kernel know those that began before an address moved.
// - `arp`: requests for an address in `kept` are not answered, and the node's own requests name its own address instead: the
//   address is another's on the segment. IPv6 needs no such rule, as neighbour discovery speaks for addresses of interfaces alone.
#include <string>

#include "sidecar/vip/net/ip.hpp"

namespace steelyard::vip {

inline constexpr const char* kFlowTable = "steelyard_vip";
inline constexpr int kHops = 4;

// For nft: replaces what an earlier run has left, in one transaction.
std::string flow_rules(Family family);

}  // namespace steelyard::vip
