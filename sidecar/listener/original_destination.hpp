#pragma once
// Where a connection that a NAT rule redirected to us was going, as the kernel's connection tracking remembers it.
// Sources: linux/netfilter_ipv4.h (SO_ORIGINAL_DST), linux/netfilter_ipv6/ip6_tables.h (IP6T_SO_ORIGINAL_DST).
#include <optional>

#include "sidecar/reactor/address.hpp"

namespace steelyard {

// nullopt when the kernel does not know: no connection tracking, or the entry is gone. A connection that was not redirected
// has the address that it was accepted on.
std::optional<SocketAddress> original_destination(int socket);

}  // namespace steelyard
