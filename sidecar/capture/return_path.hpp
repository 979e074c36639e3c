#pragma once
// The way back to sockets that speak with a client's address (--role edge, listeners that are transparent): what an endpoint on this node
// answers is addressed to the client, and would be routed on; it has to be handed to the socket here. One table, `inet steelyard_return`,
// marks packets whose socket is transparent, one rule of each family leads what is marked to a routing table of its own, and that one says
// that everything is local. Packets of other sockets are not touched, and of the mark only its own bits are set.
// Source: Documentation/networking/tproxy.rst of Linux, nft(8) "socket transparent", ip-rule(8).
#include <cstdint>
#include <string>

#include "common/result.hpp"

namespace steelyard::capture {

struct ReturnPath {
    uint32_t mark = 0x00200000;  // not 0; its bits are ours alone on this node
    uint32_t table = 15'006;     // of routes; not 0, 253, 254, 255
};

// Where the rule stands: before the main table, and before what network plug-ins lead pods' packets by.
inline constexpr uint32_t kReturnRulePriority = 150;

// For `nft -f -`: replaces an older table in one transaction, or removes it.
std::string return_ruleset(const ReturnPath& path);
std::string return_removal();

// The rules and routes of both families; IPv6 is left out where the kernel has none. Run twice, they are there once.
Result<void> install_return_routes(const ReturnPath& path);
// What is not there is no error.
Result<void> remove_return_routes(const ReturnPath& path);

}  // namespace steelyard::capture
